"""The only clock: everything that asks for the time asks here, so that tests can stop it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

IST = ZoneInfo("Asia/Kolkata")

_stopped_at: datetime | None = None


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return _stopped_at or datetime.now(UTC)


def today() -> date:
    """The day in Asia/Kolkata: days and months are India's wherever the server stands (W20)."""
    return now().astimezone(IST).date()


def at(day: date, minute: int = 0) -> datetime:
    """The moment `minute` minutes after midnight of `day` in Asia/Kolkata."""
    return datetime.combine(day, time(), IST) + timedelta(minutes=minute)


@contextmanager
def stopped(moment: datetime) -> Iterator[None]:
    """For tests: time stands still at `moment` (aware) inside the block."""
    global _stopped_at
    before, _stopped_at = _stopped_at, moment.astimezone(UTC)
    try:
        yield
    finally:
        _stopped_at = before
