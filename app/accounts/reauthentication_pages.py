"""Confirm the password, or a code by email, before an action that requires it within the last 15 minutes."""

from litestar import Controller, get, post
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import auth
from app.accounts.auth import Me
from app.accounts.pages import form_page, home_path, transaction_factory
from app.accounts.repository import Users
from app.accounts.sign_in import prove_password
from app.accounts.sign_in_code_pages import browser_of
from app.accounts.sign_in_code_repository import SignInCodes
from app.accounts.sign_in_codes import redeem_code, request_code
from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.encryption import Encryption
from app.core.errors import Invalid, RateLimited
from app.core.secrets import Passwords
from app.settings import Settings
from app.web.actions import submit
from app.web.forms import parse_form, parse_query
from app.web.guards import signed_in
from app.web.http import HtmlResponse, Request
from app.web.render import redirect
from app.web.security import client_address, local_path, with_next


class ReauthenticationPages(Controller):
    """An account without a password gets a fresh code instead."""

    path = "/login/again"
    opt = signed_in()

    @get(name="again")
    async def show(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        next_url = local_path(parse_query(request).get("next"), home_path(me.role))
        if me.is_fresh:
            return redirect(request, next_url)
        if await Users(db).has_password(me.id):
            return form_page(request, "reauthentication", {}, next_url=next_url)
        sent = await SignInCodes(db).live(browser_of(request), me.email.lower())
        return form_page(request, "confirm_code", {}, next_url=next_url, is_sent=sent is not None)

    @post()
    async def create(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
        after_commit: NamedDependency[AfterCommit],
        passwords: NamedDependency[Passwords],
        encryption: NamedDependency[Encryption],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        form = await parse_form(request)
        next_url = local_path(form.get("next"), home_path(me.role))
        new_transaction, browser = transaction_factory(database, after_commit), browser_of(request)
        has_password = await Users(db).has_password(me.id)

        async def send_code() -> str:
            address = client_address(request.scope, settings.trusted_proxies)
            device = auth.device_digest(request)
            await request_code(new_transaction, encryption, me.email, browser, address, device)
            return with_next("/login/again", next_url)

        async def reauthenticate() -> str:
            if has_password:
                await prove_password(new_transaction, passwords, me, form.get("password", ""), "password")
            else:
                await redeem_code(new_transaction, encryption, browser, me.email, form["code"])
            await auth.sign_in(request, db, await Users(db).get(me.id, lock=True))
            return next_url

        is_request = not has_password and "code" not in form
        return await submit(
            request,
            send_code if is_request else reauthenticate,
            catch=(Invalid, RateLimited),
            on_error=lambda rejection: form_page(
                request,
                "reauthentication" if has_password else "confirm_code",
                {},
                rejection,
                next_url=next_url,
                is_sent=not is_request,
            ),
            then=lambda path: path,
        )
