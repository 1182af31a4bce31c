"""Giving a job by hand: who does this work, why each of them is free or not, and the one deed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.holds import write
from app.bookings.moves import State, sorry
from app.bookings.repository import Bookings
from app.bookings.reservation import claim, make_room
from app.core import clock
from app.core.datetimes import clock_time
from app.core.encryption import Vault
from app.core.errors import Missing, Refused
from app.core.events import Person
from app.core.i18n import N_, _
from app.core.keyset import AnyRow
from app.dispatch.unassigned_repository import Dispatch
from app.jobs.repository import Jobs
from app.scheduling.candidates import fill, known_place
from app.scheduling.slots import Busy, Worker, in_the_way, within_hours
from app.scheduling.travel import Point, distance_km

DECLINED = {
    "passed": N_("Passed on this job."),
    "returned": N_("Had this job and handed it back."),
    "absent": N_("Had this job and did not come, or could not."),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who does this work. `against`: why they cannot have the job, in words; `kept`: what would move.

    `km` by road from home, None when unknown.
    """

    worker: Worker
    place: str
    covers: bool
    against: list[str]
    kept: list[str]

    @property
    def is_free(self) -> bool:
        return not self.against


async def candidates(db: AsyncSession, booking: Booking, person_id: int | None = None) -> list[Candidate]:
    """Everybody who could be asked, those who are free first and the nearest of them first."""
    where = await known_place(db, booking.pincode)
    rows = {row.user_id: row for row in await Dispatch(db).people(booking, where, person_id)}
    crew = [_worker(row, where) for row in rows.values()]
    await fill(db, crew, booking.starts_at, booking.ends_at, ignoring=booking.id)
    met = {worker.id: in_the_way(worker, booking.minutes, where, booking.starts_at) for worker in crew}
    called = await Jobs(db).named([job.booking_id for jobs in met.values() for job in jobs])
    found = [_judged(rows[worker.id], worker, booking, met[worker.id], called) for worker in crew]
    return sorted(found, key=_order)


async def give(db: AsyncSession, by: Person, reference: str, professional_id: int, vault: Vault) -> Booking:
    """The job is theirs; both sides are told. Giving it again to the same person changes nothing.

    Refused: somebody has it already, or this person is not free; Missing: they do not do this work.
    """
    booking, others = await claim(Bookings(db), professional_id, reference)
    if booking.state == State.ASSIGNED and booking.professional_id == professional_id:
        return booking
    if booking.state != State.REQUESTED:
        raise Refused(sorry(booking.state), reason="taken")
    found = await candidates(db, booking, professional_id)
    if not found:
        raise Missing
    if not found[0].is_free:
        raise Refused(_not_free(found[0], found[0].against), reason="busy")
    await _take(db, found[0], booking, others)
    booking.give(by, professional_id, vault)
    await write(db)
    return booking


async def void_code(db: AsyncSession, by: Person, reference: str, reason: str) -> Booking:
    """The code that is due ends unseen; only its customer can ask for a new one."""
    booking = await Bookings(db).by_reference(reference, lock=True)
    if booking.state not in (State.ASSIGNED, State.STARTED):
        raise Refused(sorry(booking.state), reason="state")
    booking.void_code(by, reason)
    await db.flush()
    return booking


# How


async def _take(db: AsyncSession, one: Candidate, booking: Booking, others: dict[int, Booking]) -> None:
    try:
        await make_room(db, one.worker, booking, others)
    except Refused as refusal:
        if refusal.reason != "busy":
            raise
        # Said to the professional; the admin reads it about them.
        why = _("What their time is kept for cannot move to anybody else.") if one.kept else _("Not free any more.")
        raise Refused(_not_free(one, [why]), reason="busy") from refusal


def _not_free(one: Candidate, why: Iterable[str]) -> str:
    return _("%(name)s cannot have it. %(why)s", name=one.worker.full_name, why=" ".join(why))


def _judged(
    row: AnyRow, worker: Worker, booking: Booking, met: list[Busy], called: Mapping[int, tuple[str, str]]
) -> Candidate:
    against = [*_standing(row), *_time(worker, booking)]
    against += [_busy(job, booking, called[job.booking_id][0]) for job in met if job.firm]
    kept = [called[job.booking_id][0] for job in met if not job.firm]
    return Candidate(worker, row.place, row.covers, against, kept)


def _standing(row: AnyRow) -> Iterable[str]:
    """What keeps them from any job of this kind, or from this one."""
    if row.blocked:
        yield _("Blocked.")
    if row.standing != "approved":
        yield _("Not approved.")
    elif row.offering != "approved":
        yield _("Not approved for this service.")
    if row.papers_expire_on is not None and row.papers_expire_on <= clock.today():
        yield _("A paper is out of date.")
    if not row.covers:
        yield _("Does not work in this pincode.")
    if row.declined:
        yield _(DECLINED[row.declined])


def _time(worker: Worker, booking: Booking) -> Iterable[str]:
    start, end = booking.starts_at.timestamp(), booking.ends_at.timestamp()
    if any(since < end and start < until for since, until in worker.away):
        yield _("Away at that time.")
    elif not within_hours(worker, booking.minutes, booking.starts_at):
        yield _("Outside their working hours.")


def _busy(job: Busy, booking: Booking, reference: str) -> str:
    since, until = (clock_time(datetime.fromtimestamp(moment, clock.IST)) for moment in (job.starts, job.ends))
    said = {"ref": reference, "since": since, "until": until}
    if job.starts < booking.ends_at.timestamp() and booking.starts_at.timestamp() < job.ends:
        return _("Busy with %(ref)s, %(since)s–%(until)s.", **said)
    return _("Too far from %(ref)s, %(since)s–%(until)s, to get there in time.", **said)


def _order(one: Candidate) -> tuple[bool, int, bool, float, int]:
    km = one.worker.distance_km
    return not one.is_free, len(one.kept), km is None, km or 0.0, one.worker.id


def _worker(row: AnyRow, where: Point) -> Worker:
    home = Point(row.pincode, row.latitude, row.longitude)
    return Worker(
        id=row.user_id,
        full_name=row.full_name,
        years=row.experience_years,
        home=home,
        hours=[tuple(stretch) for stretch in row.hours],
        services=frozenset(),
        stars=int(row.stars),
        reviews=int(row.reviews),
        jobs=int(row.jobs),
        distance_km=distance_km(home, where),
    )
