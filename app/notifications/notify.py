"""Telling many people at once, by tasks: each of them once, however often the task is begun."""

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import nudge
from app.core.queue import MAIL, later
from app.notifications.channel_registry import CHANNELS
from app.notifications.channels.inbox import TOPIC
from app.notifications.notification import Told
from app.notifications.repository import Mails


async def tell_all(db: AsyncSession, everybody: Iterable[Told]) -> int:
    """How many were not told before."""
    fresh = 0
    for told in everybody:
        written = [await Mails(db).once(row) for channel in CHANNELS for row in channel.rows(told)]
        if any(written):
            nudge(db, f"user:{told.recipient_id}", TOPIC)
            fresh += 1
    if fresh:
        later(db, "drain_outbox", queue=MAIL)
    return fresh
