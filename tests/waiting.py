"""Until people stand where a test wants them: the condition itself is waited for, never a time."""

import asyncio

from sqlalchemy import text

from app.core.db import Database

WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


async def until_waiting(database: Database, people: int, within: float = 30) -> None:
    """So many transactions of this database wait for what another one holds. TimeoutError when they never do."""
    async with asyncio.timeout(within):
        while True:
            async with database.work() as db:  # within one transaction the answer never changes
                if (await db.scalar(WAITING) or 0) >= people:
                    return
            await asyncio.sleep(0.01)
