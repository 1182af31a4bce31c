"""What surrounds every request, also one that matches no route: id, host, HEAD, the shelf, compression, a log line."""

import gzip
import secrets
import time
from typing import Any
from urllib.parse import urlsplit

import brotli  # type: ignore[import-untyped]
from litestar import Litestar
from litestar.types import ASGIApp, Receive, Scope, Send

from app.core import i18n, logs
from app.core.events import channel
from app.settings import Settings
from app.web import languages
from app.web.context import visit_in
from app.web.metrics import Meter
from app.web.page_cache import Header, Kept, Key, Shelf

TEXT = (b"text/", b"application/json", b"application/problem+json", b"application/manifest+json")
WORTH_IT = 600  # bytes


def surround(app: Litestar, settings: Settings, shelf: Shelf, meter: Meter, personal: tuple[bytes, ...]) -> None:
    """`personal` are the starts of the cookies whose bearer must not be served from the shelf."""
    app.asgi_handler = Front(app.asgi_handler, settings, shelf, meter, personal)


class Front:
    def __init__(
        self, inner: ASGIApp, settings: Settings, shelf: Shelf, meter: Meter, personal: tuple[bytes, ...]
    ) -> None:
        self._inner = inner
        self._meter = meter
        self._shelf = shelf
        self._personal = personal
        self._host = urlsplit(settings.base_url).netloc.encode() if settings.production else None

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._inner(scope, receive, send)
        started = time.perf_counter()
        logs.request_id.set(secrets.token_hex(8))
        method = scope["method"]
        if method == "HEAD":
            # Litestar would answer 405; the body is dropped on the way out. The server's own scope stays as it is:
            # it counts what is sent against the length that was announced, unless it knows of the HEAD.
            scope = {**scope, "method": "GET"}
        headers = dict(scope["headers"])
        reply = Reply(send, headers, head=method == "HEAD")
        token = i18n.locale.set(languages.reads(headers.get(b"accept-language", b"")))
        way = channel.set("page")  # the gate says so when it is the API
        try:
            await self._answer(scope, receive, reply, headers)
        finally:
            i18n.locale.reset(token)
            channel.reset(way)
            took = (time.perf_counter() - started) * 1000
            route = str(scope.get("path_template") or "-")
            logs.access(method, route, reply.status, took)
            self._meter.note(method, route, reply.status, took / 1000)

    async def _answer(self, scope: Scope, receive: Receive, reply: "Reply", headers: dict[bytes, bytes]) -> None:
        if self._host and headers.get(b"host") != self._host and not _is_health(scope):
            return await reply.plain(400, b"This is not an address of Doorstep.")
        key = self._key(scope, headers, reply.encoding)
        if key and (kept := await self._shelf.find(key)):
            return await reply.ready(kept)
        moment = self._shelf.moment
        reply.on_whole = lambda message, body: self._keep(scope, key, moment, message, body)
        try:
            await self._inner(scope, receive, reply)
        finally:
            if key:
                self._shelf.drawn(key)

    def _key(self, scope: Any, headers: dict[bytes, bytes], encoding: str) -> Key | None:
        cookie = headers.get(b"cookie", b"")
        if scope["method"] != "GET" or any(start in cookie for start in self._personal):
            return None
        shape = b"|".join(headers.get(name, b"") for name in SHAPES) if b"hx-request" in headers else b""
        return scope["path"], scope.get("query_string", b""), shape.decode("latin-1"), encoding, i18n.locale.get()

    def _keep(self, scope: Scope, key: Key | None, moment: int, message: Any, body: bytes) -> None:
        asked = visit_in(scope).kept
        if not key or not asked or message["status"] != 200:
            return
        headers: list[Header] = list(message["headers"])
        if not any(name == b"set-cookie" for name, _ in headers):
            self._shelf.put(key, Kept(time.monotonic() + asked[0], moment, asked[1], headers, body))


SHAPES = (b"hx-request", b"hx-request-type", b"hx-boosted", b"hx-history-restore-request")


def _is_health(scope: Scope) -> bool:
    return scope["path"].startswith("/health") or scope["path"] == "/metrics"


class Reply:
    """Our `send`: compresses an answer that comes whole, lets streams flow, drops the body of a HEAD."""

    def __init__(self, send: Send, headers: dict[bytes, bytes], *, head: bool) -> None:
        self._send = send
        self._head = head
        self._start: Any = None
        self.status = 0
        self.encoding = _encoding(headers.get(b"accept-encoding", b""))
        self.on_whole: Any = None

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._start = message
            return
        if message["type"] != "http.response.body" or self._start is None:
            return await self._body(message)
        start, self._start = self._start, None
        start["headers"] = [*start.get("headers", ()), (b"x-request-id", logs.request_id.get().encode())]
        if not message.get("more_body", False):
            message = {**message, "body": self._whole(start, message.get("body", b""))}
        await self._send(start)
        await self._body(message)

    async def ready(self, kept: Kept) -> None:
        self.status = 200
        named = [header for header in kept.headers if header[0] != b"x-request-id"]
        headers = [*named, (b"x-request-id", logs.request_id.get().encode())]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._body({"type": "http.response.body", "body": kept.body, "more_body": False})

    async def plain(self, status: int, body: bytes) -> None:
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
        await self({"type": "http.response.start", "status": status, "headers": headers})
        await self({"type": "http.response.body", "body": body, "more_body": False})

    def _whole(self, start: Any, body: bytes) -> bytes:
        headers = [(name.lower(), value) for name, value in start["headers"]]
        kind = dict(headers).get(b"content-type", b"")
        if kind.startswith(TEXT) and b"content-encoding" not in dict(headers):
            headers = _varying(headers, b"Accept-Encoding")
            if kind.startswith(b"text/html") and languages.several():
                headers = _varying(headers, b"Accept-Language")
            if self.encoding and len(body) >= WORTH_IT:
                body = _compressed(body, self.encoding)
                headers.append((b"content-encoding", self.encoding.encode()))
            length = str(len(body)).encode()
            headers = [header for header in headers if header[0] != b"content-length"] + [(b"content-length", length)]
        start["headers"] = headers
        if self.on_whole:
            self.on_whole(start, body)
        return body

    async def _body(self, message: Any) -> None:
        if self._head and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self._send(message)


def _encoding(accepted: bytes) -> str:
    offers = {part.split(b";")[0].strip() for part in accepted.split(b",") if not part.rstrip().endswith(b"q=0")}
    return "br" if b"br" in offers else "gzip" if b"gzip" in offers else ""


def _compressed(body: bytes, encoding: str) -> bytes:
    return brotli.compress(body, quality=4) if encoding == "br" else gzip.compress(body, 6, mtime=0)


def _varying(headers: list[Header], by: bytes) -> list[Header]:
    told = b", ".join(value for name, value in headers if name == b"vary")
    vary = told + b", " + by if told else by
    return [header for header in headers if header[0] != b"vary"] + [(b"vary", vary)]
