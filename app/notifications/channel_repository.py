"""Whether a channel outside is open, counted over all workers."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.notifications.channel_state import ChannelState

MOST_FAILURES, WITHIN = 10, timedelta(hours=1)
OFF_FOR = timedelta(days=1)


class Channels:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def is_open(self, channel: str, now: datetime) -> bool:
        """Neither asked to wait nor switched off; a day later one message is tried."""
        state = await self._db.get(ChannelState, channel)
        if state is None:
            return True
        off = state.disabled_at is not None and now < state.disabled_at + OFF_FOR
        return not off and (state.wait_until is None or state.wait_until <= now)

    async def worked(self, channel: str) -> None:
        state = await self._locked(channel)
        state.failures, state.counted_since, state.last_error = 0, None, ""
        state.wait_until = state.disabled_at = None

    async def switch_on(self, channel: str) -> bool:
        """By hand; False when it was not off."""
        state = await self._locked(channel)
        was_off, state.disabled_at, state.failures, state.counted_since = state.disabled_at is not None, None, 0, None
        return was_off

    async def asked_to_wait(self, channel: str, until: datetime, why: str) -> None:
        """They told us when to come back: no failure."""
        state = await self._locked(channel)
        state.wait_until, state.last_error = until, why

    async def failed(self, channel: str, now: datetime, why: str) -> bool:
        """True when this was one too many: from now on it is off."""
        state = await self._locked(channel)
        if state.counted_since is None or now > state.counted_since + WITHIN:
            state.failures, state.counted_since = 0, now
        state.failures, state.last_error = state.failures + 1, why
        if state.disabled_at is not None and now < state.disabled_at + OFF_FOR:  # another worker was first
            return False
        if state.disabled_at is None and state.failures < MOST_FAILURES:
            return False
        state.disabled_at = now
        return True

    async def _locked(self, channel: str) -> ChannelState:
        await self._db.execute(insert(ChannelState).values(channel=channel).on_conflict_do_nothing())
        query = select(ChannelState).where(ChannelState.channel == channel).with_for_update()
        return (await self._db.scalars(query.execution_options(populate_existing=True))).one()
