"""Who may come in: every route says it in its `opt`, and one gate asks before anything else happens."""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Litestar, Request
from litestar.exceptions import (
    HTTPException,
    ImproperlyConfiguredException,
    NotAuthorizedException,
    TooManyRequestsException,
)
from litestar.handlers.base import BaseRouteHandler
from litestar.handlers.http_handlers import HTTPRouteHandler

from app.core.events import channel
from app.core.i18n import _
from app.core.network import network
from app.core.rate_limiter import Budget, Limiter
from app.web.context import Connection, Person, visit_of
from app.web.forms import form
from app.web.security import FIELD, HEADER, SAFE_METHODS, Csrf, client_address

Load = Callable[[Connection], Awaitable[Person | None]]
EVERYONE = "everyone"
SIGNED_IN = "signed in"
# Of programs: a token asks ten times a second in the long run, a network behind one address twice as often.
BY_TOKEN, BY_ADDRESS = Budget("token", 600, 60), Budget("address", 1200, 60)


def everyone(**more: Any) -> dict[str, Any]:
    """opt = everyone(): no sign-in needed.

    `anonymous=True` does not even look who it is; `csrf=False` is for reports that browsers send by themselves.
    """
    return {"who": EVERYONE, "blocked_may": True, **more}


def signed_in(**more: Any) -> dict[str, Any]:
    """opt = signed_in(): any role. `blocked_may=True` lets a blocked person's restricted session in (W2)."""
    return {"who": SIGNED_IN, **more}


def only(*roles: str, **more: Any) -> dict[str, Any]:
    """opt = only("customer"): these roles. `fresh=True`: with the password given within the last 15 minutes."""
    return {"who": frozenset(str(role) for role in roles), **more}


class SignInNeeded(NotAuthorizedException):
    """A visitor at a private door: to the sign-in page, or 401 where a program asks."""


class PasswordNeeded(NotAuthorizedException):
    """A deed that needs the password once more, since it was given more than a quarter of an hour ago."""


class NotYourRole(HTTPException):
    status_code = 403


class BlockedPerson(HTTPException):
    """A blocked person beyond the restricted session; `detail` is the reason they were given."""

    status_code = 403


class BadToken(HTTPException):
    """A form without our token, or sent from another site."""

    status_code = 403


class Spoken(HTTPException):
    """A refusal whose sentence people read as it is; `kind` is the stable word for programs."""

    kind = "http"


class Gate:
    """The application's one guard: finds out who it is, then asks role, block and CSRF token, in this order."""

    def __init__(self, load: Load, csrf: Csrf, limiter: Limiter, trusted_proxies: int) -> None:
        self._load = load
        self._csrf = csrf
        self._limiter = limiter
        self._trusted_proxies = trusted_proxies

    async def __call__(self, connection: Connection, handler: BaseRouteHandler) -> None:
        if _is_own_options(handler):
            return  # which methods there are: the same to everybody, whatever they may
        if handler.opt.get("api"):
            channel.set("api")
        visit = visit_of(connection)
        visit.person = None if handler.opt.get("anonymous") else await self._load(connection)
        connection.scope["user"] = visit.person
        if handler.opt.get("api"):
            await self._count(connection)
        _admit(visit.person, handler.opt)
        if connection.scope.get("method") not in SAFE_METHODS and handler.opt.get("csrf", "api" not in handler.opt):
            await self._check_form(connection)

    async def _count(self, connection: Connection) -> None:
        """Each address of the network and each token has a budget; the answer says what is left of the tighter one."""
        visit = visit_of(connection)
        spent = [await self._limiter.spend(BY_ADDRESS, network(client_address(connection, self._trusted_proxies)))]
        if visit.person is not None:
            spent.append(await self._limiter.spend(BY_TOKEN, str(visit.person.session_id)))
        told = min((one for one in spent if one), key=lambda one: one.left, default=None)
        if told is None:
            return
        visit.headers |= {
            "ratelimit-limit": str(told.budget.most),
            "ratelimit-remaining": str(told.left),
            "ratelimit-reset": str(told.reset),
        }
        if not told.allowed:
            raise TooManyRequestsException(headers={"retry-after": str(told.reset)})

    async def _check_form(self, connection: Connection) -> None:
        if connection.headers.get("sec-fetch-site") == "cross-site":
            raise BadToken(_("This form was sent from another site. Open Doorstep and try again."))
        token = connection.headers.get(HEADER)
        if token is None and isinstance(connection, Request):
            token = (await form(connection)).get(FIELD)
        if not self._csrf.fits(connection, token):
            raise BadToken(_("This page was open for too long. Go back, reload it and send the form again."))


def _admit(person: Person | None, opt: dict[str, Any]) -> None:
    who = opt.get("who")
    if who == EVERYONE:
        return
    if person is None:
        raise SignInNeeded()
    if person.blocked is not None and not opt.get("blocked_may"):
        raise BlockedPerson(person.blocked)
    if who != SIGNED_IN and person.role not in (who or ()):
        raise NotYourRole(_("This page is for somebody else's role."))
    if opt.get("fresh") and not person.is_fresh:
        raise PasswordNeeded()


def declared(app: Litestar) -> list[tuple[str, str, str]]:
    """Every (method, address, who) there is; who is empty where a route does not say."""
    found = [
        (method, route.path, _told(handler.opt))
        for route in app.routes
        for handler in getattr(route, "route_handlers", None) or [route.route_handler]  # type: ignore[union-attr]
        if not _is_own_options(handler)
        for method in sorted(getattr(handler, "http_methods", ["GET"]))
    ]
    return sorted(found, key=lambda one: (one[1], one[0]))


def _told(opt: dict[str, Any]) -> str:
    who = opt.get("who", "")
    told = who if isinstance(who, str) else ", ".join(sorted(who))
    return f"{told}, also blocked" if opt.get("blocked_may") and who != EVERYONE else told


def _is_own_options(handler: BaseRouteHandler) -> bool:
    """Litestar answers OPTIONS itself, with nothing but the allowed methods."""
    return isinstance(handler, HTTPRouteHandler) and handler.http_methods == {"OPTIONS"}


def refuse_undeclared(app: Litestar) -> None:
    """An address that does not say who may come in keeps the whole application from starting."""
    if missing := [f"{method} {path}" for method, path, who in declared(app) if not who]:
        raise ImproperlyConfiguredException("no `who` in the opt of: " + ", ".join(missing))
