"""Signing up, in and out."""

import asyncio
import time
from functools import partial

from litestar import Controller, get, post
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import auth
from app.accounts.attempts import TooSoon
from app.accounts.auth import Me
from app.accounts.repository import Pincodes, Users
from app.accounts.schemas import Credentials, NewCustomer
from app.accounts.sign_in import recognise
from app.accounts.sign_up import Apart, sign_up
from app.accounts.user import Role
from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.encryption import Vault
from app.core.errors import Invalid, Missing
from app.core.i18n import _
from app.core.secrets import Passwords
from app.settings import Settings
from app.web.forms import Form, form, query, read, shown_again
from app.web.guards import everyone, signed_in
from app.web.http import HtmlResponse, Request
from app.web.render import flash, go, page
from app.web.security import client_address, local_path

# Seconds an answer about an address takes at least, so that its length does not tell whether the address is known.
EVEN = 0.4


def apart_of(database: Database, after: AfterCommit) -> Apart:
    """Transactions beside the request's own."""
    return partial(database.work, after)


def home_of(role: str) -> str:
    """Where a person's day begins."""
    return {Role.PROFESSIONAL: "/jobs", Role.ADMIN: "/admin"}.get(Role(role), "/")


class RegisterPages(Controller):
    path = "/register"
    opt = everyone()

    @get(name="register")
    async def show(self, request: Request) -> HtmlResponse:
        return page(request, "accounts/register.html", "accounts/_register_form.html", values={}, errors={}, place=None)

    @post()
    async def create(
        self,
        request: Request,
        database: NamedDependency[Database],
        after: NamedDependency[AfterCommit],
        passwords: NamedDependency[Passwords],
        vault: NamedDependency[Vault],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        began, sent = time.monotonic(), await form(request)
        try:
            await sign_up(apart_of(database, after), passwords, vault, read(NewCustomer, sent))
        except Invalid as error:
            return await self._again(request, database, sent, error)
        await evenly(began, settings)
        flash(request, _("Thank you. Sign in with your e-mail and password. We have sent you a mail as well."))
        return go(request, "/login")

    async def _again(self, request: Request, database: Database, sent: Form, wrong: Invalid) -> HtmlResponse:
        async with database.sessions() as db:
            place = await Pincodes(db).get(sent.get("pincode", "")[:6])
        return page(
            request,
            "accounts/register.html",
            "accounts/_register_form.html",
            status=422,
            values=shown_again(sent),
            errors=in_order(wrong.errors, NewCustomer),
            place=place,
        )


class LoginPages(Controller):
    path = "/login"
    opt = everyone()

    @get(name="login")
    async def show(self, request: Request, me: NamedDependency[Me | None]) -> HtmlResponse:
        onward = local_path(query(request).get("next"), "")
        if me is not None:
            return go(request, onward or home_of(me.role))
        return _login_form(request, {"next": onward})

    @post()
    async def create(
        self,
        request: Request,
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
        after: NamedDependency[AfterCommit],
        passwords: NamedDependency[Passwords],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        sent = await form(request)
        values = shown_again(sent) | {"next": local_path(sent.get("next"), "")}
        address = client_address(request, settings.trusted_proxies)
        try:
            given = _complete(read(Credentials, sent))
            person = await recognise(apart_of(database, after), passwords, given.email, given.password, address)
        except Invalid as error:
            return _login_form(request, values, errors=error.errors, status=422)
        except TooSoon as soon:
            return _login_form(request, values, words=soon.words(), status=429, wait=soon.seconds)
        if person is None:
            return _login_form(request, values, words=_("E-mail or password is not right."), status=422)
        try:
            return await _enter(request, db, person, values["next"])
        except Missing:  # they left this very moment
            return _login_form(request, values, words=_("E-mail or password is not right."), status=422)


def _complete(given: Credentials) -> Credentials:
    missing = {
        name: words
        for name, words in (("email", _("Tell us your e-mail address.")), ("password", _("Type your password.")))
        if not getattr(given, name)
    }
    if missing:
        raise Invalid(missing)
    return given


async def _enter(request: Request, db: AsyncSession, person: int, onward: str) -> HtmlResponse:
    """A new session; whoever is blocked reads why, before anything else (W2)."""
    users = Users(db)
    user = await users.get(person, lock=True)
    await auth.sign_in(request, db, user)
    if await users.block_of(user.id):
        return go(request, "/blocked")
    return go(request, onward or home_of(user.role))


def _login_form(
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
        "accounts/login.html",
        "accounts/_login_form.html",
        status=status,
        headers={"retry-after": str(wait)} if wait else {},
        values=values,
        errors=errors or {},
        words=words,
    )


class LogoutPages(Controller):
    path = "/logout"
    opt = signed_in(blocked_may=True)

    @post(name="logout")
    async def create(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        await auth.sign_out(request, db)
        flash(request, _("You are signed out."))
        answer = go(request, "/")
        # What this browser kept of private pages goes too, also from behind the Back button.
        answer.headers["clear-site-data"] = '"cache", "storage"'
        return answer


async def evenly(began: float, settings: Settings) -> None:
    """Wait until EVEN seconds are over since `began` (time.monotonic)."""
    if settings.env != "test":
        await asyncio.sleep(max(0.0, began + EVEN - time.monotonic()))


def in_order(errors: dict[str, str], kind: type) -> dict[str, str]:
    """As the fields stand on the page."""
    names = list(kind.__annotations__)
    return dict(sorted(errors.items(), key=lambda one: names.index(one[0]) if one[0] in names else len(names)))
