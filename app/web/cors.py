"""What an address may be asked, and by whose pages: the API by the sites that the operator names, else by none."""

from litestar import Litestar
from litestar.types import Message, Scope

API = "/api/"
SENT = b"Authorization, Content-Type, Idempotency-Key, If-None-Match"
READ = b"ETag, Idempotency-Replayed, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After"
ASKED_AGAIN = b"600"  # seconds for which a browser remembers the answer
Headers = list[tuple[bytes, bytes]]


class Crossing:
    """Never with a cookie: a token is all that opens the API."""

    def __init__(self, origins: frozenset[str]) -> None:
        self._origins = origins
        self._methods: dict[str, bytes] = {}

    def learn(self, app: Litestar) -> None:
        """The methods of each address: Litestar's own answer to OPTIONS leaves out those of doors made later."""
        for route in app.routes:
            found = {method for one in getattr(route, "route_handlers", ()) for method in one.http_methods}
            self._methods[route.path_format] = ", ".join(sorted(found)).encode()

    async def __call__(self, message: Message, scope: Scope) -> None:
        if message["type"] != "http.response.start":
            return
        headers: Headers = list(message.get("headers", []))
        allowed = self._methods.get(str(scope.get("path_template")))
        asked = scope.get("method") == "OPTIONS" and allowed is not None
        if asked and allowed is not None:
            headers = [(name, allowed if name.lower() == b"allow" else value) for name, value in headers]
        if self._origins and str(scope["path"]).startswith(API):
            headers += self._crossing(scope, allowed or b"", asked=asked)
        message["headers"] = headers

    def _crossing(self, scope: Scope, allowed: bytes, *, asked: bool) -> Headers:
        origin = next((value for name, value in scope["headers"] if name == b"origin"), b"")
        told: Headers = [(b"vary", b"Origin")]
        if origin.decode("latin-1") not in self._origins:
            return told
        told += [
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", READ),
            (b"cross-origin-resource-policy", b"cross-origin"),
        ]
        if asked:
            told += [
                (b"access-control-allow-methods", allowed),
                (b"access-control-allow-headers", SENT),
                (b"access-control-max-age", ASKED_AGAIN),
            ]
        return told
