"""Half a year of bookings in the demo town, simulated with the domain's own functions up to the present."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.user import User
from app.bookings.booking import Booking
from app.bookings.cancellation import cancel_booking
from app.bookings.code import Code
from app.bookings.completion import complete_booking
from app.bookings.deadlines import HOLD_DURATION
from app.bookings.decline import Decline
from app.catalog.service import Service
from app.core import clock
from app.core.encryption import Encryption
from app.core.events import PLATFORM
from app.core.references import ALPHABET
from app.dev import demo_people
from app.dev.demo_town import HISTORY_WEEKS, Resident, Town
from app.payments import charges
from app.payments.charge import ChargeState
from app.payments.pretend_bank import Authorisation, Instrument
from app.payments.repository import Charges
from app.reviews.repository import Reviews
from app.reviews.review import Review
from app.scheduling.candidates import BusyTime, Candidate, RequestedSlot
from app.scheduling.reservation import reserve
from app.scheduling.slots import free_starts
from app.scheduling.travel import Location

BOOKINGS_PER_DAY = 11  # on average
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
# Upcoming bookings also use "accepted", "offer" and "asked" (offered to one professional first).
OUTCOMES = ("done", "customer", "unfilled", "no_show", "professional_absent", "by_clock")
OUTCOME_WEIGHTS = (908, 52, 14, 10, 6, 10)
METHODS, METHOD_WEIGHTS = ("card", "upi", "after"), (45, 35, 20)
CARDS = (("Visa", "4242"), ("Mastercard", "5454"), ("RuPay", "6012"))


@dataclass(slots=True)
class BookingSimulation:
    """Simulates one booking with a given outcome."""

    db: AsyncSession
    town: Town
    encryption: Encryption
    candidate: Candidate
    professional: User
    resident: Resident
    service: Service
    start: datetime
    outcome: str
    now: datetime

    @property
    def customer(self) -> User:
        return self.resident.user

    async def run(self) -> None:
        """Perform every step that is due by now."""
        booking = await self._book()
        if self.outcome == "unfilled":
            await self._end_unfilled(booking)
        elif self.outcome == "customer":
            await self._cancel(booking)
        elif await self._accept(booking):
            await self._work(booking)

    async def _book(self) -> Booking:
        rng = self.town.rng
        latest = min(self.start - 3 * HOUR, self.now - 10 * MINUTE)
        booked_at = max(latest - rng.randint(0, 90) * HOUR, self.start - timedelta(days=6))
        booked_at = self.now - 3 * MINUTE if self.outcome == "asked" else min(booked_at, latest)
        method = rng.choices(METHODS, METHOD_WEIGHTS)[0]
        with clock.freeze(booked_at):
            booking = self._new_booking()
            booking.requested_professional_id = self.candidate.id if self.outcome == "asked" else None
            booking.hold(self.customer, self.candidate.id, clock.now() + HOLD_DURATION)
            self.db.add(booking)
            await self.db.flush()
            await self._reserve(booking)
        with clock.freeze(booked_at + 2 * MINUTE):
            booking.pay(self.customer, method)
            if method != "after":
                await self._authorise(booking, method)
        return booking

    def _new_booking(self) -> Booking:
        rng = self.town.rng
        booking = Booking(
            reference="".join(rng.choice(ALPHABET) for _ in range(8)),
            customer_id=self.customer.id,
            service_id=self.service.id,
            service_name=self.service.name,
            price=self.service.price,
            minutes=self.service.minutes,
            address=self.resident.address_line,
            pincode=self.resident.location.pincode,
            note=rng.choice(demo_people.NOTES),
            created_at=clock.now(),
        )
        booking.set_slot(self.start)
        return booking

    async def _authorise(self, booking: Booking, method: str) -> None:
        brand, last4 = self.town.rng.choice(CARDS) if method == "card" else (None, None)
        instrument = Instrument("card" if method == "card" else "upi", brand, last4)
        outcome = Authorisation("authorised", instrument)
        await charges.authorise(self.db, booking.id, self.customer.id, booking.price, "booking", outcome)

    async def _end_unfilled(self, booking: Booking) -> None:
        at = booking.unfilled_at
        if at <= self.now:
            with clock.freeze(at):
                await cancel_booking(
                    self.db, booking, PLATFORM, "unfilled", "No professional was available at that time."
                )

    async def _cancel(self, booking: Booking) -> None:
        at = booking.created_at + (self.start - booking.created_at) * self.town.rng.random()
        if at <= self.now:
            with clock.freeze(at):
                reason = self.town.rng.choice(demo_people.CANCELLATION_REASONS)
                await cancel_booking(self.db, booking, self.customer, "customer", reason)

    async def _accept(self, booking: Booking) -> bool:
        """Accept the booking; some upcoming ones stay open offers. Return whether it was accepted."""
        paid_at = booking.requested_at or booking.created_at
        at = paid_at + self.town.rng.randint(3, 7) * MINUTE
        stays_open = self.outcome == "done" and self.start > self.now + 2 * HOUR and self.town.rng.random() < 0.35
        if at > self.now or stays_open or self.outcome in ("offer", "asked"):
            return False
        await self._maybe_decline_first(booking, at)
        with clock.freeze(at):
            booking.accept(self.professional, self.encryption)
            await self._reserve(booking, is_committed=True)
        return True

    async def _reserve(self, booking: Booking, *, is_committed: bool = False) -> None:
        slot = RequestedSlot(booking.id, booking.starts_at, booking.minutes, self.resident.location)
        if not await reserve(self.db, self.candidate.id, slot, is_committed=is_committed):
            raise RuntimeError(f"{booking.reference} overlaps another booking of the demo town")

    async def _maybe_decline_first(self, booking: Booking, at: datetime) -> None:
        others = [c for c in self.town.candidates if c.id != self.candidate.id and self.service.id in c.services]
        eligible = [c for c in others if booking.pincode in self.town.covered_pincodes[c.id]]
        if eligible and self.town.rng.random() < 0.12:
            declining = self.town.rng.choice(eligible)
            reason = self.town.rng.choice(demo_people.DECLINE_REASONS)
            with clock.freeze(at - MINUTE):
                booking.pass_on(self.town.professionals[declining.id], reason, self.candidate.id)
            ids = {"booking_id": booking.id, "professional_id": declining.id}
            self.db.add(Decline(**ids, kind="passed", reason=reason, at=at - MINUTE))

    async def _work(self, booking: Booking) -> None:
        rng = self.town.rng
        if not self._travel(booking):
            return
        if self.outcome == "professional_absent":
            await self._miss_appointment(booking)
        elif self.outcome == "no_show":
            await self._record_no_show(booking)
        elif (started_at := self.start + rng.randint(-4, 9) * MINUTE) <= self.now:
            with clock.freeze(started_at):
                booking.start(self.professional, _live_code(booking, "start"), self.encryption)
            await self._finish(booking, started_at)

    def _travel(self, booking: Booking) -> bool:
        if self.outcome == "professional_absent":
            return self.start + 31 * MINUTE <= self.now
        departs_at = self.start - self.town.rng.randint(20, 40) * MINUTE
        arrives_at = self.start - self.town.rng.randint(5, 9) * MINUTE
        if departs_at <= self.now:
            with clock.freeze(departs_at):
                booking.depart(self.professional)
        if arrives_at <= self.now:
            with clock.freeze(arrives_at):
                booking.arrive(self.professional)
        return arrives_at <= self.now

    async def _miss_appointment(self, booking: Booking) -> None:
        with clock.freeze(self.start + 31 * MINUTE):
            await cancel_booking(self.db, booking, self.customer, "professional_absent", "Didn't arrive.")

    async def _record_no_show(self, booking: Booking) -> None:
        at = self.start + 16 * MINUTE
        if at <= self.now:
            with clock.freeze(at):
                fee = booking.cancellation_fee(at)
                await cancel_booking(self.db, booking, self.professional, "no_show", "No answer at the door.", fee)

    async def _finish(self, booking: Booking, started_at: datetime) -> None:
        overrun = self.town.rng.randint(-10, 15) * MINUTE
        finished_at = max(started_at + 10 * MINUTE, started_at + booking.minutes * MINUTE + overrun)
        if self.outcome == "by_clock":
            finished_at = booking.ends_at + 12 * HOUR
        if finished_at > self.now:
            return
        by_clock = self.outcome == "by_clock"
        with clock.freeze(finished_at):
            await complete_booking(
                self.db,
                booking,
                PLATFORM if by_clock else self.professional,
                None if by_clock else _live_code(booking, "finish"),
            )
        await self._collect_payment(booking, finished_at)
        await self._review(booking, finished_at)

    async def _collect_payment(self, booking: Booking, finished_at: datetime) -> None:
        """Settle a payment that is due after the job, usually on the same evening."""
        at = finished_at + self.town.rng.randint(5, 600) * MINUTE
        if booking.payment == "after" and at <= self.now:
            with clock.freeze(at):
                for charge in await Charges(self.db).in_state(booking.id, ChargeState.DUE):
                    await charges.settle(self.db, charge, Authorisation("authorised", Instrument("upi")))

    async def _review(self, booking: Booking, finished_at: datetime) -> None:
        rng = self.town.rng
        at = finished_at + rng.randint(1, 40) * HOUR
        if rng.random() < 0.68 and at <= self.now:
            with clock.freeze(at):
                await self._add_review(booking)
        elif finished_at + timedelta(days=7) <= self.now:
            with clock.freeze(finished_at + timedelta(days=7)):
                booking.close(PLATFORM)

    async def _add_review(self, booking: Booking) -> None:
        rating = self.town.rng.choices(demo_people.RATINGS, demo_people.RATING_WEIGHTS)[0]
        review = Review(
            booking_id=booking.id,
            customer_id=self.customer.id,
            professional_id=self.professional.id,
            service_id=booking.service_id,
            rating=rating,
            comment=self.town.rng.choice(demo_people.REVIEW_COMMENTS[rating]),
            created_at=clock.now(),
        )
        self.db.add(review)
        await Reviews(self.db).count_stars(review)
        booking.close(self.customer)


async def replay_history(db: AsyncSession, town: Town, encryption: Encryption) -> int:
    """Simulate bookings from half a year ago to the end of next week; return how many."""
    now, count = clock.now(), 0
    today = clock.today()
    db.autoflush = False  # for speed: each step flushes its own changes
    for offset in range(-HISTORY_WEEKS * 7, 7):
        day = today + timedelta(days=offset)
        for _ in range(town.rng.randint(BOOKINGS_PER_DAY - 3, BOOKINGS_PER_DAY + 3)):
            simulation = _simulate_booking(db, town, encryption, day, now)
            if simulation is not None:
                await simulation.run()
                count += 1
        await db.flush()
        db.expunge_all()
    return count + await _add_upcoming_bookings(db, town, encryption, now)


async def _add_upcoming_bookings(db: AsyncSession, town: Town, encryption: Encryption, now: datetime) -> int:
    """Create an offer to the demo professional, two nearby offers and an accepted job of the demo customer."""
    professional, customer = town.candidates[0], town.residents[0]
    near = [
        resident
        for resident in town.residents[1:]
        if resident.location.pincode in town.covered_pincodes[professional.id]
    ]
    upcoming = [(customer, "accepted"), (near[0], "asked"), (near[1], "offer"), (near[2], "offer")]
    for resident, outcome in upcoming:
        service = town.rng.choice([service for service in town.services if service.id in professional.services])
        start = _find_next_free_start(professional, service, resident.location, now)
        _mark_busy(professional, service, resident.location, start)
        await BookingSimulation(
            db,
            town,
            encryption,
            professional,
            town.professionals[professional.id],
            resident,
            service,
            start,
            outcome,
            now,
        ).run()
    await db.flush()
    return len(upcoming)


def _find_next_free_start(candidate: Candidate, service: Service, location: Location, now: datetime) -> datetime:
    """Find the next free start at least four hours ahead, so that the booking was made in time."""
    earliest = int((now + 4 * HOUR).timestamp())
    days = (now.astimezone(clock.IST).date() + timedelta(days=n) for n in range(7))
    starts = (start for day in days for start in free_starts(candidate, service.minutes, location, day))
    return datetime.fromtimestamp(next(start for start in starts if start >= earliest), clock.IST)


def _simulate_booking(
    db: AsyncSession, town: Town, encryption: Encryption, day: date, now: datetime
) -> BookingSimulation | None:
    """Pick a professional, a resident nearby, a service and a free time, often of demo accounts; or None."""
    rng = town.rng
    candidate = town.candidates[0] if rng.random() < 0.08 else rng.choice(town.candidates)
    near = [resident for resident in town.residents if resident.location.pincode in town.covered_pincodes[candidate.id]]
    if not near:
        return None
    resident = town.residents[0] if town.residents[0] in near and rng.random() < 0.05 else rng.choice(near)
    service = rng.choice([service for service in town.services if service.id in candidate.services])
    starts = free_starts(candidate, service.minutes, resident.location, day)
    outcome = rng.choices(OUTCOMES, OUTCOME_WEIGHTS)[0]
    if not starts or (day >= now.astimezone(clock.IST).date() and outcome != "done"):
        return None
    start = datetime.fromtimestamp(rng.choice(starts), clock.IST)
    if outcome in ("done", "by_clock", "no_show"):
        _mark_busy(candidate, service, resident.location, start)
    return BookingSimulation(
        db, town, encryption, candidate, town.professionals[candidate.id], resident, service, start, outcome, now
    )


def _mark_busy(candidate: Candidate, service: Service, location: Location, start: datetime) -> None:
    start_time = int(start.timestamp())
    candidate.busy.append(BusyTime(0, start_time, start_time + service.minutes * 60, location, True))


def _live_code(booking: Booking, phase: str) -> Code:
    code = booking.live_code(phase)
    assert code is not None
    return code
