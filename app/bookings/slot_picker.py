"""Seven days of free starts, as a form offers them."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.catalog.service import Service
from app.core import clock
from app.scheduling.candidates import WEEK_DAYS, week
from app.scheduling.slots import Offered

NOON, EVENING = 12, 17
VALUE = "%Y-%m-%dT%H:%M"


@dataclass(frozen=True, slots=True)
class Moved:
    """A service as it was agreed for one booking: its minutes, the catalogue's notice and horizon."""

    id: int
    minutes: int
    notice_minutes: int
    horizon_days: int


@dataclass(frozen=True, slots=True)
class PickDay:
    day: date
    parts: list[tuple[str, list[datetime]]]

    @property
    def is_free(self) -> bool:
        return bool(self.parts)


@dataclass(frozen=True, slots=True)
class Picker:
    """`shown` is the index of the open day, `chosen` the value of the start that is picked."""

    days: list[PickDay]
    shown: int
    chosen: str
    earlier: date | None
    later: date | None

    @property
    def any_free(self) -> bool:
        return any(day.is_free for day in self.days)


async def picker(
    db: AsyncSession,
    service: Offered,
    pincode: str,
    first_day: date,
    *,
    professional_id: int | None = None,
    start: datetime | None = None,
    ignoring: int | None = None,
    pick_first: bool = False,
) -> Picker:
    """`pick_first`: the earliest free start is picked already."""
    found = await week(db, service, pincode, first_day, professional_id=professional_id, ignoring=ignoring)
    days = [PickDay(one.day, parts_of(one.starts)) for one in found.days]
    free = [moment for one in found.days for moment in one.starts]
    chosen = start if start in free else free[0] if pick_first and free else None
    day = (chosen or (free[0] if free else None)) if chosen or free else None
    shown = next((index for index, one in enumerate(days) if day and one.day == day.date()), 0)
    return Picker(days, shown, chosen.strftime(VALUE) if chosen else "", *_around(first_day, service))


def agreed(booking: Booking, service: Service) -> Moved:
    return Moved(service.id, booking.minutes, service.notice_minutes, service.horizon_days)


def day_of(text: str) -> date:
    """The first of seven days; today where it says nothing that can be read."""
    try:
        day = date.fromisoformat(text) if len(text) == 10 else clock.today()
    except ValueError:
        return clock.today()
    return min(max(day, clock.today()), clock.today() + timedelta(days=60))


def parts_of(starts: list[datetime]) -> list[tuple[str, list[datetime]]]:
    """Morning before noon, afternoon, evening from five on; empty ones left out."""
    sorted_in: dict[str, list[datetime]] = {"morning": [], "afternoon": [], "evening": []}
    for start in starts:
        part = "morning" if start.hour < NOON else "afternoon" if start.hour < EVENING else "evening"
        sorted_in[part].append(start)
    return [(part, times) for part, times in sorted_in.items() if times]


def _around(first_day: date, service: Offered) -> tuple[date | None, date | None]:
    today, after = clock.today(), first_day + timedelta(days=WEEK_DAYS)
    earlier = max(first_day - timedelta(days=WEEK_DAYS), today) if first_day > today else None
    return earlier, after if after < today + timedelta(days=service.horizon_days) else None
