"""Answers: a whole page or its fragment, several places at once, a redirect that HTMX follows too."""

import base64
import json
from collections.abc import Mapping
from hmac import compare_digest
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment
from litestar import Response
from litestar.datastructures import Cookie
from markupsafe import Markup

from app.core.encryption import Vault
from app.web.context import Connection, drawing, visit_of
from app.web.http import HtmlResponse
from app.web.security import FIELD, Cookies, Csrf, local_path

VARY = "HX-Request, HX-Request-Type, Cookie"
FLASH_SECONDS = 120


def page(
    request: Connection,
    full: str,
    fragment: str | None = None,
    *,
    status: int = 200,
    keep_for: float = 0,
    under: tuple[str, ...] = (),
    headers: Mapping[str, str] | None = None,
    **context: Any,
) -> HtmlResponse:
    """The page `full`, or for HTMX only its `fragment`.

    `keep_for` seconds a page that shows nothing personal is kept for other visitors, until one of the names `under` is
    forgotten (app.core.cache).
    """
    template = fragment if fragment and wants_fragment(request) else full
    visit = visit_of(request)
    body = draw(request, template, context)
    personal = visit.person is not None or bool(visit.cookies)
    if keep_for and not personal and status == 200:
        visit.kept = (keep_for, under)
    cache = "no-store" if personal or status >= 400 else "no-cache"
    return _answer(request, body, status, {"cache-control": cache, "vary": VARY, **(headers or {})})


def swap(
    request: Connection, template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **context: Any
) -> HtmlResponse:
    """A .swap.html: pieces for several places of the page that HTMX already shows."""
    body = draw(request, template, {"oob": True, **context})
    return _answer(request, body, status, {"cache-control": "no-store", "vary": VARY, **(headers or {})})


def go(request: Connection, path: str) -> HtmlResponse:
    """On to another page after a deed: 303, which HTMX is told as HX-Redirect, since fetch hides redirects from it."""
    if is_htmx(request) and not wants_page(request):
        return _answer(request, b"", 204, {"hx-redirect": path, "cache-control": "no-store"})
    return _answer(request, b"", 303, {"location": path, "cache-control": "no-store"})


def flash(request: Connection, message: str, kind: str = "done") -> None:
    """A note that the next page shows once. `kind`: done, note or error."""
    state = request.app.state
    packed = base64.urlsafe_b64encode(json.dumps([kind, message]).encode()).decode().rstrip("=")
    signed = f"{packed}.{state.vault.digest(packed, 'flash').hex()[:32]}"
    visit_of(request).cookies.append(state.cookies.make(state.cookies.flash, signed, FLASH_SECONDS))


def is_htmx(request: Connection) -> bool:
    return request.headers.get("hx-request") == "true"


def wants_page(request: Connection) -> bool:
    """HTMX asks for whole pages too: boosted links and history."""
    headers = request.headers
    return "full" in (headers.get("hx-request-type"),) or "true" in (
        headers.get("hx-boosted"),
        headers.get("hx-history-restore-request"),
    )


def wants_fragment(request: Connection) -> bool:
    return is_htmx(request) and not wants_page(request)


def came_from(request: Connection, otherwise: str = "/") -> str:
    """The path of ours that the person was looking at."""
    told = request.headers.get("hx-current-url") or request.headers.get("referer") or ""
    parts = urlsplit(told)
    if parts.netloc and parts.netloc != request.headers.get("host"):
        return otherwise
    return local_path(parts.path + (f"?{parts.query}" if parts.query else ""), otherwise)


def draw(request: Connection, template: str, context: Mapping[str, Any], *, anonymous: bool = False) -> bytes:
    """The template with what every page knows: me, request_path, flash, and the form's token."""
    state = request.app.state
    known: dict[str, Any] = {"me": None, "request_path": request.scope["path"], "flash": []}
    if not anonymous:
        known |= {"me": visit_of(request).person, "flash": _take_flash(request)}
    token = drawing.set(None if anonymous else request)
    try:
        return state.templates.get_template(template).render({**known, **context}).encode()  # type: ignore[no-any-return]
    finally:
        drawing.reset(token)


def install(env: Environment, csrf: Csrf) -> None:
    """The globals that look at the request being answered, so that no template has to."""

    def csrf_token() -> str:
        request = drawing.get()
        return csrf.token(request) if request is not None else ""

    def csrf_field() -> Markup:
        return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, csrf_token())

    env.globals.update(csrf_token=csrf_token, csrf_field=csrf_field)


def _take_flash(request: Connection) -> list[dict[str, str]]:
    cookies: Cookies = request.app.state.cookies
    signed = request.cookies.get(cookies.flash)
    if not signed or wants_fragment(request):
        return []
    visit_of(request).cookies.append(cookies.removed(cookies.flash))
    return _opened(signed, request.app.state.vault)


def _opened(signed: str, vault: Vault) -> list[dict[str, str]]:
    packed, _, mac = signed.partition(".")
    if not compare_digest(vault.digest(packed, "flash").hex()[:32].encode(), mac.encode()):
        return []
    kind, message = json.loads(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
    return [{"kind": kind, "text": message}]


def _answer(request: Connection, body: bytes, status: int, headers: dict[str, str]) -> HtmlResponse:
    cookies: list[Cookie] = visit_of(request).cookies
    return Response(body, status_code=status, headers=headers, cookies=cookies, media_type="text/html")
