"""What somebody does not want to hear, and when they want quiet."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.notifications.kinds import Kind
from app.notifications.preference import Muted, QuietHours

DAY = 1440  # minutes


@dataclass(frozen=True, slots=True)
class Wish:
    """`muted` are (topic, channel); `quiet` minutes after midnight from and to, Asia/Kolkata."""

    muted: frozenset[tuple[str, str]]
    quiet: tuple[int, int] | None

    def allows(self, kind: Kind, channel: str) -> bool:
        return (kind.topic, channel) not in self.muted

    def quiet_until(self, now: datetime) -> datetime | None:
        """When the quiet hours that last now are over."""
        if self.quiet is None:
            return None
        here = now.astimezone(clock.IST)
        minute, (since, until) = here.hour * 60 + here.minute, self.quiet
        lasts = since <= minute < until if since < until else minute >= since or minute < until
        if not lasts:
            return None
        return clock.at(here.date() + timedelta(days=minute >= until), until)


class Wishes:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def of(self, user_id: int) -> Wish:
        muted = await self._db.execute(select(Muted.topic, Muted.channel).where(Muted.user_id == user_id))
        quiet = await self._db.get(QuietHours, user_id)
        return Wish(frozenset((row.topic, row.channel) for row in muted), (quiet.since, quiet.until) if quiet else None)

    async def mute(self, user_id: int, topic: str, channel: str) -> None:
        await self._db.execute(
            insert(Muted).values(user_id=user_id, topic=topic, channel=channel).on_conflict_do_nothing()
        )

    async def keep(self, user_id: int, muted: Collection[tuple[str, str]], quiet: tuple[int, int] | None) -> None:
        """This instead of all there was. The person's row is locked by the caller."""
        await self._db.execute(delete(Muted).where(Muted.user_id == user_id))
        await self._db.execute(delete(QuietHours).where(QuietHours.user_id == user_id))
        self._db.add_all(Muted(user_id=user_id, topic=topic, channel=channel) for topic, channel in sorted(muted))
        if quiet is not None:
            self._db.add(QuietHours(user_id=user_id, since=quiet[0], until=quiet[1]))
        await self._db.flush()
