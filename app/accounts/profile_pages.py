"""A person's own account: name, phone, e-mail, password, and where they are signed in."""

from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import auth
from app.accounts.attempts import TooSoon
from app.accounts.auth import Me
from app.accounts.email_links import set_password
from app.accounts.pages import apart_of, in_order
from app.accounts.profile import (
    browser_name,
    change_details,
    check_new_password,
    program_name,
    resend_verification,
    start_email_change,
)
from app.accounts.repository import Addresses, Browsers, Users
from app.accounts.schemas import Details, EmailChange, PasswordChange
from app.accounts.session import TOKEN, Session, Sessions
from app.accounts.sign_in import count_mail, recognise
from app.accounts.user import Role
from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.encryption import Vault
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.secrets import Passwords
from app.settings import Settings
from app.web.forms import form, read, shown_again
from app.web.guards import signed_in
from app.web.http import HtmlResponse, Request
from app.web.render import flash, go, page
from app.web.security import client_address


class ProfilePages(Controller):
    path = "/profile"
    opt = signed_in()

    @get(name="profile")
    async def show(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _profile(request, db, me)

    @post()
    async def update(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        sent = await form(request)
        try:
            await change_details(db, await Users(db).get(me.id, lock=True), read(Details, sent))
        except Invalid as error:
            return await _profile(request, db, me, values=shown_again(sent), errors=error.errors)
        flash(request, _("Saved."))
        return go(request, "/profile")

    @post("/verification", name="verification")
    async def verification(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
        after: NamedDependency[AfterCommit],
        vault: NamedDependency[Vault],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        try:
            await count_mail(apart_of(database, after), me.email, client_address(request, settings.trusted_proxies))
        except TooSoon as soon:
            flash(request, soon.words(), "waiting")
            return go(request, "/profile")
        await resend_verification(db, vault, await Users(db).get(me.id, lock=True))
        flash(request, _("We have sent the mail again. Open its link to confirm your address."), "calm")
        return go(request, "/profile")


async def _profile(
    request: Request,
    db: AsyncSession,
    me: Me,
    *,
    values: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
) -> HtmlResponse:
    user = await Users(db).get(me.id)
    addresses = await Addresses(db, me.id).all() if me.role == Role.CUSTOMER else []
    return page(
        request,
        "accounts/profile.html",
        status=422 if errors else 200,
        user=user,
        addresses=addresses,
        values=values or {"full_name": user.full_name, "phone": user.phone},
        errors=errors or {},
    )


class EmailPages(Controller):
    path = "/profile/email"
    opt = signed_in()

    @get(name="email")
    async def show(self, request: Request, me: NamedDependency[Me]) -> HtmlResponse:
        return _draw(request, "email", me)

    @post()
    async def update(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
        after: NamedDependency[AfterCommit],
        passwords: NamedDependency[Passwords],
        vault: NamedDependency[Vault],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        sent = await form(request)
        try:
            asked = read(EmailChange, sent)
            await _prove(request, me, asked.current_password, database, after, passwords, settings)
            await count_mail(apart_of(database, after), asked.email, client_address(request, settings.trusted_proxies))
            await start_email_change(db, vault, await Users(db).get(me.id, lock=True), asked.email)
        except (Invalid, TooSoon) as error:
            return _draw(request, "email", me, error, shown_again(sent))
        flash(
            request, _("We have sent a mail to the new address. It becomes yours here when you open its link."), "calm"
        )
        return go(request, "/profile")


class PasswordPages(Controller):
    path = "/profile/password"
    opt = signed_in()

    @get(name="password")
    async def show(self, request: Request, me: NamedDependency[Me]) -> HtmlResponse:
        return _draw(request, "password", me)

    @post()
    async def update(
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
        try:
            asked = read(PasswordChange, sent)
            check_new_password(asked.password, me.email, me.name)
            await _prove(request, me, asked.current_password, database, after, passwords, settings)
        except (Invalid, TooSoon) as error:
            return _draw(request, "password", me, error)
        hashed = await passwords.hash(asked.password)
        user = await Users(db).get(me.id, lock=True)
        await set_password(db, Sessions(database), user, hashed)
        await auth.sign_in(request, db, user)
        flash(request, _("Your new password is set. Other browsers are signed out."))
        return go(request, "/profile")


class SessionPages(Controller):
    path = "/profile/sessions"
    opt = signed_in()

    @get(name="sessions")
    async def index(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        browsers = await Browsers(db, me.id).all()
        names = {one.id: _name(one) for one in browsers}
        return page(request, "accounts/sessions.html", browsers=browsers, names=names, this_one=me.session_id)

    @post("/{session_id:int}/end", name="end_session")
    async def end(
        self, request: Request, session_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        await Browsers(db, me.id).end(session_id)
        flash(request, _("That browser is signed out."))
        return go(request, "/login" if session_id == me.session_id else "/profile/sessions")

    @post("/end", name="end_other_sessions")
    async def end_others(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
    ) -> HtmlResponse:
        await Sessions(database).close_all(db, me.id, but=me.session_id)
        flash(request, _("All other browsers are signed out."))
        return go(request, "/profile/sessions")


def _name(session: Session) -> str:
    return program_name(session.user_agent) if session.kind == TOKEN else browser_name(session.user_agent)


async def _prove(
    request: Request,
    me: Me,
    password: str,
    database: Database,
    after: AfterCommit,
    passwords: Passwords,
    settings: Settings,
) -> None:
    """It is really them: counted like signing in. Raises Invalid or TooSoon."""
    address = client_address(request, settings.trusted_proxies)
    if await recognise(apart_of(database, after), passwords, me.email, password, address) != me.id:
        raise Invalid({"current_password": _("This is not your present password.")})


def _draw(
    request: Request, what: str, me: Me, wrong: Invalid | TooSoon | None = None, values: dict[str, Any] | None = None
) -> HtmlResponse:
    soon = wrong if isinstance(wrong, TooSoon) else None
    errors = wrong.errors if isinstance(wrong, Invalid) else {}
    return page(
        request,
        f"accounts/change_{what}.html",
        f"accounts/_change_{what}_form.html",
        status=429 if soon else 422 if wrong else 200,
        headers={"retry-after": str(soon.seconds)} if soon else {},
        email=me.email,
        values=values or {},
        errors=in_order(errors, EmailChange if what == "email" else PasswordChange),
        words=soon.words() if soon else "",
    )
