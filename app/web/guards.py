"""Access control: every route declares in its `opt` who may use it, and one guard checks it before the handler.

A GET that records a view of personal data, or that streams rows, declares `in_transaction=True`.
"""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from litestar import Litestar
from litestar.exceptions import (
    HTTPException,
    ImproperlyConfiguredException,
    NotAuthorizedException,
    TooManyRequestsException,
)
from litestar.handlers.base import BaseRouteHandler
from litestar.handlers.http_handlers import HTTPRouteHandler

from app.core.events import origin
from app.core.i18n import _
from app.web.api_limits import NO_SESSION, rate_limit_headers
from app.web.context import Connection, CurrentUser, context_of
from app.web.forms import parse_form
from app.web.http import Request
from app.web.security import CSRF_FIELD, CSRF_HEADER, SAFE_METHODS
from app.web.services import services_of
from app.web.unsent_form import keep_unsent_form

LoadUser = Callable[[Connection], Awaitable[CurrentUser | None]]
ADMIN_RIGHTS = ("support", "money", "owner")  # each includes the ones before it
EVERYONE = "everyone"
SIGNED_IN = "signed in"


def everyone(**options: Any) -> dict[str, Any]:
    """opt = everyone(): no sign-in needed.

    `anonymous=True` does not load the user; `csrf=False` is for reports that browsers send on their own.
    """
    return {"access": EVERYONE, "allow_blocked": True, **options}


def signed_in(**options: Any) -> dict[str, Any]:
    """opt = signed_in(): any role. `allow_blocked=True` also admits the restricted session of a blocked user (W2)."""
    return {"access": SIGNED_IN, **options}


def only(*roles: str, **options: Any) -> dict[str, Any]:
    """opt = only("customer"): these roles. `fresh=True`: the password was entered within the last 15 minutes.

    `right`: one of ADMIN_RIGHTS, for admins; "support" if it is not given.
    """
    return {"access": frozenset(str(role) for role in roles), **options}


class SignInRequired(NotAuthorizedException):
    """A visitor on a private page: redirected to the sign-in page, or 401 in the API."""


class ReauthenticationRequired(NotAuthorizedException):
    """The action requires the password again, because it was entered more than 15 minutes ago."""


class WrongRole(HTTPException):
    status_code = 403


class UserFacingError(HTTPException):
    """An error whose detail is shown to users unchanged; `kind` is a stable identifier for API clients."""

    kind = "http"


class RightMissing(WrongRole, UserFacingError):
    """An admin without the right for the action; `detail` says whom to ask."""


class UserBlocked(HTTPException):
    """A blocked user outside the restricted session; `detail` is the stored reason."""

    status_code = 403


class InvalidCsrfToken(HTTPException):
    """A form without a valid CSRF token, or sent from another site."""

    status_code = 403


class CookiesRefused(InvalidCsrfToken):
    """A form from a browser that sends no cookie at all, so that no token can be bound to it."""


class AccessGuard:
    """The application's only guard: loads the user, then checks role, block and CSRF token, in this order."""

    def __init__(self, load_user: LoadUser) -> None:
        self._load_user = load_user

    async def __call__(self, connection: Connection, handler: BaseRouteHandler) -> None:
        if _is_own_options(handler):
            return  # the allowed methods are the same for everyone
        if handler.opt.get("api"):
            origin.set("api")
        context = context_of(connection)
        context.user = None if handler.opt.get("anonymous") else await self._load_user(connection)
        connection.scope["user"] = context.user
        if handler.opt.get("api"):
            await self._check_rate_limit(connection)
        try:
            _check_access(context.user, handler.opt)
        except (SignInRequired, ReauthenticationRequired):
            if isinstance(connection, Request) and connection.method == "POST" and "api" not in handler.opt:
                await keep_unsent_form(connection)
            raise
        if connection.scope.get("method") not in SAFE_METHODS and handler.opt.get("csrf", "api" not in handler.opt):
            await self._check_csrf(connection)

    async def _check_rate_limit(self, connection: Connection) -> None:
        """Count the request unless the middleware did; the headers describe the limit that is nearer."""
        context = context_of(connection)
        session_id = context.user.session_id if context.user is not None else NO_SESSION
        limits = services_of(connection).api_limits
        limits.remember(connection.scope, session_id)
        nearest = context.rate_limit or await limits.count(connection.scope, session_id)
        if nearest is None:
            return
        context.headers |= rate_limit_headers(nearest)
        if not nearest.allowed:
            raise TooManyRequestsException(headers={"retry-after": str(nearest.reset_seconds)})

    async def _check_csrf(self, connection: Connection) -> None:
        if connection.headers.get("sec-fetch-site") == "cross-site":
            raise InvalidCsrfToken(_("This form was sent from another site. Open Doorstep and try again."))
        token = connection.headers.get(CSRF_HEADER)
        if token is None and isinstance(connection, Request):
            token = (await parse_form(connection, may_repeat=True)).get(CSRF_FIELD)
        if not services_of(connection).csrf.verify(connection, token):
            if not connection.headers.get("cookie"):
                raise CookiesRefused(
                    _(
                        "Doorstep needs cookies to know that this form is yours. Allow cookies for this site, then go"
                        " back, reload the page and send the form again."
                    )
                )
            raise InvalidCsrfToken(_("This page was open for too long. Go back, reload it and send the form again."))


def _check_access(user: CurrentUser | None, opt: dict[str, Any]) -> None:
    access = opt.get("access")
    if access == EVERYONE:
        return
    if user is None:
        raise SignInRequired()
    if user.blocked is not None and not opt.get("allow_blocked"):
        raise UserBlocked(user.blocked)
    if access != SIGNED_IN and user.role not in (access or ()):
        raise WrongRole(_("This page isn't for your type of account."))
    require_right(user, opt.get("right", "support"))
    if opt.get("fresh") and not user.is_fresh:
        raise ReauthenticationRequired()


def has_right(user: CurrentUser, right: str) -> bool:
    """Whether the admin's right includes `right`."""
    return ADMIN_RIGHTS.index(user.right) >= ADMIN_RIGHTS.index(right)


def require_right(user: CurrentUser, right: str) -> None:
    """RightMissing for an admin without `right`; others are not asked."""
    if user.role == "admin" and not has_right(user, right):
        raise RightMissing(_("Your admin account doesn't have the right for this. Ask an owner."))


class RouteInfo(NamedTuple):
    """One method of one address; `access` is empty where a route does not declare it."""

    method: str
    path: str
    access: str
    handler: str


def list_routes(app: Litestar) -> list[RouteInfo]:
    """Return every route, by path and method."""
    routes = [
        RouteInfo(method, route.path, _access_of(handler.opt), handler_name(handler))
        for route in app.routes
        for handler in getattr(route, "route_handlers", None) or [route.route_handler]  # type: ignore[union-attr]
        if not _is_own_options(handler)
        for method in sorted(getattr(handler, "http_methods", ["GET"]))
    ]
    return sorted(routes, key=lambda route: (route.path, route.method))


def handler_name(handler: BaseRouteHandler) -> str:
    """module.Controller.method"""
    return f"{handler.fn.__module__}.{handler.fn.__qualname__}"


def _access_of(opt: dict[str, Any]) -> str:
    access = opt.get("access", "")
    text = access if isinstance(access, str) else ", ".join(sorted(access))
    return f"{text}, also blocked" if opt.get("allow_blocked") and access != EVERYONE else text


def _is_own_options(handler: BaseRouteHandler) -> bool:
    """Whether it is Litestar's own OPTIONS handler, which returns only the allowed methods."""
    return isinstance(handler, HTTPRouteHandler) and handler.http_methods == {"OPTIONS"}


def require_declared_access(app: Litestar) -> None:
    """Raise at startup when a route does not declare who may use it."""
    if missing := [f"{route.method} {route.path}" for route in list_routes(app) if not route.access]:
        raise ImproperlyConfiguredException("no `access` in the opt of: " + ", ".join(missing))
