"""Build the application as a web process does, without a server, and the context that a worker passes to tasks."""

import asyncio
import atexit
import functools
import shutil
import tempfile
from collections.abc import AsyncIterator, Hashable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from litestar import Litestar
from litestar.types import ASGIApp, ControllerRouterHandler

from app.core import logs
from app.core.db import Database
from app.main import attach_services, create_routes
from app.services import Services, compose
from app.settings import Settings
from app.web.body import BODY_LIMITS, BodyLimits
from tasks.context import Context

UPLOADS = tempfile.mkdtemp(prefix="doorstep-uploads-")
atexit.register(shutil.rmtree, UPLOADS, ignore_errors=True)


def uploads_of(database_url: str) -> str:
    """A folder for each database: `doorstep check` reports files that no row of its database refers to."""
    return str(Path(UPLOADS, urlsplit(database_url).path.strip("/") or "none"))


def settings(database_url: str, redis_url: str, **more: str) -> Settings:
    env = {
        "DOORSTEP_ENV": "test",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "LOG_LEVEL": "warning",
        "UPLOADS_DIR": uploads_of(database_url),
    }
    return Settings.from_env(env | more)


class RoutesPool:
    """Routes that no running application uses: making them takes half a second, and they keep nothing of a database."""

    def __init__(self) -> None:
        self._idle: dict[Hashable, list[tuple[Litestar, ASGIApp]]] = {}

    @contextmanager
    def lend(self, settings: Settings, more: tuple[ControllerRouterHandler, ...]) -> Iterator[Litestar]:
        # What create_routes reads of the settings.
        key = (settings.env, settings.https, settings.cors_origins, bool(settings.smtp_url), settings.redis_url, more)
        idle = self._idle.setdefault(key, [])
        app, bare_handler = idle.pop() if idle else self._make(settings, more)
        yield app
        app.asgi_handler = bare_handler
        idle.append((app, bare_handler))

    def _make(self, settings: Settings, more: tuple[ControllerRouterHandler, ...]) -> tuple[Litestar, ASGIApp]:
        app = create_routes(settings, more)
        return app, app.asgi_handler


ROUTES_POOL = RoutesPool()


@asynccontextmanager
async def serving(
    settings: Settings, more: Iterable[ControllerRouterHandler] = (), body_limits: BodyLimits = BODY_LIMITS
) -> AsyncIterator[Litestar]:
    """A started application, stopped at the end; `more` are routes that only tests have."""
    logs.configure(settings.log_level, as_json=settings.production)
    with ROUTES_POOL.lend(settings, tuple(more)) as app:
        attach_services(app, compose(settings), body_limits)
        async with _running(app):
            yield app


@asynccontextmanager
async def _running(app: Litestar) -> AsyncIterator[None]:
    started, stop = asyncio.Event(), asyncio.Event()

    async def run() -> None:
        async with app.lifespan():
            started.set()
            await stop.wait()

    # Entered and left in one task, as the task groups inside demand.
    running = asyncio.create_task(run())
    await asyncio.wait([running, asyncio.create_task(started.wait())], return_when=asyncio.FIRST_COMPLETED)
    assert started.is_set(), running.exception()
    yield
    stop.set()
    await running


async def publish_nothing(_messages: object) -> None:
    """A fake AfterCommit for tests that check tables only."""


def task_context(database: Database, settings: Settings | None = None, *, tick: Any = None, **services: Any) -> Context:
    """What a worker hands to a task, on this database; `services` replace further fields of Services."""
    replaced = {"after_commit": publish_nothing, **services, "database": database}
    context = Context(services=replace(_composed(settings or _anywhere()), **replaced))
    return context if tick is None else Context(**context, tick=tick)


def _anywhere() -> Settings:
    return settings("postgresql://unused", "redis://localhost")


@functools.cache
def _composed(settings: Settings) -> Services:
    """Static files and templates are read once."""
    return compose(settings)
