"""What lives as long as the process: made once, asked for by name in the signature of a door."""

from functools import partial
from typing import Any

from litestar.datastructures import State
from litestar.di import Provide

from app.accounts import auth
from app.accounts.session import Sessions
from app.accounts.user import Role
from app.core import clock
from app.core.admin_audience import DESK
from app.core.after_commit import AfterCommit
from app.core.cache import Cache
from app.core.db import Database
from app.core.encryption import Vault
from app.core.rate_limiter import Limiter
from app.core.secrets import Passwords
from app.core.storage import Storage
from app.discovery.unmet_search_counter import Wanted
from app.operations.worker_health import waiting_work
from app.reports.repository import waiting
from app.scheduling.repository import Working
from app.settings import Settings
from app.web import render, templating
from app.web.context import visit_of
from app.web.http import Request
from app.web.live import Live
from app.web.metrics import Meter
from app.web.page_cache import Shelf
from app.web.security import Cookies, Csrf
from app.web.static import Assets
from app.web.unit_of_work import unit_of_work

LASTING = ("database", "after", "vault", "passwords", "settings", "storage", "wanted")


def parts(settings: Settings) -> State:
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
        """Professionals also hear of offers in their area, admins of the whole town, until they are blocked."""
        if me.role == Role.ADMIN and me.blocked is None:
            return [f"user:{me.id}", DESK]
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
            "limiter": Limiter(after.bus),
            "meter": Meter(after.bus),
            "waiting_work": partial(waiting_work, database, after),
            "live": Live(after.bus, audiences_of, still_in),
            "waiting": waiting,
            "wanted": Wanted(database),
            "storage": Storage(settings.uploads_dir),
        }
    )


def provided() -> dict[str, Provide]:
    """The dependencies of every door. Only `db` is a generator (app.web.unit_of_work)."""
    return {
        "db": Provide(unit_of_work),
        "me": Provide(_me, sync_to_thread=False),
        "cache": Provide(_cache, sync_to_thread=False),
        **{name: _from_state(name) for name in LASTING},
    }


def _from_state(name: str) -> Provide:
    def part(request: Request) -> Any:
        return request.app.state[name]

    return Provide(part, sync_to_thread=False)


def _me(request: Request) -> auth.Me | None:
    me: auth.Me | None = visit_of(request).person
    return me


def _cache(request: Request) -> Cache:
    return request.app.state.after.cache  # type: ignore[no-any-return]
