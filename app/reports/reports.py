"""A report: the numbers of a period beside those of the days before, each with the address of its list."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.moves import ENDS, State
from app.reports.period import Period
from app.reports.queries import Chosen, Numbers

DONE = frozenset({State.COMPLETED, State.CLOSED})
PLACES = 8  # pincodes whose unmet searches are shown
ADMIN = "/admin/reports/unmet"


@dataclass(slots=True)
class Sums:
    """What is counted of a step or of a whole period; money in paise."""

    bookings: int = 0
    commission: int = 0
    revenue: int = 0
    states: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    stars: Counter[int] = field(default_factory=Counter)

    def add(self, row: Any) -> None:
        self.bookings += row.bookings
        self.commission += row.commission
        self.revenue += row.revenue
        self.states[row.state] += row.bookings
        if row.cancelled_as:
            self.ends[row.cancelled_as] += row.bookings
        if row.rating:
            self.stars[row.rating] += row.bookings

    @property
    def completed(self) -> int:
        return sum(self.states[state] for state in DONE)

    @property
    def cancelled(self) -> int:
        return self.states[State.CANCELLED]

    @property
    def open(self) -> int:
        return self.bookings - self.completed - self.cancelled

    @property
    def rated(self) -> int:
        return self.stars.total()

    @property
    def rating(self) -> float | None:
        """The mean of the stars; None where nobody gave any."""
        return sum(stars * count for stars, count in self.stars.items()) / self.rated if self.rated else None


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses of lists: `said` are the filters of the report, as the lists call them."""

    period: Period
    said: Mapping[str, str]

    def bookings(self, **more: str) -> str:
        return self._to("/admin/bookings", more)

    def reviews(self, **more: str) -> str:
        return self._to("/admin/reviews", more)

    def ledger(self, **more: str) -> str:
        return self._to("/admin/ledger", more)

    def unmet(self, **more: str) -> str:
        return self._to(ADMIN, more)

    def of_days(self, first: date, last: date) -> "Links":
        return Links(Period("days", first, last), self.said)

    def _to(self, path: str, more: Mapping[str, str]) -> str:
        days = {"from": self.period.first.isoformat(), "to": self.period.last.isoformat()}
        told = {**days, **self.said, **more}
        return f"{path}?{urlencode({name: value for name, value in told.items() if value})}"


@dataclass(frozen=True, slots=True)
class Step:
    """One bar: its days, its sums and the addresses of its lists."""

    first: date
    last: date
    sums: Sums
    links: Links


@dataclass(frozen=True, slots=True)
class Report:
    """`median` and `median_before`: minutes until accepted, None where nothing was."""

    period: Period
    now: Sums
    before: Sums
    steps: Sequence[Step]
    median: int | None
    median_before: int | None
    unmet: Sequence[Any]
    unmet_in_all: int
    links: Links

    @property
    def ends(self) -> list[tuple[str, int]]:
        """How bookings were cancelled, the most frequent first."""
        return sorted(((end, self.now.ends[end]) for end in ENDS if self.now.ends[end]), key=lambda one: -one[1])


async def report(db: AsyncSession, period: Period, chosen: Chosen, said: Mapping[str, str]) -> Report:
    """`chosen` is what is counted, `said` the same as the lists' addresses name it."""
    numbers = Numbers(db)
    rows = await numbers.counted(period, chosen)
    medians = {row.step: row.minutes for row in rows if row.state is None}
    links = Links(period, said)
    steps = _steps(period, links)
    now, before = Sums(), Sums()
    for row in (one for one in rows if one.state):
        (now if row.step else before).add(row)
        if row.step:
            steps[row.step - 1].sums.add(row)
    return Report(
        period=period,
        now=now,
        before=before,
        steps=steps,
        median=medians.get(1),
        median_before=medians.get(0),
        unmet=await numbers.unmet(period.first, period.last, chosen, PLACES),
        unmet_in_all=await numbers.unmet_in_all(period.first, period.last, chosen),
        links=links,
    )


def _steps(period: Period, links: Links) -> list[Step]:
    starts = period.starts
    ends = [*(one - timedelta(days=1) for one in starts[1:]), period.last]
    return [Step(first, last, Sums(), links.of_days(first, last)) for first, last in zip(starts, ends, strict=True)]
