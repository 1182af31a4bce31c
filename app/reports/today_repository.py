"""What needs an admin's attention: counts for the navigation, and the page of the day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.schedule import is_worker_silent
from app.core.sql import fetch
from app.reports.period import Period
from app.reports.report import Totals
from app.reports.repository import ReportFilters, ReportQueries

ITEMS_SHOWN = 5
RECENT_SPAN = timedelta(days=7)
# Verifications, unassigned bookings, appeals, refunds, cases and reported reviews, each counted up to $1 (NULL: all).
WAITING_COUNTS = """
    SELECT (SELECT count(*) FROM (SELECT FROM verifications WHERE state = 'open' LIMIT $1) AS open) AS cases,
           (SELECT count(*) FROM (SELECT FROM bookings WHERE state = 'requested' LIMIT $1) AS requested) AS unassigned,
           (SELECT count(*) FROM (SELECT FROM appeals WHERE decided_at IS NULL LIMIT $1) AS waiting) AS appeals,
           (SELECT count(*) FROM (SELECT FROM refunds WHERE state IN ('requested', 'failed')
                                     AND failure IS DISTINCT FROM 'declined' LIMIT $1) AS waiting) AS refunds,
           (SELECT count(*) FROM (SELECT FROM cases WHERE state = 'open' LIMIT $1) AS open) AS booking_cases,
           (SELECT count(DISTINCT review_id)
              FROM (SELECT review_id FROM review_reports WHERE settled_at IS NULL LIMIT $1) AS waiting) AS reviews,
           (SELECT max(started_at) FROM schedule_runs) AS last_run_at
"""
MAX_NAVIGATION_COUNT = 99  # of which the navigation says "99+"; every admin page would count thousands otherwise
# Jobs of blocked professionals (W2), jobs whose codes are locked, recent disputes (W13), undeliverable messages.
ATTENTION_COUNTS = text("""
    SELECT (SELECT count(*) FROM bookings b JOIN blocks k ON k.user_id = b.professional_id AND k.lifted_at IS NULL
             WHERE b.state IN ('assigned', 'started')) AS blocked,
           (SELECT count(*) FROM bookings b WHERE b.state IN ('assigned', 'started') AND NOT EXISTS (
                SELECT FROM codes c WHERE c.booking_id = b.id AND c.used_at IS NULL AND c.voided_at IS NULL
                   AND (c.locked_until IS NULL OR c.locked_until <= :now))) AS locked,
           (SELECT count(*) FROM disputes d JOIN bookings b ON b.id = d.booking_id
             WHERE b.starts_at >= :since) AS disputed,
           (SELECT count(*) FROM outbox WHERE parked_at >= :since) AS parked
""")
BLOCKED_AT_WORK = text("""
    SELECT b.reference, b.service_name, b.state, b.starts_at, u.full_name AS who, p.place
      FROM bookings b JOIN blocks k ON k.user_id = b.professional_id AND k.lifted_at IS NULL
      JOIN users u ON u.id = b.professional_id JOIN pincodes p ON p.pincode = b.pincode
     WHERE b.state IN ('assigned', 'started') ORDER BY b.started_at NULLS LAST, b.starts_at, b.id LIMIT :limit
""")
UNASSIGNED = text("""
    SELECT b.reference, b.service_name, b.starts_at, p.place FROM bookings b JOIN pincodes p ON p.pincode = b.pincode
     WHERE b.state = 'requested' ORDER BY b.starts_at, b.id LIMIT :limit
""")
CASES = text("""
    SELECT v.professional_id, v.kind, v.submitted_at, u.full_name AS who, p.trade
      FROM verifications v JOIN users u ON u.id = v.professional_id JOIN professionals p ON p.user_id = u.id
     WHERE v.state = 'open' ORDER BY v.submitted_at, v.id LIMIT :limit
""")


@dataclass(frozen=True, slots=True)
class AdminDay:
    """Today's bookings by state, what needs attention, and the first items; `since` is the recent span."""

    period: Period
    since: Period
    bookings_today: Totals
    cases: int
    unassigned: int
    appeals: int
    refunds: int
    booking_cases: int
    blocked: int
    locked: int
    disputed: int
    parked: int
    first_blocked: Sequence[Any]
    first_unassigned: Sequence[Any]
    first_cases: Sequence[Any]

    @property
    def is_quiet(self) -> bool:
        waiting = self.cases, self.unassigned, self.appeals, self.refunds, self.booking_cases
        return not any((*waiting, self.blocked, self.locked, self.disputed, self.parked))


class NavigationCounts(NamedTuple):
    """For every admin page: counts by path, as they are shown, and whether no worker is running."""

    counts: dict[str, str]
    worker_down: bool


async def navigation_counts(db: AsyncSession) -> NavigationCounts:
    ((cases, unassigned, appeals, refunds, booking_cases, reviews, last_run_at),) = await fetch(
        db, WAITING_COUNTS, MAX_NAVIGATION_COUNT + 1
    )
    found = {
        "/admin/professionals": cases,
        "/admin/dispatch": unassigned,
        "/admin/appeals": appeals,
        "/admin/refunds": refunds,
        "/admin/cases": booking_cases,
        "/admin/reviews": reviews,
    }
    counts = {
        path: str(count) if count <= MAX_NAVIGATION_COUNT else f"{MAX_NAVIGATION_COUNT}+"
        for path, count in found.items()
        if count
    }
    return NavigationCounts(counts, is_worker_silent(last_run_at, clock.now()))


async def load_admin_day(db: AsyncSession) -> AdminDay:
    today = clock.today()
    day, since = Period("days", today, today), Period("days", today - RECENT_SPAN, today)
    rows = await ReportQueries(db).booking_counts(day, ReportFilters())
    bookings_today = Totals()
    for row in rows:
        if row.step and row.state:
            bookings_today.add(row)
    ((cases, unassigned, appeals, refunds, booking_cases, _reviews, _last_run_at),) = await fetch(
        db, WAITING_COUNTS, None
    )
    counts = (await db.execute(ATTENTION_COUNTS, {"now": clock.now(), "since": clock.at(since.first)})).one()
    limit = {"limit": ITEMS_SHOWN}
    return AdminDay(
        period=day,
        since=since,
        bookings_today=bookings_today,
        cases=cases,
        unassigned=unassigned,
        appeals=appeals,
        refunds=refunds,
        booking_cases=booking_cases,
        blocked=counts.blocked,
        locked=counts.locked,
        disputed=counts.disputed,
        parked=counts.parked,
        first_blocked=(await db.execute(BLOCKED_AT_WORK, limit)).all(),
        first_unassigned=(await db.execute(UNASSIGNED, limit)).all(),
        first_cases=(await db.execute(CASES, limit)).all(),
    )
