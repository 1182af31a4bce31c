"""The circuit breakers of channels, shared by all workers."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.paging import AnyRow
from app.notifications.channel import ChannelState

MAX_FAILURES, FAILURE_WINDOW = 10, timedelta(hours=1)
DISABLED_FOR = timedelta(days=1)


class ChannelStates:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def is_open(self, channel: str, now: datetime) -> bool:
        """Whether the channel is neither paused nor disabled; after DISABLED_FOR one message is tried."""
        state = await self._db.get(ChannelState, channel)
        if state is None:
            return True
        disabled = state.disabled_at is not None and now < state.disabled_at + DISABLED_FOR
        return not disabled and (state.wait_until is None or state.wait_until <= now)

    async def of(self, channels: Collection[str]) -> dict[str, ChannelState]:
        """States by channel; a channel that never failed has none."""
        query = select(ChannelState).where(ChannelState.channel.in_(channels))
        return {state.channel: state for state in await self._db.scalars(query)}

    async def disabled(self) -> Sequence[AnyRow]:
        """The channels that were switched off after too many failures (one message is tried a day later)."""
        columns = ChannelState.channel, ChannelState.disabled_at, ChannelState.last_error
        return (await self._db.execute(select(*columns).where(ChannelState.disabled_at.is_not(None)))).all()

    async def record_success(self, channel: str) -> None:
        state = await self._locked(channel)
        state.failures, state.counted_since, state.last_error = 0, None, ""
        state.wait_until = state.disabled_at = None

    async def switch_on(self, channel: str) -> bool:
        """Enable the channel; False when it was not disabled."""
        state = await self._locked(channel)
        was_disabled, state.disabled_at, state.failures, state.counted_since = (
            state.disabled_at is not None,
            None,
            0,
            None,
        )
        return was_disabled

    async def pause_until(self, channel: str, until: datetime, error: str) -> None:
        """Pause as the server asked; this is no failure."""
        state = await self._locked(channel)
        state.wait_until, state.last_error = until, error

    async def record_failure(self, channel: str, now: datetime, error: str) -> bool:
        """Count a failure; True when it disables the channel."""
        state = await self._locked(channel)
        if state.counted_since is None or now > state.counted_since + FAILURE_WINDOW:
            state.failures, state.counted_since = 0, now
        state.failures, state.last_error = state.failures + 1, error
        if state.disabled_at is not None and now < state.disabled_at + DISABLED_FOR:  # another worker disabled it
            return False
        if state.disabled_at is None and state.failures < MAX_FAILURES:
            return False
        state.disabled_at = now
        return True

    async def _locked(self, channel: str) -> ChannelState:
        await self._db.execute(insert(ChannelState).values(channel=channel).on_conflict_do_nothing())
        query = select(ChannelState).where(ChannelState.channel == channel).with_for_update()
        return (await self._db.scalars(query.execution_options(populate_existing=True))).one()
