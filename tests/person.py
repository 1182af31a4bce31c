"""A browser without JavaScript for tests: follows links, fills in the rendered forms, submits them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx
from litestar import Litestar

from app.accounts.session import Sessions
from app.accounts.user import User
from app.core import clock
from app.core.db import Database
from app.core.secrets import digest, new_token

URL = "http://localhost:8000"


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)


class _Reader(HTMLParser):
    """A parsed page: forms with their values, links, and the values of `<data id>` elements."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.by_id: dict[str, Form] = {}
        self.links: list[str] = []
        self.data: dict[str, str] = {}
        self._form: Form | None = None
        self._area: str | None = None
        self._select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(attributes.get("action", ""), attributes.get("method", "get").lower())
            self.forms.append(self._form)
            self.by_id[attributes.get("id", "")] = self._form
        elif tag == "a" and "href" in attributes:
            self.links.append(attributes["href"])
        elif tag == "data" and "id" in attributes:
            self.data[attributes["id"]] = attributes.get("value", "")
        else:
            self._field(tag, attributes)

    def _field(self, tag: str, attributes: dict[str, str]) -> None:
        form = self.by_id.get(attributes["form"]) if "form" in attributes else self._form
        name = attributes.get("name", "")
        if form is None:
            return
        if tag == "option" and self._select:
            form.choices.setdefault(self._select, []).append(attributes.get("value", ""))
            if "selected" in attributes or self._select not in form.fields:
                form.fields[self._select] = attributes.get("value", "")
        elif tag == "select":
            self._select = name
        elif tag == "textarea":
            self._area, form.fields[name] = name, ""
        elif tag == "input" and name and attributes.get("type") in ("radio", "checkbox"):
            form.choices.setdefault(name, []).append(attributes.get("value", "on"))
            if "checked" in attributes:
                form.fields[name] = attributes.get("value", "on")
        elif tag == "input" and name:
            form.fields[name] = attributes.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._form is not None and self._area is not None:
            self._form.fields[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "textarea":
            self._area = None
        elif tag == "select":
            self._select = None


class Page:
    """An answer, read as HTML."""

    def __init__(self, answer: httpx.Response) -> None:
        self.response, self.status, self.text = answer, answer.status_code, answer.text
        self.location = answer.headers.get("location", "")
        reader = _Reader()
        if "html" in answer.headers.get("content-type", ""):
            reader.feed(answer.text)
        self.forms, self.links, self.data = reader.forms, reader.links, reader.data

    @property
    def path(self) -> str:
        split = urlsplit(str(self.response.url))
        return split.path + (f"?{split.query}" if split.query else "")

    def form(self, action: str = "", *, having: str = "") -> Form:
        """The form whose address ends so and which has this field."""
        for form in self.forms:
            target = urlsplit(urljoin(str(self.response.url), form.action)).path
            if target.endswith(action) and (not having or having in form.fields | form.choices):
                return form
        raise AssertionError(
            f"no form to {action!r} with {having!r} among {[f.action for f in self.forms]}\n{self.text}"
        )


class Person(httpx.AsyncClient):
    """One browser. `user` is the signed-in user, None for a visitor."""

    def __init__(self, app: Litestar | None = None, base_url: str = URL) -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False) if app else None  # type: ignore[arg-type]
        super().__init__(transport=transport, base_url=base_url, timeout=20)
        self.app = app
        self.pages: list[Page] = []  # every answer

    @property
    def page_texts(self) -> list[str]:
        """The text of every response, to search for leaked data."""
        return [page.text for page in self.pages]

    async def signed_in_as(self, user: User, database: Database) -> "Person":
        """A session without the sign-in page."""
        token = new_token()
        async with database.work() as db:
            await Sessions(database).open(db, user, digest(token), clock.now(), "")
        self.cookies.set("ds", token)
        return self

    async def visit(self, path: str, **headers: str) -> Page:
        """Follow redirections, as browsers do."""
        return self._remember(await self.get(path, headers=headers, follow_redirects=True))

    async def post_fields(self, path: str, fields: dict[str, str], **headers: str) -> Page:
        """A POST with a CSRF token but without a rendered form."""
        token = {"_csrf_token": await self.token()} if "_csrf_token" not in fields else {}
        return self._remember(await self.post(path, data=fields | token, headers=headers))

    async def submit(self, page: Page, action: str = "", *, having: str = "", **fields: str | list[str]) -> Page:
        """Fill in and submit the rendered form; redirects are not followed."""
        form = page.form(action, having=having)
        target = urljoin(str(page.response.url), form.action) if form.action else str(page.response.url)
        filled: dict[str, str | list[str]] = {**form.fields, **fields}
        if form.method == "get":
            return self._remember(await self.get(target, params=filled, follow_redirects=True))
        return self._remember(await self.post(target, data=filled))

    async def submit_and_follow(self, page: Page, action: str = "", *, having: str = "", **fields: str) -> Page:
        """Submit, expect a redirect, and follow it."""
        sent = await self.submit(page, action, having=having, **fields)
        if sent.response.request.method == "GET":
            return sent
        assert sent.status == 303, (sent.status, sent.text)
        return await self.visit(sent.location)

    async def sign_in(self, email: str, password: str) -> Page:
        return await self.submit(await self.visit("/login"), "/login", email=email, password=password)

    async def token(self) -> str:
        """The CSRF token of this browser, from a page that everyone has, the blocked too."""
        page = await self.visit("/profile" if self.cookies.get("ds") else "/login")
        if page.status == 403:
            page = await self.visit("/blocked")
        return next(form.fields["_csrf_token"] for form in page.forms if "_csrf_token" in form.fields)

    def _remember(self, answer: httpx.Response) -> Page:
        self.pages.append(Page(answer))
        return self.pages[-1]
