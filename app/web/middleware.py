"""The outermost middleware, also without a route: request id, host, HEAD, slow bodies, cache, compression, log."""

import gzip
import re
import secrets
import time
from typing import Any
from urllib.parse import urlsplit

import brotli  # type: ignore[import-untyped]
from litestar import Litestar
from litestar.types import ASGIApp, Receive, Scope, Send

from app.core import i18n, logs
from app.core.events import origin
from app.core.rate_limiter import RateLimitResult
from app.web import languages
from app.web.api_limits import NO_SESSION, rate_limit_headers
from app.web.body import BodyLimits, BodyReader
from app.web.context import context_of_scope
from app.web.cors import API_PREFIX, Cors
from app.web.page_cache import CachedResponse, CacheKey, Header, PageCache
from app.web.services import WebServices

COMPRESSIBLE_TYPES = (b"text/", b"application/json", b"application/problem+json", b"application/manifest+json")
MIN_COMPRESSED_BYTES = 600  # bytes
ENTITY_TAG = re.compile(rb'(?:W/)?("[^"]*")')


def wrap(app: Litestar, services: WebServices, cors: Cors, body_limits: BodyLimits) -> None:
    app.asgi_handler = Middleware(app.asgi_handler, services, cors, body_limits)


# What everyone may read, but who is signed in as a customer without those who are kept from them (W41).
PERSONAL_API_PATHS = ("/slots",)


class Middleware:
    def __init__(self, inner: ASGIApp, services: WebServices, cors: Cors, body_limits: BodyLimits) -> None:
        self._inner = inner
        self._body_limits = body_limits
        self._metrics = services.request_metrics
        self._page_cache, self._api_cache = services.page_cache, services.api_cache
        self._limits = services.api_limits
        self._cors = cors
        self._refresh_shared = services.refresh_shared
        # A page's request whose Cookie header has one of these ("name=") never reads or fills the cache.
        self._bypass_cookies = services.cookies.cache_bypass
        settings = services.settings
        self._host = urlsplit(settings.base_url).netloc.encode() if settings.production else None

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._inner(scope, receive, send)
        started = time.monotonic()
        logs.request_id.set(secrets.token_hex(8))
        method = scope["method"]
        if method == "HEAD":
            # Litestar would answer 405; ResponseSender drops the body. The server's own scope stays unchanged, because
            # it checks the sent length against the announced one unless it sees HEAD.
            scope = {**scope, "method": "GET"}
        headers = dict(scope["headers"])
        sender = ResponseSender(send, scope, headers, head=method == "HEAD")
        locale_token = i18n.locale.set(languages.negotiate(headers.get(b"accept-language", b"")))
        origin_token = origin.set("page")  # AccessGuard sets it for the API
        try:
            await self._respond(scope, BodyReader(receive, self._body_limits), sender, headers, started)
        finally:
            i18n.locale.reset(locale_token)
            origin.reset(origin_token)
            seconds = time.monotonic() - started
            route = str(scope.get("path_template") or "-")
            logs.log_request(method, route, sender.status, seconds * 1000)
            self._metrics.record(method, route, sender.status, seconds)

    async def _respond(
        self, scope: Any, receive: Receive, sender: "ResponseSender", headers: dict[bytes, bytes], started: float
    ) -> None:
        if self._host and headers.get(b"host") != self._host and not _is_health(scope):
            return await sender.send_text(400, b"This is not an address of Doorstep.")
        is_api = scope["path"].startswith(API_PREFIX)
        cache = self._api_cache if is_api else self._page_cache
        # None for a token that was not looked up lately: AccessGuard finds out for whom the request counts.
        session_id = self._limits.known_session(scope) if is_api else NO_SESSION
        is_personal = session_id not in (None, NO_SESSION) and scope["path"].endswith(PERSONAL_API_PATHS)
        key = None if session_id is None or is_personal else self._key(scope, headers, sender.encoding, is_api=is_api)
        if key and (cached := await cache.find(key)):
            limit = await self._limits.count(scope, session_id or NO_SESSION) if is_api else None
            if limit is None or limit.allowed:
                scope["path_template"] = cached.route
                return await sender.send_cached(cached, limit)
            context_of_scope(scope).rate_limit = limit  # AccessGuard refuses the request
        version = cache.version
        if not is_api:
            await self._refresh_shared()
        sender.on_complete = lambda message, body: self._store(scope, cache, key, started, version, message, body)
        try:
            await self._inner(scope, receive, sender)
        finally:
            if key:
                cache.finish_render(key)

    def _key(self, scope: Any, headers: dict[bytes, bytes], encoding: str, *, is_api: bool) -> CacheKey | None:
        if scope["method"] != "GET":
            return None
        if is_api:  # which ignores cookies and HTMX
            variant = self._cors.allowed_origin(scope)
        else:
            cookie = headers.get(b"cookie", b"")
            if any(name in cookie for name in self._bypass_cookies):
                return None
            htmx = b"|".join(headers.get(name, b"") for name in HTMX_HEADERS) if b"hx-request" in headers else b""
            variant = htmx.decode("latin-1")
        return scope["path"], scope.get("query_string", b""), variant, encoding, i18n.locale.get()

    def _store(
        self,
        scope: Any,
        cache: PageCache,
        key: CacheKey | None,
        started: float,
        version: int,
        message: Any,
        body: bytes,
    ) -> None:
        cacheable = context_of_scope(scope).cacheable
        if not key or not cacheable or message["status"] != 200:
            return
        headers = [header for header in message["headers"] if header[0] not in PER_REQUEST_HEADERS]
        if any(name == b"set-cookie" for name, _ in headers):
            return
        max_age, tags = cacheable
        etag = next((value for name, value in headers if name == b"etag"), b"")
        route = str(scope.get("path_template") or "-")
        # The age counts from the beginning of the request: what it was rendered from is no older.
        cache.put(
            key, CachedResponse(started + max_age, version, tags, headers, body, route, etag, _not_modified(headers))
        )


HTMX_HEADERS = (b"hx-request", b"hx-request-type", b"hx-boosted", b"hx-history-restore-request")
PER_REQUEST_HEADERS = frozenset({b"x-request-id", b"ratelimit-limit", b"ratelimit-remaining", b"ratelimit-reset"})
# They describe a body, and a 304 has none.
BODY_HEADERS = frozenset({b"content-type", b"content-length", b"content-encoding"})


def _is_health(scope: Scope) -> bool:
    return scope["path"].startswith("/health") or scope["path"] == "/metrics"


class ResponseSender:
    """The `send` of a request: compresses complete responses, passes streams on, drops the body of a HEAD."""

    def __init__(self, send: Send, scope: Scope, headers: dict[bytes, bytes], *, head: bool) -> None:
        self._send = send
        self._scope = scope
        self._is_conditional = b"if-none-match" in headers
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
        start.setdefault("headers", [])
        if not message.get("more_body", False):
            message = {**message, "body": self._complete(start, message.get("body", b""))}
        start["headers"] = [*start["headers"], _request_id()]
        await self._send(start)
        await self._body(message)

    async def send_cached(self, cached: CachedResponse, limit: RateLimitResult | None) -> None:
        """The stored response, or 304 if the client has it."""
        not_modified = self._has_current(cached.etag)
        self.status = 304 if not_modified else 200
        headers = [*(cached.not_modified if not_modified else cached.headers), _request_id()]
        if limit:
            headers += [(name.encode(), value.encode()) for name, value in rate_limit_headers(limit).items()]
        await self._send({"type": "http.response.start", "status": self.status, "headers": headers})
        await self._body(
            {"type": "http.response.body", "body": b"" if not_modified else cached.body, "more_body": False}
        )

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
        if self.status == 200 and self._has_current(dict(headers).get(b"etag", b"")):
            self.status = start["status"] = 304
            start["headers"], body = _not_modified(headers), b""
        return body

    def _has_current(self, etag: bytes) -> bool:
        """Whether If-None-Match names this version, by the weak comparison of RFC 9110."""
        if not self._is_conditional or not etag:
            return False
        sent = b", ".join(value for name, value in self._scope["headers"] if name == b"if-none-match")
        return sent.strip() == b"*" or etag.removeprefix(b"W/") in ENTITY_TAG.findall(sent)

    async def _body(self, message: Any) -> None:
        if self._head and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self._send(message)


def _request_id() -> Header:
    return b"x-request-id", logs.request_id.get().encode()


def _not_modified(headers: list[Header]) -> list[Header]:
    return [header for header in headers if header[0] not in BODY_HEADERS]


def _encoding(accepted: bytes) -> str:
    encodings = {part.split(b";")[0].strip() for part in accepted.split(b",") if not part.rstrip().endswith(b"q=0")}
    return "br" if b"br" in encodings else "gzip" if b"gzip" in encodings else ""


def _compressed(body: bytes, encoding: str) -> bytes:
    return brotli.compress(body, quality=4) if encoding == "br" else gzip.compress(body, 6, mtime=0)


def _add_vary(headers: list[Header], name: bytes) -> list[Header]:
    present = b", ".join(value for key, value in headers if key == b"vary")
    vary = present + b", " + name if present else name
    return [header for header in headers if header[0] != b"vary"] + [(b"vary", vary)]
