"""The application's only clock, so that tests can freeze it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

IST = ZoneInfo("Asia/Kolkata")

_frozen_at: datetime | None = None


def now() -> datetime:
    """Return the current time, aware, in UTC."""
    return _frozen_at or datetime.now(UTC)


def today() -> date:
    """Return the current date in Asia/Kolkata, regardless of the server's time zone (W20)."""
    return now().astimezone(IST).date()


def at(day: date, minute: int = 0) -> datetime:
    """Return the time `minute` minutes after midnight of `day` in Asia/Kolkata."""
    return datetime.combine(day, time(), IST) + timedelta(minutes=minute)


@contextmanager
def freeze(moment: datetime) -> Iterator[None]:
    """Freeze the clock at `moment` (aware) inside the block; for tests."""
    global _frozen_at
    before, _frozen_at = _frozen_at, moment.astimezone(UTC)
    try:
        yield
    finally:
        _frozen_at = before
