"""Half a year of the demo town: bookings live their lives through the domain's own verbs, as far as time has come."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.user import User
from app.bookings.booking import Booking
from app.bookings.checkout import settle_completion
from app.bookings.code import Code
from app.bookings.decline import Decline
from app.catalog.service import Service
from app.core import clock
from app.core.encryption import Vault
from app.core.events import PLATFORM
from app.core.references import ALPHABET
from app.dev import demo_people
from app.dev.demo_town import WEEKS, Resident, Town
from app.payments import charges
from app.payments.pretend_bank import Instrument, Outcome
from app.payments.repository import Charges
from app.reviews import ratings
from app.reviews.review import Review
from app.scheduling.slots import Busy, Worker, free_starts
from app.scheduling.travel import Point

A_DAY = 11  # bookings
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
# Besides these "accepted", "offer" and "asked" (for this professional) for bookings that are to come.
FATES = ("done", "customer", "unfilled", "no_show", "professional_absent", "by_clock")
FATES_WEIGHTS = (908, 52, 14, 10, 6, 10)
METHODS, METHODS_WEIGHTS = ("card", "upi", "after"), (45, 35, 20)
CARDS = (("Visa", "4242"), ("Mastercard", "5454"), ("RuPay", "6012"))


@dataclass(slots=True)
class Life:
    """One booking and what will become of it."""

    db: AsyncSession
    town: Town
    vault: Vault
    worker: Worker
    by: User  # the professional
    resident: Resident
    service: Service
    start: datetime
    fate: str
    now: datetime

    @property
    def customer(self) -> User:
        return self.resident.user

    async def live(self) -> None:
        """Every step whose time has come."""
        booking = await self._book()
        if self.fate == "unfilled":
            await self._end_unfilled(booking)
        elif self.fate == "customer":
            await self._cancel(booking)
        elif await self._accept(booking):
            await self._work(booking)

    async def _book(self) -> Booking:
        dice = self.town.dice
        latest = min(self.start - 3 * HOUR, self.now - 10 * MINUTE)
        booked_at = max(latest - dice.randint(0, 90) * HOUR, self.start - timedelta(days=6))
        booked_at = self.now - 3 * MINUTE if self.fate == "asked" else min(booked_at, latest)
        method = dice.choices(METHODS, METHODS_WEIGHTS)[0]
        with clock.stopped(booked_at):
            booking = self._drafted()
            booking.named_id = self.worker.id if self.fate == "asked" else None
            booking.hold(self.customer, self.worker.id)
            self.db.add(booking)
            await self.db.flush()
        with clock.stopped(booked_at + 2 * MINUTE):
            booking.pay(self.customer, method)
            if method != "after":
                await self._authorise(booking, method)
        return booking

    def _drafted(self) -> Booking:
        dice = self.town.dice
        booking = Booking(
            reference="".join(dice.choice(ALPHABET) for _ in range(8)),
            customer_id=self.customer.id,
            service_id=self.service.id,
            service_name=self.service.name,
            price=self.service.price,
            minutes=self.service.minutes,
            address=self.resident.line,
            pincode=self.resident.where.pincode,
            note=dice.choice(demo_people.NOTES),
            created_at=clock.now(),
        )
        booking.set_slot(self.start)
        return booking

    async def _authorise(self, booking: Booking, method: str) -> None:
        brand, last4 = self.town.dice.choice(CARDS) if method == "card" else (None, None)
        instrument = Instrument("card" if method == "card" else "upi", brand, last4)
        outcome = Outcome("authorised", instrument)
        await charges.authorise(self.db, booking.id, self.customer.id, booking.price, "booking", outcome)

    async def _end_unfilled(self, booking: Booking) -> None:
        at = self.start - HOUR
        if at <= self.now:
            with clock.stopped(at):
                booking.cancel(PLATFORM, "unfilled", "Nobody could come.")
                await charges.release(self.db, booking.id)

    async def _cancel(self, booking: Booking) -> None:
        at = booking.created_at + (self.start - booking.created_at) * self.town.dice.random()
        if at <= self.now:
            with clock.stopped(at):
                booking.cancel(self.customer, "customer", self.town.dice.choice(demo_people.REASONS))
                await charges.release(self.db, booking.id)

    async def _accept(self, booking: Booking) -> bool:
        """Some of the coming ones are still open offers."""
        paid_at = booking.requested_at or booking.created_at
        at = paid_at + self.town.dice.randint(3, 7) * MINUTE
        waits = self.fate == "done" and self.start > self.now + 2 * HOUR and self.town.dice.random() < 0.35
        if at > self.now or waits or self.fate in ("offer", "asked"):
            return False
        await self._sometimes_passed(booking, at)
        with clock.stopped(at):
            booking.accept(self.by, self.vault)
        return True

    async def _sometimes_passed(self, booking: Booking, at: datetime) -> None:
        others = [one for one in self.town.crew if one.id != self.worker.id and self.service.id in one.services]
        able = [one for one in others if booking.pincode in self.town.covers[one.id]]
        if able and self.town.dice.random() < 0.12:
            passing = self.town.dice.choice(able)
            reason = self.town.dice.choice(demo_people.PASSES)
            with clock.stopped(at - MINUTE):
                booking.passed(self.town.people[passing.id], reason, self.worker.id)
            who = {"booking_id": booking.id, "professional_id": passing.id}
            self.db.add(Decline(**who, kind="passed", reason=reason, at=at - MINUTE))

    async def _work(self, booking: Booking) -> None:
        dice = self.town.dice
        if not self._came(booking):
            return
        if self.fate == "professional_absent":
            await self._be_absent(booking)
        elif self.fate == "no_show":
            await self._find_nobody(booking)
        elif (began := self.start + dice.randint(-4, 9) * MINUTE) <= self.now:
            with clock.stopped(began):
                booking.start(self.by, _due(booking, "start"), self.vault)
            await self._finish(booking, began)

    def _came(self, booking: Booking) -> bool:
        if self.fate == "professional_absent":
            return self.start + 31 * MINUTE <= self.now
        left = self.start - self.town.dice.randint(20, 40) * MINUTE
        there = self.start - self.town.dice.randint(5, 9) * MINUTE
        if left <= self.now:
            with clock.stopped(left):
                booking.depart(self.by)
        if there <= self.now:
            with clock.stopped(there):
                booking.arrive(self.by)
        return there <= self.now

    async def _be_absent(self, booking: Booking) -> None:
        with clock.stopped(self.start + 31 * MINUTE):
            booking.cancel(self.customer, "professional_absent", "Nobody came.")
            await charges.release(self.db, booking.id)

    async def _find_nobody(self, booking: Booking) -> None:
        at = self.start + 16 * MINUTE
        if at <= self.now:
            with clock.stopped(at):
                fee = booking.cancellation_fee(at)
                booking.cancel(self.by, "no_show", "Nobody opened the door.", fee)
                await charges.take_fee(self.db, booking.id, self.customer.id, self.by.id, fee)

    async def _finish(self, booking: Booking, began: datetime) -> None:
        late = self.town.dice.randint(-10, 15) * MINUTE
        done = max(began + 10 * MINUTE, began + booking.minutes * MINUTE + late)
        if self.fate == "by_clock":
            done = booking.ends_at + 12 * HOUR
        if done > self.now:
            return
        by_clock = self.fate == "by_clock"
        with clock.stopped(done):
            booking.complete(PLATFORM if by_clock else self.by, None if by_clock else _due(booking, "finish"))
            await settle_completion(self.db, booking)
        await self._settle_later(booking, done)
        await self._review(booking, done)

    async def _settle_later(self, booking: Booking, done: datetime) -> None:
        """Who pays after the service usually does so the same evening."""
        at = done + self.town.dice.randint(5, 600) * MINUTE
        if booking.payment == "after" and at <= self.now:
            with clock.stopped(at):
                for charge in await Charges(self.db).in_state(booking.id, "due"):
                    await charges.settle(self.db, charge, Outcome("authorised", Instrument("upi")))

    async def _review(self, booking: Booking, done: datetime) -> None:
        dice = self.town.dice
        at = done + dice.randint(1, 40) * HOUR
        if dice.random() < 0.68 and at <= self.now:
            with clock.stopped(at):
                await self._rate(booking)
        elif done + timedelta(days=7) <= self.now:
            with clock.stopped(done + timedelta(days=7)):
                booking.close(PLATFORM)

    async def _rate(self, booking: Booking) -> None:
        rating = self.town.dice.choices(demo_people.STARS, demo_people.STARS_WEIGHTS)[0]
        review = Review(
            booking_id=booking.id,
            customer_id=self.customer.id,
            professional_id=self.by.id,
            service_id=booking.service_id,
            rating=rating,
            comment=self.town.dice.choice(demo_people.WORDS[rating]),
            created_at=clock.now(),
        )
        self.db.add(review)
        await ratings.add(self.db, review)
        booking.close(self.customer)


async def relive(db: AsyncSession, town: Town, vault: Vault) -> int:
    """From half a year ago to the end of the week to come; how many bookings there are."""
    now, made = clock.now(), 0
    today = clock.today()
    db.autoflush = False  # each verb writes what it changed; looking things up in between needs no writing
    for offset in range(-WEEKS * 7, 7):
        day = today + timedelta(days=offset)
        for _ in range(town.dice.randint(A_DAY - 3, A_DAY + 3)):
            life = _somebody_books(db, town, vault, day, now)
            if life is not None:
                await life.live()
                made += 1
        await db.flush()
        db.expunge_all()
    return made + await _set_the_scene(db, town, vault, now)


async def _set_the_scene(db: AsyncSession, town: Town, vault: Vault, now: datetime) -> int:
    """Whoever signs in as the demo's professional finds an offer that asks for them, two near ones, and a job of the
    demo's customer; the times are the next free ones."""
    ravi, meera = town.crew[0], town.residents[0]
    near = [one for one in town.residents[1:] if one.where.pincode in town.covers[ravi.id]]
    scenes = [(meera, "accepted"), (near[0], "asked"), (near[1], "offer"), (near[2], "offer")]
    for resident, fate in scenes:
        service = town.dice.choice([one for one in town.services if one.id in ravi.services])
        start = _next_free(ravi, service, resident.where, now)
        _take(ravi, service, resident.where, start)
        await Life(db, town, vault, ravi, town.people[ravi.id], resident, service, start, fate, now).live()
    await db.flush()
    return len(scenes)


def _next_free(worker: Worker, service: Service, where: Point, now: datetime) -> datetime:
    """At least four hours ahead, so that nobody's booking would have been too late."""
    earliest = int((now + 4 * HOUR).timestamp())
    days = (now.astimezone(clock.IST).date() + timedelta(days=n) for n in range(7))
    starts = (start for day in days for start in free_starts(worker, service.minutes, where, day))
    return datetime.fromtimestamp(next(start for start in starts if start >= earliest), clock.IST)


def _somebody_books(db: AsyncSession, town: Town, vault: Vault, day: date, now: datetime) -> Life | None:
    """A resident, somebody near who can do the work, and a time when that one is free; the town's own people first."""
    dice = town.dice
    worker = town.crew[0] if dice.random() < 0.08 else dice.choice(town.crew)
    near = [one for one in town.residents if one.where.pincode in town.covers[worker.id]]
    if not near:
        return None
    known = town.residents[0] if town.residents[0] in near and dice.random() < 0.05 else dice.choice(near)
    service = dice.choice([one for one in town.services if one.id in worker.services])
    starts = free_starts(worker, service.minutes, known.where, day)
    fate = dice.choices(FATES, FATES_WEIGHTS)[0]
    if not starts or (day >= now.astimezone(clock.IST).date() and fate != "done"):
        return None
    start = datetime.fromtimestamp(dice.choice(starts), clock.IST)
    if fate in ("done", "by_clock", "no_show"):
        _take(worker, service, known.where, start)
    return Life(db, town, vault, worker, town.people[worker.id], known, service, start, fate, now)


def _take(worker: Worker, service: Service, where: Point, start: datetime) -> None:
    begins = int(start.timestamp())
    worker.busy.append(Busy(0, begins, begins + service.minutes * 60, where, True))


def _due(booking: Booking, phase: str) -> Code:
    code = booking.live_code(phase)
    assert code is not None
    return code
