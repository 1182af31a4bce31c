"""Pages to sign up, in and out."""

import asyncio
import time
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from litestar import Controller, get, post
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import auth
from app.accounts.auth import Me
from app.accounts.contact_fields import typed_pincode
from app.accounts.repository import Pincodes, Users
from app.accounts.schemas import Credentials, NewCustomer
from app.accounts.sign_in import authenticate
from app.accounts.sign_in_listeners import after_sign_in
from app.accounts.sign_up import TransactionFactory, sign_up
from app.accounts.user import Role
from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.encryption import Encryption
from app.core.errors import Invalid, Missing, RateLimited
from app.core.i18n import _
from app.core.secrets import Passwords
from app.settings import Settings
from app.web.actions import Rejection, submit
from app.web.context import context_of
from app.web.forms import parse_form, parse_query
from app.web.guards import ReauthenticationRequired, everyone, signed_in
from app.web.http import HtmlResponse, Request
from app.web.render import flash, page, redirect
from app.web.security import client_address, local_path, with_next
from app.web.services import services_of
from app.web.validation import validate_form

# The least duration of a response about an address, so that timing does not reveal whether the address is known.
MIN_RESPONSE_SECONDS = 0.4
INVITED_PATH, MAX_INVITE_LENGTH = "/credit", 20  # the page that opens after an invited sign-up


def transaction_factory(database: Database, after_commit: AfterCommit) -> TransactionFactory:
    """Transactions separate from the request's."""
    return partial(database.work, after_commit)


def next_of_query(request: Request) -> str:
    """The local path to continue at, of the address; "" when there is none. An invite's code travels in it."""
    query = parse_query(request)
    return with_invite(local_path(query.get("next"), ""), query.get("invite", ""))


def with_invite(next_url: str, typed: str) -> str:
    """The local path to continue at with the invite's code in it; what is none is left out."""
    invite = typed.strip()
    if not invite.isalnum() or len(invite) > MAX_INVITE_LENGTH:
        return next_url
    path = next_url or INVITED_PATH
    return local_path(f"{path}{'&' if urlsplit(path).query else '?'}{urlencode({'invite': invite})}", next_url)


def next_of_form(form: Mapping[str, str]) -> str:
    """The local path to continue at, of the form; "" when there is none."""
    return local_path(form.get("next"), "")


def chosen_pincode(next_url: str) -> str:
    """The pincode that was entered before signing up, where the page to continue at has it."""
    return dict(parse_qsl(urlsplit(next_url).query)).get("pincode", "")[:10]


def home_path(role: str) -> str:
    """Where a user arrives after signing in."""
    return {Role.PROFESSIONAL: "/jobs", Role.ADMIN: "/admin"}.get(Role(role), "/")


class RegisterPages(Controller):
    path = "/register"
    opt = everyone()

    @get(name="register")
    async def show(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        """The form; with the pincode that is being typed, or was entered before, and its place."""
        next_url = next_of_query(request)
        pincode = parse_query(request).get("pincode") or chosen_pincode(next_url)
        place = await Pincodes(db).get(typed_pincode(pincode) or "")
        return form_page(request, "register", {"pincode": pincode}, next_url=next_url, place=place)

    @post()
    async def create(
        self,
        request: Request,
        database: NamedDependency[Database],
        after_commit: NamedDependency[AfterCommit],
        passwords: NamedDependency[Passwords],
        encryption: NamedDependency[Encryption],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        started, form = time.monotonic(), await parse_form(request)
        next_url = next_of_form(form)

        async def create_account() -> None:
            new_transaction = transaction_factory(database, after_commit)
            await sign_up(new_transaction, passwords, encryption, validate_form(NewCustomer, form), next_url)
            await pad_response_time(started, settings)

        async def render_form(rejection: Rejection) -> HtmlResponse:
            async with database.sessions() as db:
                place = await Pincodes(db).get(typed_pincode(form.get("pincode", "")) or "")
            return form_page(
                request,
                "register",
                rejection.values,
                rejection,
                order=NewCustomer,
                next_url=next_url,
                place=place,
            )

        return await submit(
            request,
            create_account,
            form=form,
            catch=(Invalid,),
            on_error=render_form,
            message=_("Thank you. Sign in with your email and password. We've also sent you an email."),
            then=with_next("/login", next_url),
        )


class LoginPages(Controller):
    path = "/login"
    opt = everyone()

    @get(name="login")
    async def show(self, request: Request, me: NamedDependency[Me | None]) -> HtmlResponse:
        next_url = next_of_query(request)
        if me is not None:
            return redirect(request, next_url or home_path(me.role))
        return form_page(request, "login", {}, next_url=next_url)

    @post()
    async def create(
        self,
        request: Request,
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
        after_commit: NamedDependency[AfterCommit],
        passwords: NamedDependency[Passwords],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        form = await parse_form(request)
        next_url = next_of_form(form)

        async def sign_in() -> str:
            credentials = _require_both(validate_form(Credentials, form))
            user_id = await authenticate(
                transaction_factory(database, after_commit),
                passwords,
                credentials.email,
                credentials.password,
                client_address(request.scope, settings.trusted_proxies),
                auth.device_digest(request),
            )
            if user_id is None:
                raise Invalid({"": _("That email and password don't match.")})
            try:
                return await start_session(request, db, user_id, next_url)
            except Missing as error:  # deleted at this very moment
                raise Invalid({"": _("That email and password don't match.")}) from error

        return await submit(
            request,
            sign_in,
            form=form,
            catch=(Invalid, RateLimited),
            on_error=lambda rejection: form_page(request, "login", rejection.values, rejection, next_url=next_url),
            then=lambda path: path,
        )


class LogoutPages(Controller):
    path = "/logout"
    opt = signed_in(allow_blocked=True)

    @post(name="logout")
    async def create(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        await auth.sign_out(request, db)
        flash(request, _("You're signed out."))
        response = redirect(request, "/")
        # Private pages leave the browser's cache too, also from behind the Back button.
        response.headers["clear-site-data"] = '"cache", "storage"'
        return response


def form_page(
    request: Request,
    name: str,
    values: dict[str, str],
    rejection: Rejection | None = None,
    *,
    order: type | None = None,
    next_url: str = "",
    **context: Any,
) -> HtmlResponse:
    """The page accounts/<name>.html with its form, empty or rejected; `order`: the Struct whose fields it has.

    `next_url`: where the person continues after signing in.
    """
    errors = {field: message for field, message in (rejection.errors if rejection else {}).items() if field}
    return page(
        request,
        f"accounts/{name}.html",
        f"accounts/_{name}_form.html",
        status=rejection.status if rejection else 200,
        headers=rejection.headers if rejection else {},
        values=values,
        errors=in_field_order(errors, order) if order else errors,
        message=rejection.message if rejection else "",
        next_url=next_url,
        **context,
    )


async def check_sign_in_is_recent(db: AsyncSession, me: Me) -> bool:
    """Whether the account has a password, which the form asks for. Without one, a code must have been used lately.

    Raises ReauthenticationRequired.
    """
    has_password = await Users(db).has_password(me.id)
    if not has_password and not me.is_fresh:
        raise ReauthenticationRequired()
    return has_password


async def pad_response_time(started: float, settings: Settings) -> None:
    """Wait until MIN_RESPONSE_SECONDS have passed since `started` (time.monotonic)."""
    if settings.env != "test":
        await asyncio.sleep(max(0.0, started + MIN_RESPONSE_SECONDS - time.monotonic()))


def in_field_order(errors: dict[str, str], kind: type) -> dict[str, str]:
    """The errors in the order of the Struct's fields, which is that of the page."""
    names = list(kind.__annotations__)
    return dict(sorted(errors.items(), key=lambda item: names.index(item[0]) if item[0] in names else len(names)))


def _require_both(credentials: Credentials) -> Credentials:
    missing = {
        name: message
        for name, message in (("email", _("Enter your email address.")), ("password", _("Enter your password.")))
        if not getattr(credentials, name)
    }
    if missing:
        raise Invalid(missing)
    return credentials


async def start_session(request: Request, db: AsyncSession, user_id: int, next_url: str) -> str:
    """Sign the user in. The path to go to: a blocked user first reads why (W2)."""
    users = Users(db)
    user = await users.get(user_id, lock=True)
    await auth.sign_in(request, db, user)
    if await users.active_block(user.id):
        return "/blocked"
    if next_url:
        services = services_of(request)
        new_transaction = transaction_factory(services.database, services.after_commit)
        context_of(request).follow_ups.append(partial(after_sign_in, new_transaction, user, next_url))
    return next_url or home_path(user.role)
