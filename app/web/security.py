"""Walls that every answer and every form stands behind: headers, cookies, the CSRF token."""

import base64
import secrets
from string import punctuation
from urllib.parse import quote, urlsplit

from litestar.datastructures import Cookie
from litestar.types import Message, Scope

from app.core.encryption import Vault
from app.settings import Settings
from app.web.context import Connection, visit_in, visit_of

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; report-uri /csp-report"
)
HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), interest-cohort=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
FIELD = "_csrf_token"
HEADER = "x-csrf-token"


class SecurityHeaders:
    """Put on every answer as it leaves, also on 404, 405 and refusals. A header the answer already has is kept."""

    def __init__(self, settings: Settings) -> None:
        headers = dict(HEADERS)
        if settings.https:
            headers["strict-transport-security"] = "max-age=63072000; includeSubDomains"
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, message: Message, scope: Scope) -> None:
        if message["type"] != "http.response.start":
            return
        own: list[tuple[bytes, bytes]] = list(message.get("headers", []))
        own += [(name.encode(), value.encode()) for name, value in visit_in(scope).headers.items()]
        named = {name.lower() for name, _ in own}
        message["headers"] = own + [header for header in self._headers if header[0] not in named]


class Cookies:
    """Our cookies: the session, a visitor's pre-session, a note for the next page, and a secret that it shows once."""

    def __init__(self, *, https: bool) -> None:
        prefix = "__Host-" if https else ""
        self.session, self.pre_session, self.flash = f"{prefix}ds", f"{prefix}pre", f"{prefix}flash"
        self.once = f"{prefix}once"
        self.personal = (self.session.encode() + b"=", self.flash.encode() + b"=")
        self._https = https

    def make(self, name: str, value: str, max_age: int | None) -> Cookie:
        """`max_age` in seconds; None lasts until the browser closes, 0 removes it."""
        return Cookie(name, value=value, max_age=max_age, path="/", httponly=True, secure=self._https, samesite="lax")

    def removed(self, name: str) -> Cookie:
        return self.make(name, "", 0)


class Csrf:
    """A token for this browser's forms: bound to its session cookie or, for a visitor, to a pre-session cookie."""

    def __init__(self, vault: Vault, cookies: Cookies) -> None:
        self._vault = vault
        self._cookies = cookies

    def token(self, connection: Connection) -> str:
        """Masked anew each time, so that compression tells nobody anything. Gives a visitor a pre-session."""
        mac = self._mac(self._seed(connection, make=True) or "")
        mask = secrets.token_bytes(len(mac))
        return base64.urlsafe_b64encode(mask + _xor(mask, mac)).decode().rstrip("=")

    def fits(self, connection: Connection, token: str | None) -> bool:
        seed = self._seed(connection, make=False)
        if not seed or not token or len(token) > 200:
            return False
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except ValueError:
            return False
        half = len(raw) // 2
        return secrets.compare_digest(_xor(raw[:half], raw[half:]), self._mac(seed))

    def _seed(self, connection: Connection, *, make: bool) -> str | None:
        visit = visit_of(connection)
        if visit.person is not None:
            return connection.cookies.get(self._cookies.session)
        visit.pre_session = visit.pre_session or connection.cookies.get(self._cookies.pre_session)
        if not visit.pre_session and make:
            visit.pre_session = secrets.token_urlsafe(18)
            visit.cookies.append(self._cookies.make(self._cookies.pre_session, visit.pre_session, None))
        return visit.pre_session

    def _mac(self, seed: str) -> bytes:
        return self._vault.digest(seed, "csrf")


def _xor(a: bytes, b: bytes) -> bytes:
    return bytes(x ^ y for x, y in zip(a, b, strict=False))


def client_address(connection: Connection, trusted_proxies: int) -> str:
    """The address that counts for slowing down: the last one that our own proxies did not write."""
    peer = connection.client.host if connection.client else "unknown"
    if not trusted_proxies:
        return peer
    told = [part.strip() for part in connection.headers.get("x-forwarded-for", "").split(",") if part.strip()]
    return (told[-trusted_proxies:] or [peer])[0]


def local_path(asked: str | None, otherwise: str = "/") -> str:
    """`asked` when it is a path of ours, as a header can carry it; anything else, such as another site: `otherwise`."""
    if not asked or len(asked) > 500 or not asked.startswith("/") or asked[1:2] in ("/", "\\"):
        return otherwise
    if any(ord(sign) < 33 or sign == "\\" or ord(sign) == 127 for sign in asked):
        return otherwise
    parts = urlsplit(asked)
    if parts.scheme or parts.netloc:
        return otherwise
    return asked if asked.isascii() else quote(asked, safe=punctuation, errors="replace")
