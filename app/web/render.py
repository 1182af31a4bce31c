"""Render responses: a page or its fragment, several fragments at once, redirects and flash messages."""

import base64
import json
from collections.abc import Callable, Mapping
from hmac import compare_digest
from typing import Any
from urllib.parse import urlsplit

from litestar import Response
from litestar.datastructures import Cookie
from litestar_htmx import ClientRedirect
from markupsafe import Markup, escape

from app.core.cache_tags import CONTACTS
from app.core.encryption import Encryption
from app.core.i18n import _
from app.web.context import context_of, current_request
from app.web.http import HtmlResponse, Request
from app.web.security import CSRF_FIELD, Cookies, Csrf, local_path
from app.web.services import services_of
from app.web.unsent_form import fill_form, take_unsent_form

VARY = "HX-Request, HX-Request-Type, Cookie"
FLASH_SECONDS = 120


def page(
    request: Request,
    full: str,
    fragment: str | None = None,
    *,
    status: int = 200,
    max_age: float = 0,
    tags: tuple[str, ...] = (),
    headers: Mapping[str, str] | None = None,
    **context: Any,
) -> HtmlResponse:
    """The page `full`, or for HTMX only its `fragment`.

    `max_age`: seconds for which a page without personal content is cached for other visitors, until one of its `tags`
    is invalidated (app.core.cache).
    """
    template = fragment if fragment and wants_fragment(request) else full
    own = context_of(request)
    body = _with_unsent_form(request, template, context) if template == full and status == 200 else None
    body = body or render(request, template, context)
    personal = own.user is not None or bool(own.cookies)
    if max_age and not personal and status == 200:
        own.cacheable = (max_age, (*tags, CONTACTS))
    cache = "no-store" if personal or status >= 400 else "no-cache"
    return _html_response(request, body, status, {"cache-control": cache, "vary": VARY, **(headers or {})})


def _with_unsent_form(request: Request, template: str, context: Mapping[str, Any]) -> bytes | None:
    """The page with what the user typed before the session ended; None when there is nothing to fill in."""
    unsent = take_unsent_form(request)
    if unsent is None:
        return None
    message = _("You were signed out before this was sent. What you typed is here again: check it, then send it.")
    flashed = [*_take_flash(request), {"kind": "waiting", "text": message}]
    return fill_form(render(request, template, {**context, "flash": flashed}), unsent)


def swap(
    request: Request, template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **context: Any
) -> HtmlResponse:
    """A .swap.html: fragments for several places of the page that HTMX shows."""
    body = render(request, template, {"oob": True, **context})
    return _html_response(request, body, status, {"cache-control": "no-store", "vary": VARY, **(headers or {})})


def redirect(request: Request, path: str) -> HtmlResponse:
    """Redirect after an action: 303, or HX-Redirect for HTMX, because fetch hides redirects from it."""
    if wants_fragment(request):
        headers = {name.lower(): value for name, value in ClientRedirect(path).headers.items()}
        return _html_response(request, b"", 204, {**headers, "cache-control": "no-store"})
    return _html_response(request, b"", 303, {"location": path, "cache-control": "no-store"})


def flash(request: Request, message: str, kind: str = "done") -> None:
    """Show a message once, on the next page. `kind`: done, note or error."""
    services = services_of(request)
    packed = base64.urlsafe_b64encode(json.dumps([kind, message]).encode()).decode().rstrip("=")
    signed = f"{packed}.{services.encryption.digest(packed, 'flash').hex()[:32]}"
    context_of(request).cookies.append(services.cookies.create(services.cookies.flash, signed, FLASH_SECONDS))


def wants_page(request: Request) -> bool:
    """Whether HTMX requests a whole page: by its header, for boosted links, and for history restores."""
    htmx = request.htmx
    return request.headers.get("hx-request-type") == "full" or htmx.boosted or htmx.history_restore_request


def wants_fragment(request: Request) -> bool:
    return bool(request.htmx) and not wants_page(request)


def return_to(request: Request, default: str = "/") -> str:
    """The local path of the page that the request came from."""
    url = request.htmx.current_url or request.headers.get("referer") or ""
    parts = urlsplit(url)
    if parts.netloc and parts.netloc != request.headers.get("host"):
        return default
    return local_path(parts.path + (f"?{parts.query}" if parts.query else ""), default)


def requested_url(request: Request) -> str:
    """The path and query of the request."""
    query = request.scope.get("query_string", b"").decode("latin-1")
    return str(request.scope["path"]) + (f"?{query}" if query else "")


def render(request: Request, template: str, context: Mapping[str, Any], *, anonymous: bool = False) -> bytes:
    """Render a template with the variables of every page: me, request_path, request_url, flash, and those of CSRF."""
    services = services_of(request)
    common: dict[str, Any] = {"me": None, "request_path": request.scope["path"], "flash": []}
    common["request_url"] = requested_url(request)
    if not anonymous:
        common |= {"me": context_of(request).user}
        common |= {} if "flash" in context else {"flash": _take_flash(request)}
    token = current_request.set(None if anonymous else request)
    try:
        return services.templates.get_template(template).render({**common, **context}).encode()
    finally:
        current_request.reset(token)


def csrf_globals(csrf: Csrf) -> dict[str, Callable[[], str]]:
    """csrf_token() and csrf_field() for templates, which read the current request."""

    def csrf_token() -> str:
        request = current_request.get()
        return csrf.token(request) if request is not None else ""

    def csrf_field() -> Markup:
        return Markup(f'<input type="hidden" name="{CSRF_FIELD}" value="{escape(csrf_token())}">')

    return {"csrf_token": csrf_token, "csrf_field": csrf_field}


def _take_flash(request: Request) -> list[dict[str, str]]:
    cookies: Cookies = services_of(request).cookies
    signed = request.cookies.get(cookies.flash)
    if not signed or wants_fragment(request):
        return []
    context_of(request).cookies.append(cookies.removed(cookies.flash))
    return _read_flash(signed, services_of(request).encryption)


def _read_flash(signed: str, encryption: Encryption) -> list[dict[str, str]]:
    packed, _, mac = signed.partition(".")
    known = [digest.hex()[:32].encode() for digest in encryption.digests(packed, "flash")]
    if not any(compare_digest(candidate, mac.encode()) for candidate in known):
        return []
    kind, message = json.loads(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
    return [{"kind": kind, "text": message}]


def _html_response(request: Request, body: bytes, status: int, headers: dict[str, str]) -> HtmlResponse:
    cookies: list[Cookie] = context_of(request).cookies
    return Response(body, status_code=status, headers=headers, cookies=cookies, media_type="text/html")
