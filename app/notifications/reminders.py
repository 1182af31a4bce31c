"""Reminders: each evening what waits and what comes tomorrow, a day and two hours before a job to both sides (T0-24).

What is told is read again when it goes out: nothing for what was cancelled, moved or taken by somebody else.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.keyset import AnyRow
from app.notifications.notification import Told
from app.notifications.notify import tell_all
from app.notifications.reminder_repository import Remindable

AT_ONCE = 200
LATEST = timedelta(hours=4)  # an evening's reminder that could not go out by then is of no use any more
BEFORE = (timedelta(hours=24), timedelta(hours=2))


async def remind_evening(db: AsyncSession, tick: datetime, after: int) -> int | None:
    """A portion of those who have something to do tomorrow or now; the number of the last one, None at the end."""
    now = clock.now()
    if now > tick + LATEST:
        return None
    tomorrow = tick.astimezone(clock.IST).date() + timedelta(days=1)
    since, until = clock.at(tomorrow), clock.at(tomorrow + timedelta(days=1))
    found = await Remindable(db).working(since, until, now, after, AT_ONCE)
    day = tomorrow.isoformat()
    await tell_all(db, (Told("evening", one, {"day": day}, f"evening:{day}:{one}", now) for one in found))
    return found[-1] if found else None


async def remind_before(db: AsyncSession) -> int:
    """A day and two hours before; who accepted later than that was told then."""
    now = clock.now()
    told = 0
    for within in BEFORE:
        for row in await Remindable(db).starting(now, within):
            told += await tell_all(db, _both(row, within, now))
    return told


def _both(row: AnyRow, within: timedelta, now: datetime) -> Iterator[Told]:
    hours = int(within.total_seconds() // 3600)
    data = {"booking": row.reference, "starts_at": row.starts_at.isoformat(), "hours": hours}
    for kind, whose in (("booking_soon", row.customer_id), ("job_soon", row.professional_id)):
        key = f"{kind}:{hours}:{row.reference}:{row.starts_at.isoformat()}:{whose}"
        yield Told(kind, whose, {**data, "professional_id": row.professional_id}, key, now)
