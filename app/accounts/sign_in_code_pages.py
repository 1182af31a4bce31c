"""/login/code: sign in, or up, with a code by email. /welcome: what a new account still needs."""

import time

from litestar import Controller, get, post
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import auth
from app.accounts.auth import Me
from app.accounts.contact_fields import parse_email, typed_pincode
from app.accounts.pages import (
    chosen_pincode,
    form_page,
    home_path,
    next_of_form,
    next_of_query,
    pad_response_time,
    start_session,
    transaction_factory,
)
from app.accounts.repository import Pincodes
from app.accounts.schemas import Forgotten, NewPerson
from app.accounts.sign_in_code_repository import SignInCodes
from app.accounts.sign_in_codes import confirm_account, create_account, proven_since, redeem_code, request_code
from app.accounts.sign_up import TransactionFactory
from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.encryption import Encryption
from app.core.errors import Invalid, RateLimited
from app.core.i18n import _
from app.core.validation import collect
from app.settings import Settings
from app.web.actions import Rejection, submit
from app.web.forms import Form, parse_form, parse_query
from app.web.guards import everyone
from app.web.http import HtmlResponse, Request
from app.web.render import page, redirect, wants_fragment
from app.web.security import client_address, with_next
from app.web.services import services_of
from app.web.validation import validate_form


class SignInCodePages(Controller):
    """The first form takes the address, the second the code. Both answer alike for known and unknown addresses."""

    path = "/login/code"
    opt = everyone()

    @get(name="sign_in_code")
    async def show(
        self, request: Request, me: NamedDependency[Me | None], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        next_url = next_of_query(request)
        if me is not None:
            return redirect(request, next_url or home_path(me.role))
        row = await SignInCodes(db).live(browser_of(request), "")
        if row is None or parse_query(request).get("other"):
            return form_page(request, "sign_in_code", {}, next_url=next_url)
        return form_page(request, "enter_code", {}, next_url=next_url, email=row.email)

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
        form = await parse_form(request)
        if "code" in form:
            return await _enter_code(request, db, transaction_factory(database, after_commit), encryption, form)
        return await _send_code(request, transaction_factory(database, after_commit), encryption, settings, form)


async def _send_code(
    request: Request,
    new_transaction: TransactionFactory,
    encryption: Encryption,
    settings: Settings,
    form: Form,
) -> HtmlResponse:
    """Email a code, then ask for it: on another page, or in place of the form's page where a script sent it.

    A refusal is shown in the form that was sent, so that a password can be entered where the sign-in page asked.
    """
    name = "login" if "password" in form else "sign_in_code"
    started, next_url = time.monotonic(), next_of_form(form)

    async def send() -> str:
        entered = validate_form(Forgotten, form)
        email = collect({"email": lambda: parse_email(entered.email)})["email"]
        address, device = client_address(request.scope, settings.trusted_proxies), auth.device_digest(request)
        await request_code(new_transaction, encryption, email, browser_of(request), address, device)
        await pad_response_time(started, settings)
        return email.lower()

    def ask_for_it(email: str) -> str | HtmlResponse:
        url = with_next("/login/code", next_url)
        if not wants_fragment(request):
            return url
        headers = {"hx-retarget": "#main", "hx-reswap": "innerHTML", "hx-push-url": url}
        return page(
            request,
            "accounts/enter_code.html",
            "accounts/_enter_code.html",
            headers=headers,
            next_url=next_url,
            email=email,
            values={},
            errors={},
            message="",
            retitle=True,
        )

    return await submit(
        request,
        send,
        form=form,
        catch=(Invalid, RateLimited),
        on_error=lambda rejection: form_page(request, name, rejection.values, rejection, next_url=next_url),
        then=ask_for_it,
    )


async def _enter_code(
    request: Request, db: AsyncSession, new_transaction: TransactionFactory, encryption: Encryption, form: Form
) -> HtmlResponse:
    """Sign in with the code, or go on to /welcome where its address has no account."""
    next_url = next_of_form(form)

    async def sign_in() -> str:
        row = await redeem_code(new_transaction, encryption, browser_of(request), form.get("email", ""), form["code"])
        user = await confirm_account(db, row.email)
        if user is None:
            return with_next("/welcome", next_url)
        return await start_session(request, db, user.id, next_url)

    return await submit(
        request,
        sign_in,
        catch=(Invalid,),
        on_error=lambda rejection: form_page(
            request, "enter_code", {}, rejection, next_url=next_url, email=form.get("email", "")
        ),
        then=lambda path: path,
    )


class WelcomePages(Controller):
    """For the browser in which a code for an address without an account was used within the last hour."""

    path = "/welcome"
    opt = everyone()

    @get(name="welcome")
    async def show(
        self, request: Request, me: NamedDependency[Me | None], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        next_url = next_of_query(request)
        if me is not None:
            return redirect(request, next_url or home_path(me.role))
        row = await SignInCodes(db).proven(browser_of(request), proven_since())
        if row is None:
            return redirect(request, with_next("/login/code", next_url))
        pincode = parse_query(request).get("pincode") or chosen_pincode(next_url)
        place = await Pincodes(db).get(typed_pincode(pincode) or "")
        return form_page(request, "welcome", {"pincode": pincode}, next_url=next_url, email=row.email, place=place)

    @post()
    async def create(
        self,
        request: Request,
        me: NamedDependency[Me | None],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
    ) -> HtmlResponse:
        form = await parse_form(request)
        next_url = next_of_form(form)
        row = await SignInCodes(db).proven(browser_of(request), proven_since(), lock=True)
        if row is None or me is not None:
            return redirect(request, next_url or home_path(me.role) if me else with_next("/login/code", next_url))
        email = row.email

        async def sign_up() -> str:
            user = await create_account(db, row, validate_form(NewPerson, form))
            await SignInCodes(db).end(row, user.id)
            return await start_session(request, db, user.id, next_url)

        return await submit(
            request,
            sign_up,
            form=form,
            catch=(Invalid,),
            on_error=lambda rejection: _render_welcome(request, database, form, rejection, next_url, email),
            message=_("Welcome to Doorstep. Your account is ready."),
            then=lambda path: path,
        )


async def _render_welcome(
    request: Request, database: Database, form: Form, rejection: Rejection, next_url: str, email: str
) -> HtmlResponse:
    async with database.sessions() as db:
        place = await Pincodes(db).get(typed_pincode(form.get("pincode", "")) or "")
    return form_page(
        request,
        "welcome",
        rejection.values,
        rejection,
        order=NewPerson,
        next_url=next_url,
        email=email,
        place=place,
    )


def browser_of(request: Request) -> bytes:
    """The digest of this browser's random cookie; nothing is stored under that of a browser without one."""
    return services_of(request).csrf.browser(request)
