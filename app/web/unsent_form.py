"""A form that was sent after its session had ended: what was typed is filled in again after signing in.

It waits encrypted in a cookie of the same browser, which only the user whose page the form was on can open: the CSRF
token of a signed-in user's page names its owner. Passwords, card data, codes and files are left out.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import brotli  # type: ignore[import-untyped]
from litestar.enums import RequestEncodingType
from litestar.exceptions import ClientException
from litestar.routes import HTTPRoute

from app.core.card_numbers import contains_card_number
from app.core.errors import Invalid
from app.web.context import context_of
from app.web.forms import Form, parse_form, redisplayable
from app.web.http import Request
from app.web.security import CSRF_FIELD, CSRF_HEADER, local_path
from app.web.services import services_of

COOKIE_SECONDS = 1800
MAX_COOKIE_CHARACTERS = 3000  # of the 4096 that browsers keep and that proxies take in a response's headers
MAX_FORM_BYTES = 65_536
PAYMENT_FIELDS = frozenset({"upi_id"})
NOT_TYPED = frozenset({"hidden", "password", "file", "submit", "button", "image", "reset"})


@dataclass(frozen=True, slots=True)
class UnsentForm:
    """`page` is the path of the page with the form, `action` the path that it was sent to."""

    page: str
    action: str
    fields: tuple[tuple[str, str], ...]


async def keep_unsent_form(request: Request) -> None:
    """Keep the typed fields of a POST that is answered by the sign-in page."""
    if not _is_small_form(request):
        return
    try:
        form = await parse_form(request, may_repeat=True)
    except (Invalid, ClientException):
        return
    services, user = services_of(request), context_of(request).user
    token = request.headers.get(CSRF_HEADER) or form.get(CSRF_FIELD)
    owner = services.csrf.owner_tag(user.id) if user is not None else services.csrf.owner_of_token(token)
    fields = [(name, value) for name, value in form.pairs if _may_be_kept(name, value)]
    if not owner or not fields:
        return
    page = urlsplit(form_page(request)).path
    while fields:
        unsent = {"page": page, "action": request.scope["path"], "fields": fields}
        packed = brotli.compress(json.dumps(unsent, ensure_ascii=False).encode())
        encrypted = services.encryption.encrypt_bytes(packed, _context(owner))
        value = base64.urlsafe_b64encode(encrypted).decode().rstrip("=")
        if len(value) <= MAX_COOKIE_CHARACTERS:
            cookie = services.cookies.create(services.cookies.unsent_form, value, COOKIE_SECONDS)
            context_of(request).cookies.append(cookie)
            return
        fields.remove(max(fields, key=lambda field: len(field[1])))


def take_unsent_form(request: Request) -> UnsentForm | None:
    """The form that the signed-in user has to send again on this page; then its cookie is removed."""
    services, context = services_of(request), context_of(request)
    value = request.cookies.get(services.cookies.unsent_form)
    if not value or context.user is None or request.method != "GET":
        return None
    try:
        encrypted = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except ValueError:
        return None
    tags = services.csrf.owner_tags(context.user.id)
    opened = (services.encryption.decrypt_bytes(encrypted, _context(tag)) for tag in tags)
    packed = next((plain for plain in opened if plain is not None), None)
    if packed is None:
        return None
    unsent = json.loads(brotli.decompress(packed))
    if unsent["page"] != request.scope["path"]:
        return None
    context.cookies.append(services.cookies.removed(services.cookies.unsent_form))
    return UnsentForm(unsent["page"], unsent["action"], tuple((name, value) for name, value in unsent["fields"]))


def form_page(request: Request) -> str:
    """The address of the page with the form of this POST: where the person continues after signing in.

    A route whose form is on a page that depends on its fields declares `form_page` in its opt.
    """
    make: Callable[[Mapping[str, str]], str] | None = request.route_handler.opt.get("form_page")
    form: Form | None = request.scope["state"].get("form")
    if make is not None and form:
        return local_path(make(form))
    path = str(request.scope["path"])
    source = _source(request)
    if source and urlsplit(source).path != path:
        return source
    template = str(request.scope["path_template"])
    pages = {
        route.path_format for route in request.app.routes if isinstance(route, HTTPRoute) and "GET" in route.methods
    }
    if template not in pages and f"{template}/new" in pages:
        return local_path(f"{path}/new")
    while template not in pages and template.count("/") > 1:
        template, path, source = template.rpartition("/")[0], path.rpartition("/")[0], ""
    return local_path(source or path) if template in pages else "/"


def _source(request: Request) -> str:
    """The page of this site that the request came from; "" when it is not known."""
    parts = urlsplit(request.htmx.current_url or request.headers.get("referer") or "")
    if parts.netloc and parts.netloc != request.headers.get("host"):
        return ""
    return local_path(parts.path + (f"?{parts.query}" if parts.query else ""), "")


def fill_form(body: bytes, unsent: UnsentForm) -> bytes | None:
    """The page with the typed values in its form; None when it has no such form."""
    page = body.decode()
    forms = _Forms()
    forms.feed(page)
    target = forms.find(unsent)
    if target is None:
        return None
    filler = _Filler(page, target, unsent, forms)
    filler.feed(page)
    return filler.result().encode()


class _Forms(HTMLParser):
    """First reading: the forms of the page, and the choices of their radio buttons."""

    def __init__(self) -> None:
        super().__init__()
        self.actions: list[str] = []
        self.ids: dict[str, int] = {}
        self.radios: set[tuple[int | None, str, str]] = set()
        self._radios: list[tuple[int | None, dict[str, str]]] = []
        self._current: int | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = _values(attrs)
        if tag == "form":
            self._current = len(self.actions)
            self.actions.append(values.get("action", "") if values.get("method", "").lower() == "post" else "GET")
            if "id" in values:
                self.ids[values["id"]] = self._current
        elif tag == "input" and values.get("type") == "radio":
            self._radios.append((self._current, values))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._current = None

    def find(self, unsent: UnsentForm) -> int | None:
        self.radios = {
            (
                self.ids.get(values["form"]) if "form" in values else form,
                values.get("name", ""),
                values.get("value", ""),
            )
            for form, values in self._radios
        }
        wanted = {unsent.action} | ({""} if unsent.action == unsent.page else set())
        return next((number for number, action in enumerate(self.actions) if action in wanted), None)


class _Filler(HTMLParser):
    """Second reading: replaces the start tags of fields and the contents of text areas of one form."""

    def __init__(self, page: str, target: int, unsent: UnsentForm, forms: _Forms) -> None:
        super().__init__()
        self._page, self._target, self._forms = page, target, forms
        self._fields: dict[str, list[str]] = {}
        for name, value in unsent.fields:
            self._fields.setdefault(name, []).append(value)
        self._lines = [0]
        for line in page.split("\n"):
            self._lines.append(self._lines[-1] + len(line) + 1)
        self._edits: list[tuple[int, int, str]] = []
        self._form = -1
        self._current: int | None = None
        self._select: list[str] | None = None
        self._area: tuple[int, str] | None = None

    def result(self) -> str:
        parts, position = [], 0
        for start, end, text in self._edits:
            parts += [self._page[position:start], text]
            position = end
        return "".join([*parts, self._page[position:]])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "form":
            self._form += 1
            self._current = self._form
            return
        values = _values(attrs)
        if tag == "option":
            if self._select is not None:
                self._replace(tag, _marked(values, "selected", values.get("value", "") in self._select))
            return
        owner = self._forms.ids.get(values["form"]) if "form" in values else self._current
        name = values.get("name", "")
        if owner != self._target or tag not in ("input", "select", "textarea"):
            return
        typed, kind = self._fields.get(name), values.get("type", "text")
        if kind == "checkbox":
            self._replace(tag, _marked(values, "checked", values.get("value", "on") in (typed or [])))
        elif typed is None or kind in NOT_TYPED:
            return
        elif kind == "radio":
            if any((owner, name, value) in self._forms.radios for value in typed):
                self._replace(tag, _marked(values, "checked", values.get("value", "") in typed))
        elif tag == "select":
            self._select = typed
        elif tag == "textarea":
            self._area = self._position() + len(self.get_starttag_text() or ""), typed[0]
        else:
            self._replace(tag, values | {"value": typed[0]})

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._current = None
        elif tag == "select":
            self._select = None
        elif tag == "textarea" and self._area is not None:
            start, typed = self._area
            self._edits.append((start, self._position(), "\n" + escape(typed)))
            self._area = None

    def _position(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def _replace(self, tag: str, values: Mapping[str, str]) -> None:
        start = self._position()
        attributes = "".join(f' {name}="{escape(value)}"' for name, value in values.items())
        self._edits.append((start, start + len(self.get_starttag_text() or ""), f"<{tag}{attributes}>"))


def _values(attrs: list[tuple[str, str | None]]) -> dict[str, str]:
    return {name: value or "" for name, value in attrs}


def _marked(values: Mapping[str, str], name: str, is_set: bool) -> dict[str, str]:
    others: dict[str, Any] = {key: value for key, value in values.items() if key != name}
    return others | ({name: ""} if is_set else {})


def _may_be_kept(name: str, value: str) -> bool:
    if not redisplayable({name: value}) or "password" in name or name in PAYMENT_FIELDS:
        return False
    return not contains_card_number(value)


def _is_small_form(request: Request) -> bool:
    length = request.headers.get("content-length", "")
    media_type, _options = request.content_type
    return media_type == RequestEncodingType.URL_ENCODED and length.isdigit() and int(length) <= MAX_FORM_BYTES


def _context(owner: str) -> str:
    return f"unsent form of {owner}"
