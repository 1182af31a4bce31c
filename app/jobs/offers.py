"""What a professional could take now, worked out whenever it is asked for: nothing of it is stored.

An offer shows area and distance, time and earning. Whose it is, the address and the note are never even read.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import BigInteger, DateTime, Interval, String

from app.bookings.terms import UNFILLED_BEFORE
from app.core import clock
from app.core.events import Actor, Person
from app.payments.shares import earning_of
from app.scheduling.slots import Busy, Worker, in_the_way, within_hours
from app.scheduling.travel import Point, distance_km

SHOWN = 50
STEP_KM = 0.5

WORKER = text(
    """
    SELECT u.full_name, p.trade, p.standing, p.papers_expire_on, h.pincode, h.place, h.latitude, h.longitude,
           EXISTS (SELECT 1 FROM blocks b WHERE b.user_id = p.user_id AND b.lifted_at IS NULL) AS blocked,
           (SELECT coalesce(json_agg(json_build_array(w.weekday, w.opens, w.closes)), '[]')
              FROM working_hours w WHERE w.professional_id = p.user_id) AS hours,
           (SELECT coalesce(json_agg(json_build_array(extract(epoch FROM lower(t.span))::bigint,
                                                      ceil(extract(epoch FROM upper(t.span)))::bigint)), '[]')
              FROM time_off t WHERE t.professional_id = p.user_id AND upper(t.span) > :now) AS away
      FROM professionals p
      JOIN users u ON u.id = p.user_id
      JOIN pincodes h ON h.pincode = p.home_pincode
     WHERE p.user_id = :me
    """
).bindparams(bindparam("me", type_=BigInteger), bindparam("now", type_=DateTime(timezone=True)))

# Asked first is respected; what nobody took an hour before the slot is over, unless it was opened later than that (W9).
OPEN = text(
    """
    SELECT b.id, b.reference, b.service_name, b.price, b.minutes, b.starts_at, b.ends_at, pin.place,
           pin.pincode, pin.latitude, pin.longitude, b.named_id IS NOT DISTINCT FROM :me AS asked,
           CASE WHEN b.named_id = :me AND b.asked_until > :now THEN b.asked_until END AS asked_until
      FROM offerings o
      JOIN bookings b ON b.service_id = o.service_id AND b.state = 'requested' AND b.starts_at > :now
      JOIN coverage c ON c.professional_id = o.professional_id AND c.pincode = b.pincode
      JOIN pincodes pin ON pin.pincode = b.pincode
     WHERE o.professional_id = :me AND o.standing = 'approved'
       AND (b.asked_until IS NULL OR b.asked_until <= :now OR b.named_id = :me)
       AND (b.starts_at > :unfilled OR b.reopened_at >= b.starts_at - :before)
       AND NOT EXISTS (SELECT 1 FROM declines d WHERE d.booking_id = b.id AND d.professional_id = :me)
       AND (CAST(:reference AS text) IS NULL OR b.reference = :reference)
     ORDER BY asked_until IS NULL, b.named_id IS DISTINCT FROM :me, b.starts_at, b.id
     LIMIT 300
    """
).bindparams(
    bindparam("me", type_=BigInteger),
    bindparam("now", type_=DateTime(timezone=True)),
    bindparam("unfilled", type_=DateTime(timezone=True)),
    bindparam("before", type_=Interval),
    bindparam("reference", type_=String),
)

GONE = text(
    """
    SELECT b.reference, b.service_name, b.price, b.state
      FROM bookings b
      JOIN offerings o ON o.service_id = b.service_id AND o.professional_id = :me AND o.standing = 'approved'
      JOIN coverage c ON c.pincode = b.pincode AND c.professional_id = :me
     WHERE b.reference = ANY(:seen) AND b.state <> 'held' AND b.professional_id IS DISTINCT FROM :me
       AND NOT EXISTS (SELECT 1 FROM declines d WHERE d.booking_id = b.id AND d.professional_id = :me)
     ORDER BY b.starts_at, b.id
    """
).bindparams(bindparam("me", type_=BigInteger), bindparam("seen", type_=ARRAY(String)))

AREA = text(
    """
    SELECT pin.pincode, pin.latitude, pin.longitude,
           (SELECT array_agg(DISTINCT k.name) FROM offerings o JOIN services s ON s.id = o.service_id
              JOIN categories k ON k.id = s.category_id
             WHERE o.professional_id = :me AND o.standing = 'approved') AS trades
      FROM coverage c JOIN pincodes pin ON pin.pincode = c.pincode
     WHERE c.professional_id = :me
    """
).bindparams(bindparam("me", type_=BigInteger))


@dataclass(frozen=True, slots=True)
class Offer:
    """A job as those see it who do not hold it. `earning` in paise; `km` in halves of a kilometre, None when unknown.

    `from_job` is the start of the job from which the way is measured, None when it is measured from home;
    `asked_until` stands while nobody else is asked.
    """

    reference: str
    service_name: str
    place: str
    starts_at: datetime
    ends_at: datetime
    earning: int
    asked: bool
    asked_until: datetime | None
    km: float | None
    from_job: datetime | None


@dataclass(frozen=True, slots=True)
class Gone:
    """An offer that somebody still has on the screen."""

    reference: str
    service_name: str
    earning: int
    taken: bool


@dataclass(frozen=True, slots=True)
class Reach:
    """Where somebody's offers come from: "Plumbing within 8 km of Adyar". `km` None when it is not known."""

    trades: list[str]
    areas: int
    km: float | None


@dataclass(slots=True)
class Bench:
    """A professional at work: `worker` with hours, time off, jobs; `open`: approved, papers valid, not blocked."""

    worker: Worker
    open: bool
    trade: str
    home: str


async def bench_of(db: AsyncSession, me: Person, jobs: Iterable[Busy]) -> Bench:
    """`jobs` are those that `me` holds: with them it is known whether there is time for more."""
    row = (await db.execute(WORKER, {"me": me.id, "now": clock.now()})).one()
    worker = Worker(
        id=me.id,
        full_name=row.full_name,
        years=0,
        home=Point(row.pincode, row.latitude, row.longitude),
        hours=[tuple(stretch) for stretch in row.hours],
        services=frozenset(),
        stars=0,
        reviews=0,
        jobs=0,
        distance_km=None,
        away=[tuple(stretch) for stretch in row.away],
        busy=list(jobs),
    )
    valid = row.papers_expire_on is None or row.papers_expire_on > clock.today()
    return Bench(worker, row.standing == "approved" and valid and not row.blocked, row.trade, row.place)


async def open_to(db: AsyncSession, bench: Bench, reference: str | None = None) -> list[Offer]:
    """What `bench` could accept now, those that ask for them first; of one `reference` only, if given."""
    if not bench.open:
        return []
    now = clock.now()
    asked = {
        "me": bench.worker.id,
        "now": now,
        "unfilled": now + UNFILLED_BEFORE,
        "before": UNFILLED_BEFORE,
        "reference": reference.upper() if reference else None,
    }
    rows = await db.execute(OPEN, asked)
    return [_offer(bench.worker, row) for row in rows if _fits(bench.worker, row)][:SHOWN]


async def gone_from(db: AsyncSession, me: Actor, seen: Sequence[str], still: Iterable[Offer]) -> list[Gone]:
    """What became of the offers that were `seen` and are not open any more."""
    missing = sorted(set(seen[:SHOWN]) - {offer.reference for offer in still})
    if not missing:
        return []
    rows = await db.execute(GONE, {"me": me.id, "seen": missing})
    return [
        Gone(row.reference, row.service_name, earning_of(row.price), row.state in ("assigned", "started"))
        for row in rows
    ]


async def reach_of(db: AsyncSession, bench: Bench) -> Reach:
    rows = (await db.execute(AREA, {"me": bench.worker.id})).all()
    points = [Point(row.pincode, row.latitude, row.longitude) for row in rows]
    known = [km for km in (distance_km(bench.worker.home, point) for point in points) if km is not None]
    return Reach(list(rows[0].trades or []) if rows else [], len(rows), half_steps(max(known)) if known else None)


def half_steps(km: float) -> float:
    """Never finer than half a kilometre, so that nobody's door is found by measuring."""
    return max(STEP_KM, math.ceil(km / STEP_KM) * STEP_KM)


# How


def _fits(worker: Worker, row: Row[Any]) -> bool:
    """Within the hours, and time for it between the jobs that are held; reservations can move to others."""
    where = Point(row.pincode, row.latitude, row.longitude)
    if not within_hours(worker, row.minutes, row.starts_at):
        return False
    return not in_the_way(worker, row.minutes, where, row.starts_at)


def _offer(worker: Worker, row: Row[Any]) -> Offer:
    before = _job_before(worker, row.starts_at)
    km = distance_km(before.where if before else worker.home, Point(row.pincode, row.latitude, row.longitude))
    return Offer(
        reference=row.reference,
        service_name=row.service_name,
        place=row.place,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        earning=earning_of(row.price),
        asked=row.asked,
        asked_until=row.asked_until,
        km=None if km is None else half_steps(km),
        from_job=datetime.fromtimestamp(before.starts, clock.IST) if before else None,
    )


def _job_before(worker: Worker, starts_at: datetime) -> Busy | None:
    """The job of the same day from which one would come."""
    midnight = clock.at(starts_at.astimezone(clock.IST).date()).timestamp()
    earlier = [job for job in worker.busy if midnight <= job.starts and job.ends <= starts_at.timestamp()]
    return max(earlier, key=lambda job: job.ends, default=None)
