"""Muted topics and quiet hours of a person."""

from collections.abc import Collection

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.notifications.preference import MutedTopic, NotificationPreferences, QuietHours


class PreferenceRepository:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def of(self, user_id: int) -> NotificationPreferences:
        muted = await self._db.execute(
            select(MutedTopic.topic, MutedTopic.channel).where(MutedTopic.user_id == user_id)
        )
        quiet = await self._db.get(QuietHours, user_id)
        return NotificationPreferences(
            frozenset((row.topic, row.channel) for row in muted), (quiet.since, quiet.until) if quiet else None
        )

    async def mute(self, user_id: int, topic: str, channel: str) -> None:
        await self._db.execute(
            insert(MutedTopic).values(user_id=user_id, topic=topic, channel=channel).on_conflict_do_nothing()
        )

    async def replace(self, user_id: int, muted: Collection[tuple[str, str]], quiet: tuple[int, int] | None) -> None:
        """Replace everything stored. The caller has locked the user's row."""
        await self._db.execute(delete(MutedTopic).where(MutedTopic.user_id == user_id))
        await self._db.execute(delete(QuietHours).where(QuietHours.user_id == user_id))
        self._db.add_all(MutedTopic(user_id=user_id, topic=topic, channel=channel) for topic, channel in sorted(muted))
        if quiet is not None:
            self._db.add(QuietHours(user_id=user_id, since=quiet[0], until=quiet[1]))
        await self._db.flush()
