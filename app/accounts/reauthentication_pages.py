"""Confirm the password before an action that requires it within the last 15 minutes."""

from litestar import Controller, get, post
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import auth
from app.accounts.auth import Me
from app.accounts.pages import form_page, home_path, transaction_factory
from app.accounts.repository import Users
from app.accounts.sign_in import prove_password
from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.errors import Invalid, RateLimited
from app.core.secrets import Passwords
from app.web.actions import submit
from app.web.forms import parse_form, parse_query
from app.web.guards import signed_in
from app.web.http import HtmlResponse, Request
from app.web.render import redirect
from app.web.security import local_path


class ReauthenticationPages(Controller):
    path = "/login/again"
    opt = signed_in()

    @get(name="again")
    async def show(self, request: Request, me: NamedDependency[Me]) -> HtmlResponse:
        next_url = local_path(parse_query(request).get("next"), home_path(me.role))
        if me.is_fresh:
            return redirect(request, next_url)
        return form_page(request, "reauthentication", {}, next_url=next_url)

    @post()
    async def create(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
        after_commit: NamedDependency[AfterCommit],
        passwords: NamedDependency[Passwords],
    ) -> HtmlResponse:
        form = await parse_form(request)
        next_url = local_path(form.get("next"), home_path(me.role))

        async def reauthenticate() -> None:
            new_transaction = transaction_factory(database, after_commit)
            await prove_password(new_transaction, passwords, me, form.get("password", ""), "password")
            await auth.sign_in(request, db, await Users(db).get(me.id, lock=True))

        return await submit(
            request,
            reauthenticate,
            catch=(Invalid, RateLimited),
            on_error=lambda rejection: form_page(request, "reauthentication", {}, rejection, next_url=next_url),
            then=next_url,
        )
