"""Reminders: each evening of offers and tomorrow's jobs, and a day and two hours before a job to both sides (T0-24).

Each is checked again when it is rendered: nothing is sent of what was cancelled, moved or reassigned meanwhile.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.repository import Bookings
from app.core import clock
from app.core.paging import AnyRow
from app.notifications.notification import Notification, notify_many
from app.notifications.reminder_repository import ReminderQueries

BATCH_SIZE = 200
MAX_DELAY = timedelta(hours=4)  # an evening's reminder is of no use later
LEAD_TIMES = (timedelta(hours=24), timedelta(hours=2))


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


async def remind_before(db: AsyncSession) -> int:
    """Send the reminders due 1 day and 2 hours before a job; skip jobs accepted after that time."""
    now = clock.now()
    count = 0
    for lead_time in LEAD_TIMES:
        for row in await Bookings(db).starting_within(now, lead_time):
            count += await notify_many(db, _both_sides(row, lead_time, now))
    return count


def _both_sides(row: AnyRow, lead_time: timedelta, now: datetime) -> Iterator[Notification]:
    hours = int(lead_time.total_seconds() // 3600)
    data = {"booking": row.reference, "starts_at": row.starts_at.isoformat(), "hours": hours}
    for kind, user_id in (("booking_soon", row.customer_id), ("job_soon", row.professional_id)):
        key = f"{kind}:{hours}:{row.reference}:{row.starts_at.isoformat()}:{user_id}"
        yield Notification(kind, user_id, {**data, "professional_id": row.professional_id}, key, now)
