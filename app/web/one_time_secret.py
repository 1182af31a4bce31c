"""A secret that is shown once, on the page after the form that made it: sealed in a cookie till then."""

import base64

from app.core.encryption import Vault
from app.web.context import Connection, visit_of
from app.web.security import Cookies

SECONDS = 120


def keep_once(request: Connection, name: str, secret: str) -> None:
    """For the page that the answer leads to, and for the person who is signed in."""
    cookies: Cookies = request.app.state.cookies
    sealed = base64.urlsafe_b64encode(_vault(request).seal(secret, _context(request, name))).decode()
    visit_of(request).cookies.append(cookies.make(cookies.once, sealed, SECONDS))


def take_once(request: Connection, name: str) -> str | None:
    """None when there is none, or it is somebody else's; afterwards there is none."""
    cookies: Cookies = request.app.state.cookies
    sealed = request.cookies.get(cookies.once)
    if not sealed:
        return None
    visit_of(request).cookies.append(cookies.removed(cookies.once))
    try:
        raw = base64.urlsafe_b64decode(sealed)
    except ValueError:
        return None
    return _vault(request).open(raw, _context(request, name)) if len(raw) > 12 else None


def _vault(request: Connection) -> Vault:
    vault: Vault = request.app.state.vault
    return vault


def _context(request: Connection, name: str) -> str:
    return f"once:{name}:{visit_of(request).person.id}"
