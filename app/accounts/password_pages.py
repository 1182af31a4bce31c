"""Links that came by mail: a new password, a proven address."""

import time

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.attempts import TooSoon
from app.accounts.auth import Me
from app.accounts.contact_fields import cleaned, email_of
from app.accounts.email_links import ask_to_reset, reset_password, verify
from app.accounts.pages import apart_of, evenly
from app.accounts.repository import RESET, VERIFY, Links
from app.accounts.schemas import Forgotten, NewPassword
from app.accounts.session import Sessions
from app.accounts.sign_in import count_mail, forgive
from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.encryption import Vault
from app.core.errors import Invalid, Missing
from app.core.i18n import _
from app.core.secrets import Passwords, digest
from app.settings import Settings
from app.web.forms import form, read, shown_again
from app.web.guards import everyone
from app.web.http import HtmlResponse, Request
from app.web.render import flash, go, page
from app.web.security import client_address


class ForgottenPages(Controller):
    path = "/password/forgotten"
    opt = everyone()

    @get(name="forgotten")
    async def show(self, request: Request) -> HtmlResponse:
        return _forgotten_form(request, {})

    @post()
    async def create(
        self,
        request: Request,
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
        after: NamedDependency[AfterCommit],
        vault: NamedDependency[Vault],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        """The same words, rows and time whether there is such an account or not."""
        began, sent = time.monotonic(), await form(request)
        address = client_address(request, settings.trusted_proxies)
        try:
            typed = read(Forgotten, sent)
            email = cleaned({"email": lambda: email_of(typed.email)})["email"]
            await count_mail(apart_of(database, after), email, address)
        except Invalid as error:
            return _forgotten_form(request, shown_again(sent), errors=error.errors, status=422)
        except TooSoon as soon:
            return _forgotten_form(request, shown_again(sent), words=soon.words(), status=429, wait=soon.seconds)
        await ask_to_reset(db, vault, email)
        await evenly(began, settings)
        flash(
            request, _("If there is an account with this address, a mail is on its way. Its link works for one hour.")
        )
        return go(request, "/login")


def _forgotten_form(
    request: Request,
    values: dict[str, str],
    *,
    errors: dict[str, str] | None = None,
    words: str = "",
    status: int = 200,
    wait: int = 0,
) -> HtmlResponse:
    return page(
        request,
        "accounts/forgotten.html",
        "accounts/_forgotten_form.html",
        status=status,
        headers={"retry-after": str(wait)} if wait else {},
        values=values,
        errors=errors or {},
        words=words,
    )


class ResetPages(Controller):
    path = "/password/reset/{token:str}"
    opt = everyone()

    @get(name="reset")
    async def show(self, request: Request, token: FromPath[str], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        if not await Links(db).is_open(RESET, digest(token)):
            return _gone(request, RESET)
        return _reset_form(request, token)

    @post()
    async def create(
        self,
        request: Request,
        token: FromPath[str],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
        after: NamedDependency[AfterCommit],
        passwords: NamedDependency[Passwords],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        sent = await form(request)
        try:
            typed = read(NewPassword, sent).password
            user = await reset_password(db, Sessions(database), passwords, token, typed)
        except Invalid as error:
            return _reset_form(request, token, error.errors)
        except Missing:
            return _gone(request, RESET)
        await forgive(apart_of(database, after), user.email, client_address(request, settings.trusted_proxies))
        flash(request, _("Your new password is set. Sign in with it."))
        return go(request, "/login")


def _reset_form(request: Request, token: str, errors: dict[str, str] | None = None) -> HtmlResponse:
    status = 422 if errors else 200
    form_of = "accounts/_reset_form.html"
    return page(request, "accounts/reset.html", form_of, status=status, token=token, errors=errors or {})


class VerifyPages(Controller):
    """Opening the link only asks: programs that look into mails open links, too."""

    path = "/verify/{token:str}"
    opt = everyone()

    @get(name="verify")
    async def show(self, request: Request, token: FromPath[str], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        if not await Links(db).is_open(VERIFY, digest(token)):
            return _gone(request, VERIFY)
        return page(request, "accounts/verify.html", token=token)

    @post()
    async def create(
        self, request: Request, token: FromPath[str], db: NamedDependency[AsyncSession], me: NamedDependency[Me | None]
    ) -> HtmlResponse:
        try:
            await verify(db, token)
        except Missing:
            return _gone(request, VERIFY)
        flash(request, _("Your e-mail address is confirmed."))
        return go(request, "/profile" if me else "/login")


def _gone(request: Request, purpose: str) -> HtmlResponse:
    """Used, too old, replaced or never there: all the same from outside."""
    return page(request, "accounts/link_gone.html", status=404, purpose=purpose)
