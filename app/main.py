"""The composition root: settings in, application out."""

from collections.abc import Iterable
from typing import Any

from litestar import Litestar, Request
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.types import ControllerRouterHandler

from app.accounts import auth
from app.accounts.session import Sessions
from app.accounts.user import Role
from app.availability.repository import Working
from app.discovery.cache import clear_what_it_changes
from app.kit import clock, logs
from app.kit.after import AfterCommit
from app.kit.cache import Cache
from app.kit.db import Database
from app.kit.events import on_every_event
from app.kit.secrets import Passwords
from app.kit.vault import Vault
from app.notifications import rules
from app.routes import MAILBOX, ROUTES
from app.settings import Settings
from app.web import render, templating
from app.web.errors import on_error
from app.web.front import surround
from app.web.guards import Gate, refuse_undeclared
from app.web.live import Live
from app.web.security import Cookies, Csrf, SecurityHeaders
from app.web.shelf import Shelf
from app.web.static import Assets
from app.web.visit import visit_of
from app.web.work import note_status, unit_of_work

FORM = 1_000_000  # bytes; an upload's route sets its own request_max_body_size


def create_app(settings: Settings, *, more: Iterable[ControllerRouterHandler] = ()) -> Litestar:
    """`more` are further routes, for development and tests."""
    logs.set_up(settings.log_level, as_json=settings.production)
    on_every_event(clear_what_it_changes)
    rules.install()
    state = _parts(settings)
    app = Litestar(
        route_handlers=[*ROUTES, *_mailbox(settings), *more],
        dependencies=PROVIDED,
        guards=[Gate(auth.load, state.csrf)],
        exception_handlers={HTTPException: on_error, Exception: on_error},
        before_send=[SecurityHeaders(settings)],
        after_request=note_status,
        on_startup=[state.after.start, state.live.start],
        on_shutdown=[state.live.stop, state.after.stop, state.database.close],
        request_max_body_size=FORM,
        openapi_config=None,
        logging_config=None,
        state=state,
    )
    refuse_undeclared(app)
    surround(app, settings, state.shelf, state.cookies.personal)
    return app


def _mailbox(settings: Settings) -> list[ControllerRouterHandler]:
    """Where mails are read in development, when no mail server takes them."""
    return [] if settings.production or settings.smtp_url else MAILBOX


def _parts(settings: Settings) -> State:
    """What lives as long as the process; doors ask for it by name, as dependencies."""
    database, after, vault = (
        Database(settings.database_url),
        AfterCommit(settings.redis_url),
        Vault(settings.secret_key),
    )
    cookies = Cookies(https=settings.https)
    csrf = Csrf(vault, cookies)
    assets = Assets(reload=not settings.production)
    env = templating.environment(assets, reload=not settings.production)
    render.install(env, csrf)
    sessions = Sessions(database)

    async def still_in(session_ids: list[int]) -> dict[int, bool]:
        return await sessions.living(session_ids, clock.now())

    async def audiences_of(me: auth.Me) -> list[str]:
        """Professionals also hear of offers in their area, until they are blocked."""
        if me.role != Role.PROFESSIONAL or me.blocked is not None:
            return [f"user:{me.id}"]
        async with database.work() as db:
            return [f"user:{me.id}", *(f"area:{pincode}" for pincode in await Working(db, me).pincodes())]

    return State(
        {
            "settings": settings,
            "database": database,
            "after": after,
            "vault": vault,
            "cookies": cookies,
            "csrf": csrf,
            "assets": assets,
            "templates": env,
            "passwords": Passwords(vault, cheap=settings.env == "test"),
            "shelf": Shelf(after.cache),
            "live": Live(after.bus, audiences_of, still_in),
        }
    )


def _from_state(name: str) -> Provide:
    def part(request: Request[Any, Any, Any]) -> Any:
        return request.app.state[name]

    return Provide(part, sync_to_thread=False)


def _me(request: Request[Any, Any, Any]) -> auth.Me | None:
    me: auth.Me | None = visit_of(request).person
    return me


def _cache(request: Request[Any, Any, Any]) -> Cache:
    return request.app.state.after.cache  # type: ignore[no-any-return]


PROVIDED = {
    "db": Provide(unit_of_work),
    "me": Provide(_me, sync_to_thread=False),
    "cache": Provide(_cache, sync_to_thread=False),
    **{name: _from_state(name) for name in ("database", "after", "vault", "passwords", "settings")},
}
