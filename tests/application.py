"""The whole application, as a process of its own would make it, without a server in front."""

import asyncio
import atexit
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from litestar import Litestar
from litestar.types import ControllerRouterHandler

from app.main import create_app
from app.settings import Settings

UPLOADS = tempfile.mkdtemp(prefix="doorstep-uploads-")
atexit.register(shutil.rmtree, UPLOADS, ignore_errors=True)


def settings(database_url: str, redis_url: str, **more: str) -> Settings:
    env = {
        "DOORSTEP_ENV": "test",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "LOG_LEVEL": "warning",
        "UPLOADS_DIR": UPLOADS,
    }
    return Settings.from_env(env | more)


@asynccontextmanager
async def serving(given: Settings, more: Iterable[ControllerRouterHandler] = ()) -> AsyncIterator[Litestar]:
    """Started, and stopped at the end; `more` are doors that only tests open."""
    app = create_app(given, more=more)
    up, down = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.lifespan():
            up.set()
            await down.wait()

    # Entered and left in one task, as the task groups inside demand.
    running = asyncio.create_task(live())
    await asyncio.wait([running, asyncio.create_task(up.wait())], return_when=asyncio.FIRST_COMPLETED)
    assert up.is_set(), running.exception()
    yield app
    down.set()
    await running
