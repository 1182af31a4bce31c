"""Build a report: the totals of a period and of the period before, each with a link to its list."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.moves import ENDS, State
from app.reports.period import Period
from app.reports.repository import ReportFilters, ReportQueries

COMPLETED_STATES = frozenset({State.COMPLETED, State.CLOSED})
UNMET_PINCODES_SHOWN = 8  # pincodes whose unmet searches are shown
UNMET_PATH = "/admin/reports/unmet"


@dataclass(slots=True)
class Totals:
    """Totals of a step or of a whole period; money in paise."""

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
        return sum(self.states[state] for state in COMPLETED_STATES)

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
        """The mean rating; None without ratings."""
        return sum(stars * count for stars, count in self.stars.items()) / self.rated if self.rated else None


@dataclass(frozen=True, slots=True)
class Links:
    """URLs of the lists behind the queries; `filters` are the report's filters by the lists' field names."""

    period: Period
    filters: Mapping[str, str]

    def bookings(self, **more: str) -> str:
        return self._to("/admin/bookings", more)

    def reviews(self, **more: str) -> str:
        return self._to("/admin/reviews", more)

    def ledger(self, **more: str) -> str:
        return self._to("/admin/ledger", more)

    def unmet(self, **more: str) -> str:
        return self._to(UNMET_PATH, more)

    def of_days(self, first: date, last: date) -> "Links":
        return Links(Period("days", first, last), self.filters)

    def _to(self, path: str, more: Mapping[str, str]) -> str:
        days = {"from": self.period.first.isoformat(), "to": self.period.last.isoformat()}
        params = {**days, **self.filters, **more}
        return f"{path}?{urlencode({name: value for name, value in params.items() if value})}"


@dataclass(frozen=True, slots=True)
class Step:
    """One bar of the charts: its days, its totals and the URLs of its lists."""

    first: date
    last: date
    totals: Totals
    links: Links


@dataclass(frozen=True, slots=True)
class Report:
    """`median` and `median_before`: median minutes until accepted, None without accepted bookings."""

    period: Period
    now: Totals
    before: Totals
    steps: Sequence[Step]
    median: int | None
    median_before: int | None
    unmet_searches: Sequence[Any]
    unmet_total: int
    links: Links

    @property
    def ends(self) -> list[tuple[str, int]]:
        """Count cancellations by kind, the most frequent first."""
        return sorted(((end, self.now.ends[end]) for end in ENDS if self.now.ends[end]), key=lambda item: -item[1])


async def build_report(
    db: AsyncSession, period: Period, filters: ReportFilters, list_filters: Mapping[str, str]
) -> Report:
    """Build the report. `filters` select the bookings; `list_filters` are the same by the lists' field names."""
    queries = ReportQueries(db)
    rows = await queries.booking_counts(period, filters)
    medians = {row.step: row.minutes for row in rows if row.state is None}
    links = Links(period, list_filters)
    steps = _steps(period, links)
    now, before = Totals(), Totals()
    for row in (row for row in rows if row.state):
        (now if row.step else before).add(row)
        if row.step:
            steps[row.step - 1].totals.add(row)
    return Report(
        period=period,
        now=now,
        before=before,
        steps=steps,
        median=medians.get(1),
        median_before=medians.get(0),
        unmet_searches=await queries.unmet_searches(period.first, period.last, filters, UNMET_PINCODES_SHOWN),
        unmet_total=await queries.unmet_total(period.first, period.last, filters),
        links=links,
    )


def _steps(period: Period, links: Links) -> list[Step]:
    starts = period.starts
    ends = [*(start - timedelta(days=1) for start in starts[1:]), period.last]
    return [Step(first, last, Totals(), links.of_days(first, last)) for first, last in zip(starts, ends, strict=True)]
