"""What every task gets as `ctx`, and its unit of work."""

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
