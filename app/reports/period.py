"""The days of a report, the period before for comparison, and the steps of the charts; all in Asia/Kolkata (W20)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.core import clock
from app.core.datetimes import YEARS, parse_day
from app.core.errors import Invalid
from app.core.i18n import _

WEEKS = {"week": 1, "4": 4, "12": 12, "52": 52}
DEFAULT_PERIOD = "12"
DAY, WEEK = timedelta(days=1), timedelta(days=7)
MAX_DAYS = 3_660  # ten years
# The longest periods, in days, whose charts have a bar per day, week and month.
MAX_DAYS_BY_DAY, MAX_DAYS_BY_WEEK, MAX_DAYS_BY_MONTH = 31, 371, 1_500


@dataclass(frozen=True, slots=True)
class Period:
    """From midnight of `first` to the end of `last`. `name` is the query value: week, 12, 2026-11, days."""

    name: str
    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def before(self) -> "Period":
        """The period of equal length right before; for a whole month the whole month before."""
        last = self.first - DAY
        whole = self.first.day == 1 and (self.last + DAY).day == 1 and self.days <= 31
        return Period("days", last.replace(day=1) if whole else self.first - timedelta(days=self.days), last)

    @property
    def step(self) -> str:
        """What one bar covers: day, week, month, year."""
        for max_days, name in ((MAX_DAYS_BY_DAY, "day"), (MAX_DAYS_BY_WEEK, "week"), (MAX_DAYS_BY_MONTH, "month")):
            if self.days <= max_days:
                return name
        return "year"

    @property
    def starts(self) -> list[date]:
        """The first day of each bar: the period's own, then Mondays or first days of months or years."""
        found, following = [self.first], NEXT_STEP[self.step]
        while (after := following(found[-1])) <= self.last:
            found.append(after)
        return found

    @property
    def bounds(self) -> list[datetime]:
        """The bounds of the bars; the first bar is the whole period before, the last bound is the end."""
        days = [self.before.first, *self.starts, self.last + DAY]
        return [clock.at(day) for day in days]


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


NEXT_STEP: Mapping[str, Callable[[date], date]] = {
    "day": lambda day: day + DAY,
    "week": lambda day: day - timedelta(days=day.weekday()) + WEEK,
    "month": _next_month,
    "year": lambda day: date(day.year + 1, 1, 1),
}


def parse_period(name: str, first: str = "", last: str = "") -> Period:
    """Read the period from the query. Raises Invalid with `from` or `to` for wrong or reversed days."""
    today = clock.today()
    if name == "days" or (not name and (first or last)):
        return _parse_span(first, last, today)
    if month := parse_day(f"{name}-01", YEARS):
        return Period(name, month, _next_month(month) - DAY)
    name = name if name in WEEKS else DEFAULT_PERIOD
    sunday = today - timedelta(days=today.weekday()) + WEEK - DAY
    return Period(name, sunday - WEEK * WEEKS[name] + DAY, sunday)


def recent_months(count: int = 12) -> list[date]:
    """List the first days of the last `count` months, the current one first."""
    found = [clock.today().replace(day=1)]
    while len(found) < count:
        found.append((found[-1] - DAY).replace(day=1))
    return found


def _parse_span(first: str, last: str, today: date) -> Period:
    begins, ends = parse_day(first, YEARS) if first else None, parse_day(last, YEARS) if last else None
    if not last:
        ends = max(begins or today, today)
    if not first:
        begins = min(ends or today, today)
    errors = {
        name: _("Enter a date, such as 2026-11-24.")
        for name, day in (("from", begins), ("to", ends))
        if day is None or not 2000 <= day.year <= 2100
    }
    if errors or begins is None or ends is None:
        raise Invalid(errors)
    if ends < begins:
        raise Invalid({"to": _("The last day is before the first day.")})
    if (ends - begins).days >= MAX_DAYS:
        raise Invalid({"to": _("Choose a period of 10 years or less.")})
    return Period("days", begins, ends)
