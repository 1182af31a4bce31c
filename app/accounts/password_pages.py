"""Pages of links that came by email: set a new password, verify an address."""

import time

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import auth
from app.accounts.auth import Me
from app.accounts.contact_fields import parse_email
from app.accounts.email_links import reset_password, send_reset, verify
from app.accounts.pages import form_page, next_of_form, next_of_query, pad_response_time, transaction_factory
from app.accounts.repository import EmailLinks
from app.accounts.schemas import Forgotten, NewPassword
from app.accounts.session import LinkPurpose, Sessions
from app.accounts.sign_in import hit_email_limit, reset_sign_in_limits
from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.encryption import Encryption
from app.core.errors import Invalid, Missing, RateLimited
from app.core.i18n import _
from app.core.secrets import Passwords, digest
from app.core.validation import collect
from app.settings import Settings
from app.web.actions import submit
from app.web.context import context_of
from app.web.forms import parse_form
from app.web.guards import everyone
from app.web.http import HtmlResponse, Request
from app.web.render import flash, page, redirect
from app.web.security import client_address, with_next
from app.web.validation import validate_form


class ForgottenPages(Controller):
    path = "/password/forgotten"
    opt = everyone()

    @get(name="forgotten")
    async def show(self, request: Request) -> HtmlResponse:
        return form_page(request, "forgotten", {}, next_url=next_of_query(request))

    @post()
    async def create(
        self,
        request: Request,
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
        after_commit: NamedDependency[AfterCommit],
        encryption: NamedDependency[Encryption],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        """The same response, rows and time whether there is such an account or not."""
        started, form = time.monotonic(), await parse_form(request)
        next_url = next_of_form(form)

        async def send_link() -> None:
            entered = validate_form(Forgotten, form)
            email = collect({"email": lambda: parse_email(entered.email)})["email"]
            address = client_address(request.scope, settings.trusted_proxies)
            new_transaction = transaction_factory(database, after_commit)
            await hit_email_limit(new_transaction, email, address, auth.device_digest(request))
            await send_reset(db, encryption, email, next_url)
            await pad_response_time(started, settings)

        return await submit(
            request,
            send_link,
            form=form,
            catch=(Invalid, RateLimited),
            on_error=lambda rejection: form_page(request, "forgotten", rejection.values, rejection, next_url=next_url),
            message=_("If there's an account with this email, we've sent you a link. It works for 1 hour."),
            then=with_next("/login", next_url),
        )


class ResetPages(Controller):
    path = "/password/reset/{token:str}"
    opt = everyone()

    @get(name="reset")
    async def show(self, request: Request, token: FromPath[str], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        if not await EmailLinks(db).is_open(LinkPurpose.RESET, digest(token)):
            return _expired_link_page(request, LinkPurpose.RESET)
        return form_page(request, "reset", {}, next_url=next_of_query(request), token=token)

    @post()
    async def create(
        self,
        request: Request,
        token: FromPath[str],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
        after_commit: NamedDependency[AfterCommit],
        passwords: NamedDependency[Passwords],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        form = await parse_form(request)
        next_url = next_of_form(form)

        async def reset() -> None:
            password = validate_form(NewPassword, form).password
            user = await reset_password(db, Sessions(database), passwords, token, password)
            address = client_address(request.scope, settings.trusted_proxies)
            await reset_sign_in_limits(transaction_factory(database, after_commit), user.email, address)
            context_of(request).cookies.append(await auth.remember_device(request, db, user))

        try:
            return await submit(
                request,
                reset,
                catch=(Invalid,),
                on_error=lambda rejection: form_page(request, "reset", {}, rejection, next_url=next_url, token=token),
                message=_("Your new password is set. Sign in with it."),
                then=with_next("/login", next_url),
            )
        except Missing:
            return _expired_link_page(request, LinkPurpose.RESET)


class VerifyPages(Controller):
    """Opening the link only shows a button, because programs that check emails open links too."""

    path = "/verify/{token:str}"
    opt = everyone()

    @get(name="verify")
    async def show(self, request: Request, token: FromPath[str], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        if not await EmailLinks(db).is_open(LinkPurpose.VERIFY, digest(token)):
            return _expired_link_page(request, LinkPurpose.VERIFY)
        return page(request, "accounts/verify.html", token=token, next_url=next_of_query(request))

    @post()
    async def create(
        self, request: Request, token: FromPath[str], db: NamedDependency[AsyncSession], me: NamedDependency[Me | None]
    ) -> HtmlResponse:
        try:
            await verify(db, token)
        except Missing:
            return _expired_link_page(request, LinkPurpose.VERIFY)
        flash(request, _("Your email address is confirmed."))
        next_url = next_of_form(await parse_form(request))
        return redirect(request, (next_url or "/profile") if me else with_next("/login", next_url))


def _expired_link_page(request: Request, purpose: str) -> HtmlResponse:
    """Render the same page for a link that was used, expired, replaced or never issued."""
    return page(request, "accounts/link_gone.html", status=404, purpose=purpose, next_url=next_of_query(request))
