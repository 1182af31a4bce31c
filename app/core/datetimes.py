"""Times and lengths as people write them here, in their language and in Asia/Kolkata."""

from datetime import date, datetime, time
from functools import lru_cache

from babel.dates import format_date, format_time

from app.core import clock, i18n
from app.core.i18n import _

SHORT, LONG = "EEE d MMM", "EEEE d MMMM y"


def when(moment: datetime) -> str:
    """Tue 24 Nov, 10:00."""
    return f"{day(moment)}, {clock_time(moment)}"


def day(moment: datetime | date, *, full: bool = False) -> str:
    """Tue 24 Nov; with `full`, Tuesday 24 November 2026."""
    return written(moment, LONG if full else SHORT)


def written(moment: datetime | date, pattern: str) -> str:
    """The day, by a pattern of Babel's."""
    there = here(moment).date() if isinstance(moment, datetime) else moment
    return _day(there, pattern, i18n.locale.get())


def clock_time(moment: datetime) -> str:
    """10:00, in Asia/Kolkata."""
    there = here(moment)
    return _clock_time(there.hour, there.minute, i18n.locale.get())


def minutes_long(minutes: int) -> str:
    """45 min, 1 h, 1 h 30 min."""
    hours, rest = divmod(minutes, 60)
    parts = [_("%(n)s h", n=hours)] if hours else []
    return " ".join([*parts, _("%(n)s min", n=rest)] if rest or not hours else parts)


def here(moment: datetime) -> datetime:
    return moment.astimezone(clock.IST)


@lru_cache(maxsize=1024)
def _day(there: date, pattern: str, locale: str) -> str:
    return str(format_date(there, pattern, locale))


@lru_cache(maxsize=4096)
def _clock_time(hour: int, minute: int, locale: str) -> str:
    return str(format_time(time(hour, minute), "HH:mm", locale=locale))
