"""Security headers, cookies and CSRF."""

import base64
import secrets
from string import punctuation
from urllib.parse import quote, urlencode, urlsplit

from litestar.datastructures import Cookie
from litestar.types import Message, Scope

from app.core.encryption import Encryption
from app.settings import Settings
from app.web.context import Connection, context_of, context_of_scope

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; report-uri /csp-report"
)
SECURITY_HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), interest-cohort=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
CSRF_FIELD = "_csrf_token"
CSRF_HEADER = "x-csrf-token"


class SecurityHeaders:
    """Add the security headers to every response, also to errors. A header that the response sets itself wins."""

    def __init__(self, settings: Settings) -> None:
        headers = dict(SECURITY_HEADERS)
        if settings.https:
            headers["strict-transport-security"] = "max-age=63072000; includeSubDomains"
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, message: Message, scope: Scope) -> None:
        if message["type"] != "http.response.start":
            return
        own: list[tuple[bytes, bytes]] = list(message.get("headers", []))
        own += [(name.encode(), value.encode()) for name, value in context_of_scope(scope).headers.items()]
        named = {name.lower() for name, _ in own}
        message["headers"] = own + [header for header in self._headers if header[0] not in named]


class Cookies:
    """The cookies: session, known device, a visitor's pre-session, flash message, a secret that is shown once,
    and a form that was sent after its session had ended.
    """

    def __init__(self, *, https: bool) -> None:
        prefix = "__Host-" if https else ""
        self.session, self.pre_session, self.flash = f"{prefix}ds", f"{prefix}pre", f"{prefix}flash"
        self.one_time_secret, self.device = f"{prefix}once", f"{prefix}device"
        self.unsent_form = f"{prefix}unsent"
        self.cache_bypass = (self.session.encode() + b"=", self.flash.encode() + b"=")
        self._https = https

    def create(self, name: str, value: str, max_age: int | None) -> Cookie:
        """`max_age` in seconds; None lasts until the browser closes, 0 removes it."""
        return Cookie(name, value=value, max_age=max_age, path="/", httponly=True, secure=self._https, samesite="lax")

    def removed(self, name: str) -> Cookie:
        return self.create(name, "", 0)


class Csrf:
    """CSRF tokens: bound to the session cookie or, for a visitor, to a pre-session cookie.

    A token of a signed-in user's page also names its owner, who is still known by it when the session has ended.
    """

    def __init__(self, encryption: Encryption, cookies: Cookies) -> None:
        self._encryption = encryption
        self._cookies = cookies

    def token(self, connection: Connection) -> str:
        """The token of this response, masked against BREACH. Starts a pre-session for a visitor."""
        seed, context = self._seed(connection, create=True) or "", context_of(connection)
        if context.csrf_token is None or context.csrf_token[0] != seed:
            mac = self._mac(seed)
            mask = secrets.token_bytes(len(mac))
            token = base64.urlsafe_b64encode(mask + _xor(mask, mac)).decode().rstrip("=")
            owner = "." + self.owner_tag(context.user.id) if context.user is not None else ""
            context.csrf_token = seed, token + owner
        return context.csrf_token[1]

    def verify(self, connection: Connection, token: str | None) -> bool:
        seed = self._seed(connection, create=False)
        if not seed or not token or len(token) > 200:
            return False
        token = token.partition(".")[0]
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except ValueError:
            return False
        half = len(raw) // 2
        mac = _xor(raw[:half], raw[half:])
        return any(secrets.compare_digest(mac, known) for known in self._encryption.digests(seed, "csrf"))

    def owner_tag(self, user_id: int) -> str:
        """What stands for the user in the tokens of their pages."""
        return self.owner_tags(user_id)[0]

    def owner_tags(self, user_id: int) -> list[str]:
        """The tags of pages that may still be open: the present one first."""
        return [digest.hex()[:24] for digest in self._encryption.digests(str(user_id), "owner of a form")]

    def owner_of_token(self, token: str | None) -> str:
        """The tag of the user whose page had the token; "" of a visitor's. It proves nothing about who sends it."""
        return (token or "")[:200].partition(".")[2]

    def browser(self, connection: Connection) -> bytes:
        """The digest of the random cookie that the browser's tokens are bound to; of nothing when it has none."""
        return self._encryption.digest(self._seed(connection, create=False) or "", "browser")

    def _seed(self, connection: Connection, *, create: bool) -> str | None:
        context = context_of(connection)
        if context.user is not None:
            return connection.cookies.get(self._cookies.session)
        context.pre_session = context.pre_session or connection.cookies.get(self._cookies.pre_session)
        if not context.pre_session and create:
            context.pre_session = secrets.token_urlsafe(18)
            context.cookies.append(self._cookies.create(self._cookies.pre_session, context.pre_session, None))
        return context.pre_session

    def _mac(self, seed: str) -> bytes:
        return self._encryption.digest(seed, "csrf")


def _xor(a: bytes, b: bytes) -> bytes:
    return bytes(x ^ y for x, y in zip(a, b, strict=False))


def client_address(scope: Scope, trusted_proxies: int) -> str:
    """The client's IP address for rate limits: the last one that our own proxies did not add.

    A proxy may add a header of its own below the one that the client sent: both are one list.
    """
    client = scope.get("client")
    peer = client[0] if client else "unknown"
    if not trusted_proxies:
        return peer
    header = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
    forwarded = [part.strip() for part in header.decode("latin-1").split(",") if part.strip()]
    return (forwarded[-trusted_proxies:] or [peer])[0]


def bearer_token(scope: Scope) -> str | None:
    """The token of the Authorization header; None without one."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            kind, _, token = value.decode("latin-1").partition(" ")
            return token.strip() if kind.lower() == "bearer" else None
    return None


def local_path(path: str | None, default: str = "/") -> str:
    """`path` when it is a local path, encoded for a header; `default` for anything else, such as another site."""
    if not path or len(path) > 500 or not path.startswith("/") or path[1:2] in ("/", "\\"):
        return default
    if any(ord(char) < 33 or char == "\\" or ord(char) == 127 for char in path):
        return default
    parts = urlsplit(path)
    if parts.scheme or parts.netloc:
        return default
    return path if path.isascii() else quote(path, safe=punctuation, errors="replace")


def with_next(path: str, next_url: str) -> str:
    """The address of a sign-in page that continues at `next_url`, which may be empty."""
    return f"{path}?{urlencode({'next': next_url})}" if next_url else path
