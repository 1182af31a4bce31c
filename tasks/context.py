"""What every task is handed as `ctx`, and its unit of work."""

from contextlib import AbstractAsyncContextManager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Database

Context = dict[str, Any]


def work(ctx: Context) -> AbstractAsyncContextManager[AsyncSession]:
    """`async with work(ctx) as db:` commits, then announces."""
    database: Database = ctx["database"]
    return database.work(ctx["after"])
