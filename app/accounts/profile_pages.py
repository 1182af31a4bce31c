"""Pages of a user's own account: name, phone, email, password and signed-in browsers."""

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import auth
from app.accounts.auth import Me
from app.accounts.email_links import set_password
from app.accounts.pages import check_sign_in_is_recent, form_page, transaction_factory
from app.accounts.profile import (
    browser_name,
    change_details,
    check_new_password,
    program_name,
    resend_verification,
    start_email_change,
)
from app.accounts.repository import Addresses, OwnSessions, Users
from app.accounts.schemas import Details, EmailChange, PasswordChange
from app.accounts.session import Session, SessionKind, Sessions
from app.accounts.sign_in import hit_email_limit, prove_password
from app.accounts.tax_identity import change_tax_identity, tax_fields_of
from app.accounts.user import Role, User
from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.encryption import Encryption
from app.core.errors import Invalid, RateLimited
from app.core.i18n import _
from app.core.secrets import Passwords
from app.settings import Settings
from app.web.actions import Rejection, submit
from app.web.forms import parse_form
from app.web.guards import signed_in
from app.web.http import HtmlResponse, Request
from app.web.render import flash, page, redirect
from app.web.security import client_address
from app.web.validation import validate_form


class ProfilePages(Controller):
    path = "/profile"
    opt = signed_in()

    @get(name="profile")
    async def show(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _render_profile(request, db, me)

    @post()
    async def update(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)

        async def change() -> None:
            typed, user = validate_form(Details, form), await Users(db).get(me.id, lock=True)
            await change_details(db, user, typed)
            if me.role != Role.ADMIN:
                await change_tax_identity(db, user, typed.gstin, typed.business_name)

        return await submit(
            request,
            change,
            form=form,
            catch=(Invalid,),
            on_error=lambda rejection: _render_profile(request, db, me, rejection),
            message=_("Saved."),
            then="/profile",
        )

    @post("/verification", name="verification")
    async def verification(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
        after_commit: NamedDependency[AfterCommit],
        encryption: NamedDependency[Encryption],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        async def resend() -> None:
            address = client_address(request.scope, settings.trusted_proxies)
            new_transaction = transaction_factory(database, after_commit)
            await hit_email_limit(new_transaction, me.email, address, auth.device_digest(request))
            await resend_verification(db, encryption, await Users(db).get(me.id, lock=True))

        def wait(rejection: Rejection) -> HtmlResponse:
            flash(request, rejection.message, "waiting")
            return redirect(request, "/profile")

        return await submit(
            request,
            resend,
            catch=(RateLimited,),
            on_error=wait,
            message=_("We've sent the email again. Open its link to confirm your address."),
            message_kind="calm",
            then="/profile",
        )


async def _render_profile(
    request: Request, db: AsyncSession, me: Me, rejection: Rejection | None = None
) -> HtmlResponse:
    user = await Users(db).get(me.id)
    addresses = await Addresses(db, me.id).all() if me.role == Role.CUSTOMER else []
    return page(
        request,
        "accounts/profile.html",
        status=rejection.status if rejection else 200,
        user=user,
        addresses=addresses,
        values=rejection.values if rejection else {**_details_of(user), **await tax_fields_of(db, user.id)},
        errors=rejection.errors if rejection else {},
    )


def _details_of(user: User) -> dict[str, str]:
    shared = "yes" if user.share_phone else "no"
    return {"full_name": user.full_name, "phone": user.phone, "share_phone": shared}


class EmailPages(Controller):
    path = "/profile/email"
    opt = signed_in()

    @get(name="email")
    async def show(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        has_password = await check_sign_in_is_recent(db, me)
        return form_page(request, "change_email", {}, email=me.email, has_password=has_password)

    @post()
    async def update(
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
        form, has_password = await parse_form(request), await check_sign_in_is_recent(db, me)

        async def start_change() -> None:
            change = validate_form(EmailChange, form)
            new_transaction = transaction_factory(database, after_commit)
            address = client_address(request.scope, settings.trusted_proxies)
            await prove_password(new_transaction, passwords, me, change.current_password)
            await hit_email_limit(new_transaction, change.email, address, auth.device_digest(request))
            await start_email_change(db, encryption, await Users(db).get(me.id, lock=True), change.email)

        return await submit(
            request,
            start_change,
            form=form,
            catch=(Invalid, RateLimited),
            on_error=lambda rejection: form_page(
                request,
                "change_email",
                rejection.values,
                rejection,
                order=EmailChange,
                email=me.email,
                has_password=has_password,
            ),
            message=_("We've sent an email to your new address. Open its link to confirm the change."),
            message_kind="calm",
            then="/profile",
        )


class PasswordPages(Controller):
    path = "/profile/password"
    opt = signed_in()

    @get(name="password")
    async def show(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        has_password = await check_sign_in_is_recent(db, me)
        return form_page(request, "change_password", {}, email=me.email, has_password=has_password)

    @post()
    async def update(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
        after_commit: NamedDependency[AfterCommit],
        passwords: NamedDependency[Passwords],
    ) -> HtmlResponse:
        form, has_password = await parse_form(request), await check_sign_in_is_recent(db, me)

        async def change_password() -> None:
            change = validate_form(PasswordChange, form)
            check_new_password(change.password, me.email, me.name)
            new_transaction = transaction_factory(database, after_commit)
            await prove_password(new_transaction, passwords, me, change.current_password)
            hashed = await passwords.hash(change.password)
            user = await Users(db).get(me.id, lock=True)
            await set_password(db, Sessions(database), user, hashed)
            await auth.sign_in(request, db, user)

        return await submit(
            request,
            change_password,
            catch=(Invalid, RateLimited),
            on_error=lambda rejection: form_page(
                request,
                "change_password",
                {},
                rejection,
                order=PasswordChange,
                email=me.email,
                has_password=has_password,
            ),
            message=_("Your new password is set. Other browsers are signed out."),
            then="/profile",
        )


class SessionPages(Controller):
    path = "/profile/sessions"
    opt = signed_in()

    @get(name="sessions")
    async def index(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        sessions = await OwnSessions(db, me.id).all()
        names = {session.id: _name(session) for session in sessions}
        return page(request, "accounts/sessions.html", sessions=sessions, names=names, own_session_id=me.session_id)

    @post("/{session_id:int}/end", name="end_session")
    async def end(
        self, request: Request, session_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        await OwnSessions(db, me.id).end(session_id)
        flash(request, _("That browser is signed out."))
        return redirect(request, "/login" if session_id == me.session_id else "/profile/sessions")

    @post("/end", name="end_other_sessions")
    async def end_others(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
    ) -> HtmlResponse:
        await Sessions(database).close_all(db, me.id, except_id=me.session_id)
        flash(request, _("All other browsers have been signed out."))
        return redirect(request, "/profile/sessions")


def _name(session: Session) -> str:
    return program_name(session.user_agent) if session.kind == SessionKind.TOKEN else browser_name(session.user_agent)
