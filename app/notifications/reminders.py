"""Reminders: each evening of offers and tomorrow's jobs, and a day and two hours before a job to both sides (T0-24).

Each is checked again when it is rendered: nothing is sent of what was cancelled, moved or reassigned meanwhile.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.paging import AnyRow
from app.notifications.notification import Notification, notify_many
from app.notifications.reminder_repository import ReminderQueries

BATCH_SIZE = 200
MAX_DELAY = timedelta(hours=4)  # an evening's reminder is of no use later
LEAD_TIMES = (timedelta(hours=24), timedelta(hours=2))
RUN_OVERLAP = timedelta(minutes=10)  # for acceptances that were not committed yet, and for clocks that differ
Position = tuple[datetime, int]  # start and id of the last job that was looked at


async def remind_evening(db: AsyncSession, tick: datetime, after: int) -> int | None:
    """Remind the next batch of professionals by id; return the last id, None at the end."""
    now = clock.now()
    if now > tick + MAX_DELAY:
        return None
    tomorrow = tick.astimezone(clock.IST).date() + timedelta(days=1)
    since, until = clock.at(tomorrow), clock.at(tomorrow + timedelta(days=1))
    user_ids = await ReminderQueries(db).with_jobs_or_offers(since, until, now, after, BATCH_SIZE)
    day = tomorrow.isoformat()
    await notify_many(
        db, (Notification("evening", user_id, {"day": day}, f"evening:{day}:{user_id}", now) for user_id in user_ids)
    )
    return user_ids[-1] if user_ids else None


def first_position(lead_time: timedelta, last_run: datetime | None) -> Position:
    """Where to begin: behind the jobs that the last finished run had before it; without one, with the next job."""
    now = clock.now()
    return (now if last_run is None else max(now, last_run - RUN_OVERLAP + lead_time)), 0


async def remind_before(db: AsyncSession, lead_time: timedelta, position: Position) -> tuple[int, Position | None]:
    """Remind both sides of the next jobs that start within the lead time and were accepted before it.

    Return how many reminders are new and the position of the next batch, None at the end. A job comes within its lead
    time after it was accepted, so that none is missed when each run begins where the last one had looked.
    """
    now = clock.now()
    jobs = await ReminderQueries(db).starting(position, now + lead_time, lead_time, BATCH_SIZE)
    count = await notify_many(db, (reminder for row in jobs for reminder in _both_sides(row, lead_time, now)))
    return count, (jobs[-1].starts_at, jobs[-1].id) if jobs else None


def _both_sides(row: AnyRow, lead_time: timedelta, now: datetime) -> Iterator[Notification]:
    hours = int(lead_time.total_seconds() // 3600)
    data = {"booking": row.reference, "starts_at": row.starts_at.isoformat(), "hours": hours}
    sides = [("booking_soon", row.customer_id), ("job_soon", row.professional_id)]
    if row.has_contact:
        sides.append(("contact_reminder", row.customer_id))
    for kind, user_id in sides:
        key = f"{kind}:{hours}:{row.reference}:{row.starts_at.isoformat()}:{user_id}"
        yield Notification(kind, user_id, {**data, "professional_id": row.professional_id}, key, now)
