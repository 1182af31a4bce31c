"""Every task by name, and the timetable in product words (Asia/Kolkata)."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

from app.core.queue import CLOCK, EXPORTS, MAIL
from tasks.clock import Line, Task, run_tick
from tasks.context import Context
from tasks.exports import build_export, expire_exports, take_up_exports
from tasks.notifications import drain_outbox, drain_room, drain_webhooks
from tasks.reminders import remind_before_jobs, remind_in_the_evening
from tasks.reports import send_monthly_reports
from tasks.upkeep import (
    ask_the_others,
    close_old_bookings,
    complete_left_running,
    free_payouts,
    give_up_unfilled,
    lapse_holds,
    prune_keys,
    prune_runs,
    prune_sessions,
)
from tasks.vetting import sweep_files, warn_of_expiry

TIMETABLE: tuple[Line, ...] = (
    Line("* * * * *", lapse_holds),
    Line("* * * * *", give_up_unfilled),
    Line("* * * * *", ask_the_others),
    Line("*/5 * * * *", complete_left_running),
    Line("10 * * * *", close_old_bookings),
    Line("20 * * * *", free_payouts),
    Line("0 8 * * *", warn_of_expiry),
    Line("15 * * * *", sweep_files),
    Line("0 18 * * *", remind_in_the_evening, catch_up=timedelta(hours=4)),
    Line("*/5 * * * *", remind_before_jobs),
    Line("0 8 1 * *", send_monthly_reports, catch_up=timedelta(days=40)),
    Line("25 * * * *", expire_exports),
    Line("30 3 * * *", prune_sessions),
    Line("40 3 * * *", prune_keys),
    Line("50 3 * * *", prune_runs),
)


async def run_due_task(ctx: Context, *, name: str, moment: str) -> None:
    """One tick of the timetable, handed over by the clock of some worker."""
    await run_tick(ctx, TIMETABLE, (name, datetime.fromisoformat(moment)))


# What each queue's worker knows, and how many it works on at once.
QUEUES: Mapping[str, tuple[tuple[Callable[..., Awaitable[object]], ...], int]] = {
    CLOCK: ((run_due_task,), 4),
    MAIL: ((drain_outbox,), 1),
    EXPORTS: ((build_export,), 2),
}

# Every second, with or without Redis, each by itself: a mail server that stalls holds up no clock.
PULSE: tuple[Task, ...] = (drain_outbox, drain_room, drain_webhooks, take_up_exports)
TASKS = (*(task for tasks, _at_once in QUEUES.values() for task in tasks), drain_room, drain_webhooks, take_up_exports)
