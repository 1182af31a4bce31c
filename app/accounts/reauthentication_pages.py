"""/login/again: the password once more, before a deed that cannot be taken back."""

from litestar import Controller, get, post
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import auth
from app.accounts.attempts import TooSoon
from app.accounts.auth import Me
from app.accounts.pages import apart_of, home_of
from app.accounts.repository import Users
from app.accounts.sign_in import recognise
from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.i18n import _
from app.core.secrets import Passwords
from app.settings import Settings
from app.web.forms import form, query
from app.web.guards import signed_in
from app.web.http import HtmlResponse, Request
from app.web.render import go, page
from app.web.security import client_address, local_path


class AgainPages(Controller):
    path = "/login/again"
    opt = signed_in()

    @get(name="again")
    async def show(self, request: Request, me: NamedDependency[Me]) -> HtmlResponse:
        onward = local_path(query(request).get("next"), home_of(me.role))
        return go(request, onward) if me.is_fresh else _draw(request, onward)

    @post()
    async def create(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
        after: NamedDependency[AfterCommit],
        passwords: NamedDependency[Passwords],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        sent = await form(request)
        onward = local_path(sent.get("next"), home_of(me.role))
        address = client_address(request, settings.trusted_proxies)
        try:
            person = await recognise(apart_of(database, after), passwords, me.email, sent.get("password", ""), address)
        except TooSoon as soon:
            return _draw(request, onward, words=soon.words(), status=429, wait=soon.seconds)
        if person != me.id:
            return _draw(request, onward, words=_("That is not your password."), status=422)
        await auth.sign_in(request, db, await Users(db).get(me.id, lock=True))
        return go(request, onward)


def _draw(request: Request, onward: str, *, words: str = "", status: int = 200, wait: int = 0) -> HtmlResponse:
    headers = {"retry-after": str(wait)} if wait else {}
    errors = {"password": words} if words else {}
    return page(
        request,
        "accounts/reauthentication.html",
        "accounts/_reauthentication_form.html",
        status=status,
        headers=headers,
        onward=onward,
        errors=errors,
    )
