"""What every task gets as `ctx`, and its unit of work."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Required, TypedDict

from sqlalchemy.ext.asyncio import AsyncSession

from app.services import Services


class Context(TypedDict, total=False):
    """`tick` is set for tasks of the timetable, `job` for tasks of the queue (SAQ adds more of its own)."""

    services: Required[Services]
    tick: datetime
    job: Any


def unit_of_work(ctx: Context) -> AbstractAsyncContextManager[AsyncSession]:
    """`async with unit_of_work(ctx) as db:` commits, then publishes what was to be published."""
    services = ctx["services"]
    return services.database.work(services.after_commit)


async def repeat_until_done(ctx: Context, change: Callable[[AsyncSession], Awaitable[int]]) -> int:
    """Batch by batch, each in a transaction of its own, until nothing is due or nothing succeeds any more."""
    total = 0
    while True:
        async with unit_of_work(ctx) as db:
            done = await change(db)
        total += done
        if not done:
            return total
