"""Telling many people at once, by tasks: each of them once, however often the task is begun."""

from collections.abc import Iterable

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.events import nudge
from app.kit.queue import MAIL, later
from app.kit.rows import Base
from app.notifications.channels.inbox import TOPIC
from app.notifications.told import Told
from app.notifications.ways import CHANNELS


async def tell_all(db: AsyncSession, everybody: Iterable[Told]) -> int:
    """How many were not told before."""
    fresh = 0
    for told in everybody:
        written = [await _write(db, row) for channel in CHANNELS for row in channel.rows(told)]
        if any(written):
            nudge(db, f"user:{told.recipient_id}", TOPIC)
            fresh += 1
    if fresh:
        later(db, "drain_outbox", queue=MAIL)
    return fresh


async def _write(db: AsyncSession, row: Base) -> bool:
    """False when its key stands there already."""
    table = type(row).__table__
    values = {column.name: getattr(row, column.key) for column in table.columns if getattr(row, column.key) is not None}
    made = insert(type(row)).values(**values).on_conflict_do_nothing(index_elements=["dedupe_key"])
    return (await db.execute(made.returning(table.c.id))).scalar_one_or_none() is not None
