"""Offers a professional could accept now, computed on every read.

An offer shows area, distance, time and earning; the customer, the address and the note are never read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.events import Person
from app.jobs.repository import FIRST_OFFERS_READ, AgendaRow, Jobs, OfferRow
from app.payments.shares import earning_of
from app.scheduling.candidates import BusyTime, Candidate, ProfessionalSchedule
from app.scheduling.slots import conflicts, within_hours
from app.scheduling.travel import distance_km, round_up_km

MAX_OFFERS = 50


@dataclass(frozen=True, slots=True)
class Offer:
    """A job that is not accepted yet. `price` and `earning` in paise; `km` in halves of a kilometre, None when unknown.

    `from_job` is the start of the job from which `km` is measured, None when it is measured from home;
    `exclusive_until` is set while the job is offered to this professional only.
    """

    reference: str
    service_name: str
    place: str
    starts_at: datetime
    ends_at: datetime
    price: int
    earning: int
    is_requested: bool
    exclusive_until: datetime | None
    km: float | None
    from_job: datetime | None


@dataclass(frozen=True, slots=True)
class ExpiredOffer:
    """An offer still on the professional's screen that can no longer be accepted."""

    reference: str
    service_name: str
    earning: int
    is_taken: bool


async def find_workday(
    db: AsyncSession, me: Person, reference: str | None = None
) -> tuple[ProfessionalSchedule, list[AgendaRow], list[Offer]]:
    """Return the schedule of `me`, their open jobs and those completed today, and what `find_offers` does."""
    jobs = Jobs(db)
    schedule, agenda, rows = await jobs.workday_with_offers(me, reference)
    offers = fitting_offers(schedule, rows)
    if len(rows) == FIRST_OFFERS_READ and len(offers) < MAX_OFFERS:
        offers = await find_offers(db, schedule, reference)
    return schedule, agenda, offers


async def find_offers(db: AsyncSession, schedule: ProfessionalSchedule, reference: str | None = None) -> list[Offer]:
    """Return the offers that the professional could accept now, requests for them first; only `reference` if given."""
    rows = await Jobs(db).open_offers(schedule.candidate.id, reference) if schedule.may_work else []
    return fitting_offers(schedule, rows)


def fitting_offers(schedule: ProfessionalSchedule, rows: Iterable[OfferRow]) -> list[Offer]:
    """Return those of the rows that the professional could accept now, in their order."""
    if not schedule.may_work:
        return []
    candidate = schedule.candidate
    return [_offer(candidate, row) for row in islice((row for row in rows if _fits(candidate, row)), MAX_OFFERS)]


async def find_expired_offers(
    db: AsyncSession, me: Person, displayed: Sequence[str], still_open: Iterable[Offer]
) -> list[ExpiredOffer]:
    """Return what became of the offers on the screen (`shown`, references) that are not open any more."""
    missing = sorted(set(displayed[:MAX_OFFERS]) - {offer.reference for offer in still_open})
    if not missing:
        return []
    return [
        ExpiredOffer(
            row["reference"], row["service_name"], earning_of(row["price"]), row["state"] in ("assigned", "started")
        )
        for row in await Jobs(db).expired_offers(me.id, missing)
    ]


def _fits(candidate: Candidate, row: OfferRow) -> bool:
    """Return whether the offer fits the hours and the accepted jobs; reservations can move to other candidates."""
    if not within_hours(candidate, row.minutes, row.starts_at):
        return False
    return not conflicts(candidate, row.minutes, row.location, row.starts_at)


def _offer(candidate: Candidate, row: OfferRow) -> Offer:
    before = _job_before(candidate, row.starts_at)
    km = distance_km(before.location if before else candidate.home, row.location)
    return Offer(
        reference=row.reference,
        service_name=row.service_name,
        place=row.place,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        price=row.price,
        earning=earning_of(row.price),
        is_requested=row.is_requested,
        exclusive_until=row.exclusive_until,
        km=None if km is None else round_up_km(km),
        from_job=datetime.fromtimestamp(before.starts, clock.IST) if before else None,
    )


def _job_before(candidate: Candidate, starts_at: datetime) -> BusyTime | None:
    """Return the last job of the same day before this start."""
    midnight = clock.at(starts_at.astimezone(clock.IST).date()).timestamp()
    earlier = [job for job in candidate.busy if midnight <= job.starts and job.ends <= starts_at.timestamp()]
    return max(earlier, key=lambda job: job.ends, default=None)
