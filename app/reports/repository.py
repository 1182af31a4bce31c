"""What waits for an admin: counted for the rail, told for the day's page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.schedule import is_silent
from app.reports.period import Period
from app.reports.queries import Chosen, Numbers
from app.reports.reports import Sums

FEW = 5
RECENT = timedelta(days=7)
WAITING = text("""
    SELECT (SELECT count(*) FROM verifications WHERE state = 'open') AS cases,
           (SELECT count(*) FROM bookings WHERE state = 'requested') AS unassigned,
           (SELECT max(started_at) FROM schedule_runs) AS heard
""")
# Held by somebody who is blocked (W2), with the code lock that needs a word, objected to lately (W13), mails given up.
COUNTED = text("""
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
     WHERE b.state IN ('assigned', 'started') ORDER BY b.started_at NULLS LAST, b.starts_at, b.id LIMIT :few
""")
UNASSIGNED = text("""
    SELECT b.reference, b.service_name, b.starts_at, p.place FROM bookings b JOIN pincodes p ON p.pincode = b.pincode
     WHERE b.state = 'requested' ORDER BY b.starts_at, b.id LIMIT :few
""")
CASES = text("""
    SELECT v.professional_id, v.kind, v.submitted_at, u.full_name AS who, p.trade
      FROM verifications v JOIN users u ON u.id = v.professional_id JOIN professionals p ON p.user_id = u.id
     WHERE v.state = 'open' ORDER BY v.submitted_at, v.id LIMIT :few
""")


@dataclass(frozen=True, slots=True)
class Day:
    """An admin's day: `jobs` of today by state, what waits, and the first few of it; `since` is what lately means."""

    period: Period
    since: Period
    jobs: Sums
    cases: int
    unassigned: int
    blocked: int
    locked: int
    disputed: int
    parked: int
    first_blocked: Sequence[Any]
    first_unassigned: Sequence[Any]
    first_cases: Sequence[Any]

    @property
    def calm(self) -> bool:
        return not (self.cases or self.unassigned or self.blocked or self.locked or self.disputed or self.parked)


class Rail(NamedTuple):
    """On every page of the desk: its addresses, each with how many wait there; and whether no worker works."""

    counts: dict[str, int]
    silent: bool


async def waiting(db: AsyncSession) -> Rail:
    row = (await db.execute(WAITING)).one()
    counts = {"/admin/professionals": row.cases, "/admin/dispatch": row.unassigned}
    return Rail(counts, is_silent(row.heard, clock.now()))


async def day_of_admin(db: AsyncSession) -> Day:
    today = clock.today()
    day, since = Period("days", today, today), Period("days", today - RECENT, today)
    numbers = await Numbers(db).counted(day, Chosen())
    jobs = Sums()
    for row in numbers:
        if row.step and row.state:
            jobs.add(row)
    waits = (await db.execute(WAITING)).one()
    counts = (await db.execute(COUNTED, {"now": clock.now(), "since": clock.at(since.first)})).one()
    few = {"few": FEW}
    return Day(
        period=day,
        since=since,
        jobs=jobs,
        cases=waits.cases,
        unassigned=waits.unassigned,
        blocked=counts.blocked,
        locked=counts.locked,
        disputed=counts.disputed,
        parked=counts.parked,
        first_blocked=(await db.execute(BLOCKED_AT_WORK, few)).all(),
        first_unassigned=(await db.execute(UNASSIGNED, few)).all(),
        first_cases=(await db.execute(CASES, few)).all(),
    )
