"""Deliver the rows of the outbox, channel by channel; write reminders into it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import app.listeners  # noqa: F401  registers the channels of higher rooms
from app.core import clock
from app.core.schedule import ScheduleRuns
from app.notifications import offer_waves, reminders
from app.notifications.channel import Channel, all_channels
from app.notifications.channels.google_chat.transport import add_digest
from tasks.context import Context, repeat_until_done, unit_of_work

Task = Callable[[Context], Awaitable[int]]


def _delivery_task(channel: Channel) -> Task:
    async def deliver(ctx: Context) -> int:
        return await channel.deliver(ctx["services"])

    deliver.__name__ = deliver.__qualname__ = channel.task
    deliver.__doc__ = f"Deliver the outbox rows of the channel {channel.name}."
    return deliver


# One for each channel, so that a slow server delays no other channel.
DELIVERY_TASKS: dict[str, Task] = {channel.task: _delivery_task(channel) for channel in all_channels() if channel.task}
drain_outbox = DELIVERY_TASKS["drain_outbox"]  # emails; also woken by every commit of outbox rows


async def send_offer_waves(ctx: Context) -> int:
    """Wave by wave, each in a transaction of its own, so that a crash repeats no notification."""
    return await repeat_until_done(ctx, offer_waves.send_next_wave)


async def send_evening_reminders(ctx: Context) -> int:
    """Batch by batch, each in a transaction of its own, so that a crash repeats no reminder."""
    last, batches = 0, 0
    while True:
        async with unit_of_work(ctx) as db:
            reached = await reminders.remind_evening(db, ctx["tick"], last)
        if reached is None:
            return batches
        last, batches = reached, batches + 1


async def send_room_digest(ctx: Context) -> bool:
    """Write tomorrow's digest for the admins' room, where there is one and the setting says so."""
    settings = ctx["services"].settings
    if settings.google_chat_webhook_url is None or not settings.google_chat_digest:
        return False
    async with unit_of_work(ctx) as db:
        return await add_digest(db, ctx["tick"].astimezone(clock.IST).date() + timedelta(days=1))


async def send_job_reminders(ctx: Context) -> int:
    """From where the last finished run had looked; batch by batch, as above."""
    count = 0
    async with unit_of_work(ctx) as db:
        last_run = await ScheduleRuns(db).last_finished(send_job_reminders.__qualname__)
    for lead_time in reminders.LEAD_TIMES:
        position: reminders.Position | None = reminders.first_position(lead_time, last_run)
        while position is not None:
            async with unit_of_work(ctx) as db:
                sent, position = await reminders.remind_before(db, lead_time, position)
            count += sent
    return count
