"""The days of a report, those before that it is compared with, and its steps; all in Asia/Kolkata (W20)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.core import clock
from app.core.errors import Invalid
from app.core.i18n import _

WEEKS = {"week": 1, "4": 4, "12": 12, "52": 52}
USUAL = "12"
DAY, WEEK = timedelta(days=1), timedelta(days=7)
LONGEST = 3_660  # days: ten years
# Days that a step of the charts stands for, by the days in all: at most so many.
BY_DAY, BY_WEEK, BY_MONTH = 31, 371, 1_500


@dataclass(frozen=True, slots=True)
class Period:
    """From midnight of `first` to the end of `last`. `name` is what the address says: week, 12, 2026-11, days."""

    name: str
    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def before(self) -> "Period":
        """As many days right before; before a whole month the whole month."""
        last = self.first - DAY
        whole = self.first.day == 1 and (self.last + DAY).day == 1 and self.days <= 31
        return Period("days", last.replace(day=1) if whole else self.first - timedelta(days=self.days), last)

    @property
    def step(self) -> str:
        """What one bar stands for: day, week, month, year."""
        for most, name in ((BY_DAY, "day"), (BY_WEEK, "week"), (BY_MONTH, "month")):
            if self.days <= most:
                return name
        return "year"

    @property
    def starts(self) -> list[date]:
        """The first day of each bar: the period's own, then Mondays, first days of months or of years."""
        found, following = [self.first], STEPS[self.step]
        while (after := following(found[-1])) <= self.last:
            found.append(after)
        return found

    @property
    def bounds(self) -> list[datetime]:
        """The moments between the bars; the first bar is all of the days before, and the last bound is the end."""
        days = [self.before.first, *self.starts, self.last + DAY]
        return [clock.at(one) for one in days]


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


STEPS: Mapping[str, Callable[[date], date]] = {
    "day": lambda day: day + DAY,
    "week": lambda day: day - timedelta(days=day.weekday()) + WEEK,
    "month": _next_month,
    "year": lambda day: date(day.year + 1, 1, 1),
}


def period(name: str, first: str = "", last: str = "") -> Period:
    """What the address asks for. Invalid, with `from` or `to`, when two days are no days or stand the wrong way."""
    today = clock.today()
    if name == "days" or (not name and (first or last)):
        return _between(first, last, today)
    if month := _day(f"{name}-01"):
        return Period(name, month, _next_month(month) - DAY)
    name = name if name in WEEKS else USUAL
    sunday = today - timedelta(days=today.weekday()) + WEEK - DAY
    return Period(name, sunday - WEEK * WEEKS[name] + DAY, sunday)


def months(count: int = 12) -> list[date]:
    """The first days of this month and of those before it."""
    found = [clock.today().replace(day=1)]
    while len(found) < count:
        found.append((found[-1] - DAY).replace(day=1))
    return found


def _between(first: str, last: str, today: date) -> Period:
    begins, ends = _day(first) if first else None, _day(last) if last else None
    if not last:
        ends = max(begins or today, today)
    if not first:
        begins = min(ends or today, today)
    errors = {
        name: _("A day, please, such as 2026-11-24.")
        for name, day in (("from", begins), ("to", ends))
        if day is None or not 2000 <= day.year <= 2100
    }
    if errors or begins is None or ends is None:
        raise Invalid(errors)
    if ends < begins:
        raise Invalid({"to": _("That is before the first day.")})
    if (ends - begins).days >= LONGEST:
        raise Invalid({"to": _("Ten years at most, please.")})
    return Period("days", begins, ends)


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if len(text) == 10 and 2000 <= found.year <= 2100 else None
