"""Wait until something holds, such as transactions that wait for locks; it is polled, never a fixed time."""

import asyncio
from collections.abc import Callable

from sqlalchemy import text

from app.core.db import Database

WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


async def until(holds: Callable[[], bool], within: float = 30) -> None:
    """Wait until `holds` returns True. Raises TimeoutError."""
    async with asyncio.timeout(within):
        while True:
            if holds():
                return
            await asyncio.sleep(0.01)


async def until_waiting(database: Database, transactions: int, within: float = 30) -> None:
    """Wait until `transactions` of this database wait for a lock. Raises TimeoutError."""
    async with asyncio.timeout(within):
        while True:
            async with database.work() as db:  # within one transaction the answer never changes
                if (await db.scalar(WAITING) or 0) >= transactions:
                    return
            await asyncio.sleep(0.01)
