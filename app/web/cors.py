"""CORS for the API, for the origins that the operator allows; and the methods of each path for OPTIONS."""

from litestar import Litestar
from litestar.types import Message, Scope

API_PREFIX = "/api/"
ALLOWED_HEADERS = b"Authorization, Content-Type, Idempotency-Key, If-None-Match"
EXPOSED_HEADERS = b"ETag, Idempotency-Replayed, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After"
MAX_AGE_SECONDS = b"600"  # how long a browser remembers the preflight response
Headers = list[tuple[bytes, bytes]]


class Cors:
    """CORS without credentials: the API accepts tokens, never cookies."""

    def __init__(self, origins: frozenset[str]) -> None:
        self._origins = origins
        self._methods: dict[str, bytes] = {}

    def read_routes(self, app: Litestar) -> None:
        """Read the methods of each path: Litestar's own OPTIONS response leaves out handlers registered later."""
        for route in app.routes:
            methods = {method for handler in getattr(route, "route_handlers", ()) for method in handler.http_methods}
            self._methods[route.path_format] = ", ".join(sorted(methods)).encode()

    async def __call__(self, message: Message, scope: Scope) -> None:
        if message["type"] != "http.response.start":
            return
        headers: Headers = list(message.get("headers", []))
        allowed = self._methods.get(str(scope.get("path_template")))
        preflight = scope.get("method") == "OPTIONS" and allowed is not None
        if preflight and allowed is not None:
            headers = [(name, allowed if name.lower() == b"allow" else value) for name, value in headers]
        if self._origins and str(scope["path"]).startswith(API_PREFIX):
            headers += self._cors_headers(scope, allowed or b"", preflight=preflight)
        message["headers"] = headers

    def allowed_origin(self, scope: Scope) -> str:
        """The origin of the request if it may use the API; a cached response is for one such origin alone."""
        sent = next((value for name, value in scope["headers"] if name == b"origin"), b"") if self._origins else b""
        origin = sent.decode("latin-1")
        return origin if origin in self._origins else ""

    def _cors_headers(self, scope: Scope, allowed: bytes, *, preflight: bool) -> Headers:
        headers: Headers = [(b"vary", b"Origin")]
        origin = self.allowed_origin(scope)
        if not origin:
            return headers
        headers += [
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-expose-headers", EXPOSED_HEADERS),
            (b"cross-origin-resource-policy", b"cross-origin"),
        ]
        if preflight:
            headers += [
                (b"access-control-allow-methods", allowed),
                (b"access-control-allow-headers", ALLOWED_HEADERS),
                (b"access-control-max-age", MAX_AGE_SECONDS),
            ]
        return headers
