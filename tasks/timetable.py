"""When each task runs, in one table; times in Asia/Kolkata."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from app.core.schedule import ScheduledTask, Timetable
from tasks.accounts import prune_keys, prune_sessions
from tasks.blocking import prune_appeals
from tasks.bookings import (
    cancel_unfilled_bookings,
    close_old_bookings,
    complete_overdue_jobs,
    count_bookings,
    end_priority_offers,
    erase_old_contacts,
    expire_holds,
)
from tasks.cases import prune_cases
from tasks.context import Context
from tasks.exports import expire_exports, requeue_stale_exports
from tasks.messages import prune_messages
from tasks.notifications import (
    DELIVERY_TASKS,
    send_evening_reminders,
    send_job_reminders,
    send_offer_waves,
    send_room_digest,
)
from tasks.operations import prune_runs, sweep_files
from tasks.payments import count_ledger, prune_saved_methods, release_payouts, run_payouts
from tasks.reports import send_monthly_reports
from tasks.reviews import prune_reports
from tasks.scheduler import run_tick
from tasks.scheduling import prune_offered_hours
from tasks.vetting import warn_of_expiry

TIMETABLE = Timetable(
    ScheduledTask("* * * * *", expire_holds),
    ScheduledTask("* * * * *", cancel_unfilled_bookings),
    ScheduledTask("* * * * *", end_priority_offers),
    ScheduledTask("* * * * *", send_offer_waves),
    ScheduledTask("*/5 * * * *", complete_overdue_jobs),
    ScheduledTask("5 * * * *", count_bookings),
    ScheduledTask("8 * * * *", count_ledger),
    ScheduledTask("10 * * * *", close_old_bookings),
    ScheduledTask("20 * * * *", release_payouts),
    ScheduledTask("0 6 * * 1", run_payouts, catch_up=timedelta(days=6)),
    ScheduledTask("0 8 * * *", warn_of_expiry),
    ScheduledTask("15 * * * *", sweep_files),
    ScheduledTask("0 18 * * *", send_evening_reminders, catch_up=timedelta(hours=4)),
    ScheduledTask("0 18 * * *", send_room_digest, catch_up=timedelta(hours=4)),
    ScheduledTask("*/5 * * * *", send_job_reminders),
    ScheduledTask("0 8 1 * *", send_monthly_reports, catch_up=timedelta(days=40)),
    ScheduledTask("25 * * * *", expire_exports),
    ScheduledTask("30 3 * * *", prune_sessions),
    ScheduledTask("40 3 * * *", prune_keys),
    ScheduledTask("50 3 * * *", prune_runs),
    ScheduledTask("10 4 * * *", prune_offered_hours),
    ScheduledTask("20 4 * * *", erase_old_contacts),
    ScheduledTask("30 4 * * *", prune_saved_methods),
    ScheduledTask("40 4 * * *", prune_appeals),
    ScheduledTask("45 4 * * *", prune_cases),
    ScheduledTask("50 4 * * *", prune_reports),
    ScheduledTask("0 5 * * *", prune_messages),
)

# Polled every second, with or without Redis, each in a loop of its own: a slow mail server delays nothing else.
POLLED: tuple[Callable[[Context], Awaitable[object]], ...] = (
    *DELIVERY_TASKS.values(),
    requeue_stale_exports,
)


async def run_due_task(ctx: Context, *, name: str, moment: str) -> None:
    """Run one tick of the timetable, queued by the scheduler of any worker."""
    await run_tick(ctx, TIMETABLE, (name, datetime.fromisoformat(moment)))
