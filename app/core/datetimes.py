"""Parsing of dates and times; formatting of them and of durations in the reader's language and in Asia/Kolkata.

Times follow the locale: "4:30 pm" in en_IN, "16:30" where the locale has a 24-hour clock.
"""

import re
from datetime import date, datetime, time
from functools import lru_cache

from babel.dates import format_date, format_time, get_time_format

from app.core import clock, i18n
from app.core.i18n import _
from app.core.typed_text import plain_line

SHORT_DATE_PATTERN, LONG_DATE_PATTERN = "EEE d MMM", "EEEE d MMMM y"
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
HALF_DAY_HOURS = 12
MINUTES_PER_DAY = 24 * 60
MAX_TYPED_LENGTH = 64
YEARS, ALL_YEARS = range(2000, 2101), range(1, 10_000)
ISO_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
INDIAN_DAY = re.compile(r"([0-9]{1,2}) ?[-/.] ?([0-9]{1,2}) ?[-/.] ?([0-9]{4})")
# ISO 8601, as JavaScript's Date and others write it.
MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)?"
)
SPACE_FOR_PLUS = re.compile(r" (?=[0-9]{2}(:?[0-9]{2})?$)")
CLOCK_TIME = re.compile(r"([0-9]{1,2})[:.]([0-9]{2})(?::00)?(?: ?([ap])\.?m\.?)?", re.IGNORECASE)


def parse_moment(typed: str) -> datetime | None:
    """ "2026-11-24T10:00" in Asia/Kolkata, or with an offset; aware, in Asia/Kolkata. None: not readable."""
    # In a query string a plus sign arrives as a blank.
    text = SPACE_FOR_PLUS.sub("+", plain_line(typed[:MAX_TYPED_LENGTH]))
    try:
        moment = datetime.fromisoformat(text.upper()) if MOMENT.fullmatch(text) else None
    except ValueError:
        return None
    if moment is None:
        return None
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=clock.IST)).astimezone(clock.IST)
    except OverflowError:
        return None


def parse_day(typed: str, years: range = ALL_YEARS) -> date | None:
    """ "2026-11-24", or as people in India write it, 24/11/2026, 24-11-2026 or 24.11.2026."""
    text = plain_line(typed[:MAX_TYPED_LENGTH])
    if match := ISO_DAY.fullmatch(text):
        year, month, day = map(int, match.groups())
    elif match := INDIAN_DAY.fullmatch(text):
        day, month, year = map(int, match.groups())
    else:
        return None
    try:
        return date(year, month, day) if year in years else None
    except ValueError:
        return None


def parse_clock_time(typed: str) -> int | None:
    """Minutes after midnight of "16:30", "4.30 pm" or "24:00"; None: not readable."""
    match = CLOCK_TIME.fullmatch(plain_line(typed[:MAX_TYPED_LENGTH]))
    if match is None:
        return None
    hours, minutes = int(match[1]), int(match[2])
    if match[3]:
        if not 1 <= hours <= HALF_DAY_HOURS:
            return None
        hours = hours % HALF_DAY_HOURS + (HALF_DAY_HOURS if match[3].lower() == "p" else 0)
    total = hours * 60 + minutes
    return total if minutes < 60 and total <= MINUTES_PER_DAY else None


def format_datetime(moment: datetime) -> str:
    """Format as "Tue 24 Nov, 10:00 am"."""
    return f"{format_day(moment)}, {format_clock_time(moment)}"


def format_datetime_range(start: datetime, end: datetime) -> str:
    """Format as "Tue 24 Nov, 10–11 am"; with both dates when the end is on another day."""
    if to_ist(start).date() == to_ist(end).date():
        return f"{format_day(start)}, {format_clock_range(start, end)}"
    return f"{format_datetime(start)} – {format_datetime(end)}"


def format_day(moment: datetime | date, *, full: bool = False) -> str:
    """Format as "Tue 24 Nov"; with `full`, "Tuesday 24 November 2026"."""
    return format_date_pattern(moment, LONG_DATE_PATTERN if full else SHORT_DATE_PATTERN)


def format_date_pattern(moment: datetime | date, pattern: str) -> str:
    """Format the date by a Babel pattern."""
    date_in_ist = to_ist(moment).date() if isinstance(moment, datetime) else moment
    return _format_date(date_in_ist, pattern, i18n.locale.get())


def format_clock_time(moment: datetime) -> str:
    """Format as "10:00 am" in Asia/Kolkata."""
    local = to_ist(moment)
    return _format_time(local.hour, local.minute, i18n.locale.get())


def format_near_time(moment: datetime) -> str:
    """Format as "10:00 am" today, else as "Tue 24 Nov, 10:00 am"."""
    is_today = to_ist(moment).date() == clock.today()
    return format_clock_time(moment) if is_today else format_datetime(moment)


def format_clock_range(start: datetime, end: datetime) -> str:
    """Format as "10–11 am", "11 am–1 pm" or "4:30–5:30 pm" in Asia/Kolkata; "10:00–11:00" on a 24-hour clock."""
    first, last = to_ist(start), to_ist(end)
    return _format_time_range((first.hour, first.minute), (last.hour, last.minute), i18n.locale.get())


def format_time_input(minutes: int) -> str:
    """Format minutes after midnight as the value of <input type="time">: "16:30", in every locale."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


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
    return _apply_time_pattern(hour, minute, _time_pattern(locale), locale)


@lru_cache(maxsize=4096)
def _format_time_range(start: tuple[int, int], end: tuple[int, int], locale: str) -> str:
    """Leave out the minutes of full hours, and the am or pm that both ends share."""
    pattern = _time_pattern(locale)
    if "a" not in pattern:
        return f"{_format_time(*start, locale)}–{_format_time(*end, locale)}"
    first, last = (pattern if minute else re.sub(r"\Wmm", "", pattern) for _hour, minute in (start, end))
    if start < end and start[0] // HALF_DAY_HOURS == end[0] // HALF_DAY_HOURS:
        if pattern.startswith("a"):
            last = _without_day_period(last)
        else:
            first = _without_day_period(first)
    return f"{_apply_time_pattern(*start, first, locale)}–{_apply_time_pattern(*end, last, locale)}"


def _time_pattern(locale: str) -> str:
    return str(get_time_format("short", locale).pattern)


def _without_day_period(pattern: str) -> str:
    return pattern.replace("a", "").strip()


def _apply_time_pattern(hour: int, minute: int, pattern: str, locale: str) -> str:
    """Apply a Babel pattern; every space in it becomes a no-break space."""
    return NO_BREAK_SPACE.join(str(format_time(time(hour, minute), pattern, locale=locale)).split())
