"""`doorstep console`: an interactive Python with the services of a process and every model in scope."""

import ast
import asyncio
import code
import contextlib
import importlib
import inspect
import threading
import types
from functools import partial
from typing import Any

import sqlalchemy
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.orm import Base
from app.services import Services

BANNER = """Doorstep console. `await` works at the prompt. In scope:
  services   the services of a process (settings, database, after_commit, storage, …)
  db         a session without a transaction, for reading: await db.scalar(select(User).limit(1))
  work       async with work() as session: …   commits, then publishes nudges and cache invalidations
  select, text, clock and every model (Booking, User, …)"""


def run(services: Services) -> None:
    """Read and run statements until the end of input; the event loop runs in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="console_loop", daemon=True)
    thread.start()
    session = services.database.readers()
    try:
        _wait(loop, services.after_commit.start())
        with contextlib.suppress(ImportError):
            importlib.import_module("readline")  # history and cursor keys at the prompt
        AsyncConsole(_names(services, session), loop).interact(BANNER, "")
    finally:
        _wait(loop, _close(services, session))
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class AsyncConsole(code.InteractiveConsole):
    """Runs each statement in this thread, and what it awaits in `loop`."""

    def __init__(self, names: dict[str, Any], loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(names)
        self.compile.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        self._loop = loop

    def runcode(self, code: types.CodeType) -> None:
        try:
            result = types.FunctionType(code, self.locals)()
            if inspect.iscoroutine(result):
                _wait(self._loop, result)
        except SystemExit:
            raise
        except BaseException:
            self.showtraceback()


def _names(services: Services, session: AsyncSession) -> dict[str, Any]:
    return {
        **{mapper.class_.__name__: mapper.class_ for mapper in Base.registry.mappers},
        "services": services,
        "db": session,
        "work": partial(services.database.work, services.after_commit),
        "select": sqlalchemy.select,
        "text": sqlalchemy.text,
        "clock": clock,
    }


def _wait(loop: asyncio.AbstractEventLoop, coroutine: Any) -> Any:
    """Run the coroutine in the loop and return its result; Ctrl-C cancels it."""
    future = asyncio.run_coroutine_threadsafe(coroutine, loop)
    try:
        return future.result()
    except KeyboardInterrupt:
        future.cancel()
        raise


async def _close(services: Services, session: AsyncSession) -> None:
    await session.close()
    await services.after_commit.stop()
    await services.database.close()
