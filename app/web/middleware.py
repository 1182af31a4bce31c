"""The outermost middleware, also for requests without a route: request id, host, HEAD, page cache, compression, log."""

import gzip
import secrets
import time
from typing import Any
from urllib.parse import urlsplit

import brotli  # type: ignore[import-untyped]
from litestar import Litestar
from litestar.types import ASGIApp, Receive, Scope, Send

from app.core import i18n, logs
from app.core.events import origin
from app.settings import Settings
from app.web import languages
from app.web.context import context_of_scope
from app.web.metrics import RequestMetrics
from app.web.page_cache import CachedResponse, CacheKey, Header, PageCache

COMPRESSIBLE_TYPES = (b"text/", b"application/json", b"application/problem+json", b"application/manifest+json")
MIN_COMPRESSED_BYTES = 600  # bytes


def wrap(
    app: Litestar, settings: Settings, page_cache: PageCache, metrics: RequestMetrics, bypass_cookies: tuple[bytes, ...]
) -> None:
    """Wrap the application.

    `bypass_cookies`: a request whose Cookie header has one of these ("name=") never reads or fills the page cache.
    """
    app.asgi_handler = Middleware(app.asgi_handler, settings, page_cache, metrics, bypass_cookies)


class Middleware:
    def __init__(
        self,
        inner: ASGIApp,
        settings: Settings,
        page_cache: PageCache,
        metrics: RequestMetrics,
        bypass_cookies: tuple[bytes, ...],
    ) -> None:
        self._inner = inner
        self._metrics = metrics
        self._page_cache = page_cache
        self._bypass_cookies = bypass_cookies
        self._host = urlsplit(settings.base_url).netloc.encode() if settings.production else None

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._inner(scope, receive, send)
        started = time.perf_counter()
        logs.request_id.set(secrets.token_hex(8))
        method = scope["method"]
        if method == "HEAD":
            # Litestar would answer 405; ResponseSender drops the body. The server's own scope stays unchanged, because
            # it checks the sent length against the announced one unless it sees HEAD.
            scope = {**scope, "method": "GET"}
        headers = dict(scope["headers"])
        sender = ResponseSender(send, headers, head=method == "HEAD")
        locale_token = i18n.locale.set(languages.negotiate(headers.get(b"accept-language", b"")))
        origin_token = origin.set("page")  # AccessGuard sets it for the API
        try:
            await self._respond(scope, receive, sender, headers)
        finally:
            i18n.locale.reset(locale_token)
            origin.reset(origin_token)
            milliseconds = (time.perf_counter() - started) * 1000
            route = str(scope.get("path_template") or "-")
            logs.log_request(method, route, sender.status, milliseconds)
            self._metrics.record(method, route, sender.status, milliseconds / 1000)

    async def _respond(
        self, scope: Scope, receive: Receive, sender: "ResponseSender", headers: dict[bytes, bytes]
    ) -> None:
        if self._host and headers.get(b"host") != self._host and not _is_health(scope):
            return await sender.send_text(400, b"This is not an address of Doorstep.")
        key = self._key(scope, headers, sender.encoding)
        if key and (cached := await self._page_cache.find(key)):
            return await sender.send_cached(cached)
        version = self._page_cache.version
        sender.on_complete = lambda message, body: self._store(scope, key, version, message, body)
        try:
            await self._inner(scope, receive, sender)
        finally:
            if key:
                self._page_cache.finish_render(key)

    def _key(self, scope: Any, headers: dict[bytes, bytes], encoding: str) -> CacheKey | None:
        cookie = headers.get(b"cookie", b"")
        if scope["method"] != "GET" or any(name in cookie for name in self._bypass_cookies):
            return None
        htmx = b"|".join(headers.get(name, b"") for name in HTMX_HEADERS) if b"hx-request" in headers else b""
        return scope["path"], scope.get("query_string", b""), htmx.decode("latin-1"), encoding, i18n.locale.get()

    def _store(self, scope: Scope, key: CacheKey | None, version: int, message: Any, body: bytes) -> None:
        cacheable = context_of_scope(scope).cacheable
        if not key or not cacheable or message["status"] != 200:
            return
        headers: list[Header] = list(message["headers"])
        if not any(name == b"set-cookie" for name, _ in headers):
            self._page_cache.put(
                key, CachedResponse(time.monotonic() + cacheable[0], version, cacheable[1], headers, body)
            )


HTMX_HEADERS = (b"hx-request", b"hx-request-type", b"hx-boosted", b"hx-history-restore-request")


def _is_health(scope: Scope) -> bool:
    return scope["path"].startswith("/health") or scope["path"] == "/metrics"


class ResponseSender:
    """The `send` of a request: compresses complete responses, passes streams on, drops the body of a HEAD."""

    def __init__(self, send: Send, headers: dict[bytes, bytes], *, head: bool) -> None:
        self._send = send
        self._head = head
        self._start: Any = None
        self.status = 0
        self.encoding = _encoding(headers.get(b"accept-encoding", b""))
        self.on_complete: Any = None

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
            message = {**message, "body": self._complete(start, message.get("body", b""))}
        await self._send(start)
        await self._body(message)

    async def send_cached(self, cached: CachedResponse) -> None:
        self.status = 200
        stored = [header for header in cached.headers if header[0] != b"x-request-id"]
        headers = [*stored, (b"x-request-id", logs.request_id.get().encode())]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._body({"type": "http.response.body", "body": cached.body, "more_body": False})

    async def send_text(self, status: int, body: bytes) -> None:
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
        await self({"type": "http.response.start", "status": status, "headers": headers})
        await self({"type": "http.response.body", "body": body, "more_body": False})

    def _complete(self, start: Any, body: bytes) -> bytes:
        headers = [(name.lower(), value) for name, value in start["headers"]]
        content_type = dict(headers).get(b"content-type", b"")
        if content_type.startswith(COMPRESSIBLE_TYPES) and b"content-encoding" not in dict(headers):
            headers = _add_vary(headers, b"Accept-Encoding")
            if content_type.startswith(b"text/html") and languages.is_multilingual():
                headers = _add_vary(headers, b"Accept-Language")
            if self.encoding and len(body) >= MIN_COMPRESSED_BYTES:
                body = _compressed(body, self.encoding)
                headers.append((b"content-encoding", self.encoding.encode()))
            length = str(len(body)).encode()
            headers = [header for header in headers if header[0] != b"content-length"] + [(b"content-length", length)]
        start["headers"] = headers
        if self.on_complete:
            self.on_complete(start, body)
        return body

    async def _body(self, message: Any) -> None:
        if self._head and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self._send(message)


def _encoding(accepted: bytes) -> str:
    encodings = {part.split(b";")[0].strip() for part in accepted.split(b",") if not part.rstrip().endswith(b"q=0")}
    return "br" if b"br" in encodings else "gzip" if b"gzip" in encodings else ""


def _compressed(body: bytes, encoding: str) -> bytes:
    return brotli.compress(body, quality=4) if encoding == "br" else gzip.compress(body, 6, mtime=0)


def _add_vary(headers: list[Header], name: bytes) -> list[Header]:
    present = b", ".join(value for key, value in headers if key == b"vary")
    vary = present + b", " + name if present else name
    return [header for header in headers if header[0] != b"vary"] + [(b"vary", vary)]
