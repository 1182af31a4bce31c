"""Formatting of dates, times and durations in the reader's language and in Asia/Kolkata."""

from datetime import date, datetime, time
from functools import lru_cache

from babel.dates import format_date, format_time

from app.core import clock, i18n
from app.core.i18n import _

SHORT_DATE_PATTERN, LONG_DATE_PATTERN = "EEE d MMM", "EEEE d MMMM y"


def format_datetime(moment: datetime) -> str:
    """Format as "Tue 24 Nov, 10:00"."""
    return f"{format_day(moment)}, {format_clock_time(moment)}"


def format_day(moment: datetime | date, *, full: bool = False) -> str:
    """Format as "Tue 24 Nov"; with `full`, "Tuesday 24 November 2026"."""
    return format_date_pattern(moment, LONG_DATE_PATTERN if full else SHORT_DATE_PATTERN)


def format_date_pattern(moment: datetime | date, pattern: str) -> str:
    """Format the date by a Babel pattern."""
    date_in_ist = to_ist(moment).date() if isinstance(moment, datetime) else moment
    return _format_date(date_in_ist, pattern, i18n.locale.get())


def format_clock_time(moment: datetime) -> str:
    """Format as "10:00" in Asia/Kolkata."""
    local = to_ist(moment)
    return _format_time(local.hour, local.minute, i18n.locale.get())


def format_duration(minutes: int) -> str:
    """Format as "45 min", "1 h" or "1 h 30 min"."""
    hours, rest = divmod(minutes, 60)
    parts = [_("%(n)s h", n=hours)] if hours else []
    return " ".join([*parts, _("%(n)s min", n=rest)] if rest or not hours else parts)


def to_ist(moment: datetime) -> datetime:
    """Convert an aware time to Asia/Kolkata."""
    return moment.astimezone(clock.IST)


@lru_cache(maxsize=1024)
def _format_date(day: date, pattern: str, locale: str) -> str:
    return str(format_date(day, pattern, locale))


@lru_cache(maxsize=4096)
def _format_time(hour: int, minute: int, locale: str) -> str:
    return str(format_time(time(hour, minute), "HH:mm", locale=locale))
