"""A secret that is shown once, on the page after the form that created it: encrypted in a cookie until then."""

import base64

from app.web.context import Connection, context_of
from app.web.services import services_of

COOKIE_SECONDS = 120


def store_secret(request: Connection, name: str, secret: str) -> None:
    """Store a secret for the next page of the signed-in user."""
    cookies = services_of(request).cookies
    encrypted = base64.urlsafe_b64encode(
        services_of(request).encryption.encrypt(secret, _context(request, name))
    ).decode()
    context_of(request).cookies.append(cookies.create(cookies.one_time_secret, encrypted, COOKIE_SECONDS))


def take_secret(request: Connection, name: str) -> str | None:
    """The stored secret, which is then removed; None when there is none, or it is another user's."""
    cookies = services_of(request).cookies
    encrypted = request.cookies.get(cookies.one_time_secret)
    if not encrypted:
        return None
    context_of(request).cookies.append(cookies.removed(cookies.one_time_secret))
    try:
        raw = base64.urlsafe_b64decode(encrypted)
    except ValueError:
        return None
    return services_of(request).encryption.decrypt(raw, _context(request, name)) if len(raw) > 12 else None


def _context(request: Connection, name: str) -> str:
    user = context_of(request).user
    assert user is not None, "only pages for signed-in users have secrets"
    return f"once:{name}:{user.id}"
