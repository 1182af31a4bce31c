"""The slot picker: seven days of free starts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.catalog.service import Service
from app.core import clock
from app.core.datetimes import parse_day
from app.scheduling.slot_search import WEEK_DAYS, find_week, nearest_starts
from app.scheduling.slots import BookableService, Day

NOON_HOUR, EVENING_HOUR = 12, 17
DAYTIME_HOURS = range(7, 21)  # hours of starts that may be preselected
MAX_SUGGESTIONS = 3
VALUE_FORMAT = "%Y-%m-%dT%H:%M"


@dataclass(frozen=True, slots=True)
class AgreedService:
    """A service as agreed for one booking: its own minutes, the catalog's notice and horizon."""

    id: int
    minutes: int
    notice_minutes: int
    horizon_days: int


@dataclass(frozen=True, slots=True)
class PickerDay:
    day: date
    parts: list[tuple[str, list[datetime]]]

    @property
    def is_free(self) -> bool:
        return bool(self.parts)


@dataclass(frozen=True, slots=True)
class SlotPicker:
    """`open_day` is the index of the expanded day, `selected_start` the form value of the selected start."""

    days: list[PickerDay]
    open_day: int
    selected_start: str
    earlier: date | None
    later: date | None

    @property
    def any_free(self) -> bool:
        return any(day.is_free for day in self.days)


async def load_slot_picker(
    db: AsyncSession,
    service: BookableService,
    pincode: str,
    first_day: date,
    *,
    customer_id: int,
    professional_id: int | None = None,
    start: datetime | None = None,
    ignoring: int | None = None,
    pick_first: bool = False,
    usual_time: time | None = None,
) -> SlotPicker:
    """`pick_first`: select the earliest free start at the `usual_time` of the customer, else by day; none at night."""
    week = await find_week(
        db,
        service,
        pincode,
        first_day,
        customer_id=customer_id,
        professional_id=professional_id,
        ignoring=ignoring,
    )
    days = picker_days(week.days)
    free_starts = [free_start for day in week.days for free_start in day.starts]
    chosen = start if start in free_starts else usual_start(free_starts, usual_time) if pick_first else None
    first = chosen or (free_starts[0] if free_starts else None)
    shown = next((index for index, day in enumerate(days) if first and day.day == first.date()), 0)
    value = chosen.strftime(VALUE_FORMAT) if chosen else ""
    return SlotPicker(days, shown, value, *_neighbouring_weeks(first_day, service))


async def nearest_free_starts(
    db: AsyncSession, service_id: int, pincode: str, start: datetime, *, customer_id: int, limit: int = MAX_SUGGESTIONS
) -> list[datetime]:
    """Free starts for the customer, the next after `start` first; none of a service that is no longer offered (W9)."""
    service = await db.get(Service, service_id)
    if service is None or service.retired_at is not None:
        return []
    return await nearest_starts(db, service, pincode, start, customer_id=customer_id, limit=limit)


def usual_start(free_starts: Sequence[datetime], usual_time: time | None = None) -> datetime | None:
    """The earliest free start at the customer's usual time, else by day; none at night."""
    by_day = [start for start in free_starts if start.hour in DAYTIME_HOURS]
    usual = [start for start in free_starts if start.time() == usual_time]
    return next(iter(usual or by_day), None)


def picker_days(days: Iterable[Day]) -> list[PickerDay]:
    return [PickerDay(day.day, parts_of(day.starts)) for day in days]


def agreed_service(booking: Booking, service: Service) -> AgreedService:
    return AgreedService(service.id, booking.minutes, service.notice_minutes, service.horizon_days)


def day_of(text: str) -> date:
    """The first of the seven days; today when it cannot be parsed."""
    day = parse_day(text) or clock.today()
    return min(max(day, clock.today()), clock.today() + timedelta(days=60))


def parts_of(starts: list[datetime]) -> list[tuple[str, list[datetime]]]:
    """Morning before noon, afternoon, evening from five on; empty ones left out."""
    sorted_in: dict[str, list[datetime]] = {"morning": [], "afternoon": [], "evening": []}
    for start in starts:
        part = "morning" if start.hour < NOON_HOUR else "afternoon" if start.hour < EVENING_HOUR else "evening"
        sorted_in[part].append(start)
    return [(part, times) for part, times in sorted_in.items() if times]


def _neighbouring_weeks(first_day: date, service: BookableService) -> tuple[date | None, date | None]:
    today, after = clock.today(), first_day + timedelta(days=WEEK_DAYS)
    earlier = max(first_day - timedelta(days=WEEK_DAYS), today) if first_day > today else None
    return earlier, after if after < today + timedelta(days=service.horizon_days) else None
