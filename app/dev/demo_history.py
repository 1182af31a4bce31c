"""The bookings of the demo town: the two weeks around its first day, then half a year before them.

The history is written later than the present, with lower ids, so that lists by id stay in the order of time.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.ratings import STAR_COLUMNS
from app.accounts.repository import ProfessionalRatings
from app.bookings.booking import Booking
from app.bookings.code import Code
from app.bookings.extra import Extra
from app.bookings.moves import State
from app.cases.case import Case, CaseMessage
from app.catalog.repository import ServiceRatings
from app.core import clock
from app.core.encryption import Encryption
from app.core.sql import copy, fetch, fetch_value
from app.dev.demo_bookings import HOUR, MINUTE, DemoBooking
from app.dev.demo_town import HISTORY_WEEKS, ROUND_THE_CLOCK, Resident, Town
from app.reviews.review import Review
from app.scheduling.candidates import TURNAROUND_DURATION, BusyTime, Candidate
from app.scheduling.reservation import Reservation
from app.scheduling.slots import free_starts

RANDOM_SEED = 600020
BOOKINGS_PER_DAY = 11  # on average
DAYS_AROUND = 7  # of the present, before and after the first day
# Of bookings before the first day; later ones are "done", as far as time has come.
OUTCOMES = {
    "done": 866,
    "returned": 16,
    "moved": 16,
    "given": 10,
    "customer": 36,
    "late": 12,
    "platform": 6,
    "unfilled": 12,
    "expired": 10,
    "no_show": 10,
    "professional_absent": 6,
    "by_clock": 10,
}
# Endings that are always there, with the hours since their start: enough for all that follows to be over.
STAGED_ENDINGS = (
    ("no_show", 12),
    ("unreviewed", 12),
    ("done", 44),
    ("late", 1),
    ("customer", 1),
    ("platform", 1),
    ("unfilled", 1),
    ("professional_absent", 1),
    ("by_clock", 18),
)
WITHOUT_WORK = ("customer", "late", "platform", "unfilled", "expired", "professional_absent")
# Ids that the present leaves free for the history.
RESERVED_IDS = {"bookings": 3_000, "ledger_transactions": 12_000, "reviews": 3_000}
NEW_IDS = "SELECT nextval(pg_get_serial_sequence($1, 'id')) FROM generate_series(1, $2::int)"
# Only the demo town has bookings of its founders from before the present.
HAS_HISTORY = """
    SELECT EXISTS (SELECT 1 FROM bookings b JOIN users u ON u.id = b.customer_id
                    WHERE u.created_at = $1 AND b.starts_at < $2)
"""
OF_FOUNDERS = "SELECT min(b.id) FROM bookings b JOIN users u ON u.id = b.customer_id WHERE u.created_at = $1"
FIRST_IDS = {
    "bookings": OF_FOUNDERS,
    "ledger_transactions": f"SELECT min(id) FROM ledger_transactions WHERE booking_id >= ({OF_FOUNDERS})",
    "reviews": f"SELECT min(id) FROM reviews WHERE booking_id >= ({OF_FOUNDERS})",
}


async def has_history(db: AsyncSession, town: Town) -> bool:
    """Whether the bookings before the present exist."""
    return bool(await fetch_value(db, HAS_HISTORY, town.founded, _present(town)))


async def write_present(db: AsyncSession, town: Town, encryption: Encryption) -> int:
    """Write the bookings of the two weeks around today, with every state and every kind of ending; return how many."""
    for table, count in RESERVED_IDS.items():
        await _new_ids(db, table, count)
    (first_id,) = await _new_ids(db, "bookings", 1)
    simulation = _Simulation(town, random.Random(RANDOM_SEED), encryption, first_id)
    simulation.stage()
    for offset in range(-DAYS_AROUND, DAYS_AROUND):
        simulation.live_through(town.first_day + timedelta(days=offset))
    made = simulation.bookings
    await _new_ids(db, "bookings", len(made) - 1)
    transactions = sum(len(demo.money.transactions) for demo in made)
    reviews = sum(demo.review is not None for demo in made)
    first_ids = {
        "ledger_transactions": (await _new_ids(db, "ledger_transactions", transactions))[0],
        "reviews": (await _new_ids(db, "reviews", reviews))[0],
    }
    await _write(db, made, first_ids)
    return len(made)


async def write_history(db: AsyncSession, town: Town, encryption: Encryption) -> int:
    """Write the half year before the present; return how many bookings. The caller has looked that there is none."""
    first_ids = {
        table: (await fetch_value(db, FIRST_IDS[table], town.founded)) - count for table, count in RESERVED_IDS.items()
    }
    simulation = _Simulation(town, random.Random(RANDOM_SEED + 1), encryption, first_ids["bookings"])
    first_day = town.first_day - timedelta(weeks=HISTORY_WEEKS)
    for offset in range(HISTORY_WEEKS * 7 - DAYS_AROUND):
        simulation.live_through(first_day + timedelta(days=offset))
    await _write(db, simulation.bookings, first_ids)
    return len(simulation.bookings)


def _present(town: Town) -> datetime:
    """The first moment of the present."""
    return clock.at(town.first_day - timedelta(days=DAYS_AROUND))


async def _new_ids(db: AsyncSession, table: str, count: int) -> list[int]:
    return [row[0] for row in await fetch(db, NEW_IDS, table, count)]


class _Simulation:
    """Makes bookings one after the other; their ids begin at `first_id`."""

    def __init__(self, town: Town, rng: random.Random, encryption: Encryption, first_id: int) -> None:
        self.town, self.rng, self.encryption, self.first_id = town, rng, encryption, first_id
        self.now = clock.now()
        self.bookings: list[DemoBooking] = []

    def live_through(self, day: date) -> None:
        """Make the bookings that start on this day."""
        for _ in range(self.rng.randint(BOOKINGS_PER_DAY - 3, BOOKINGS_PER_DAY + 3)):
            self._add_random(day)

    def _add_random(self, day: date) -> None:
        """Pick a professional, a resident nearby, a service and a free time, often of demo accounts."""
        town, rng = self.town, self.rng
        candidate = town.candidates[0] if rng.random() < 0.08 else rng.choice(town.candidates)
        near = town.near(candidate)
        outcome = rng.choices(list(OUTCOMES), list(OUTCOMES.values()))[0]
        if not near or (day >= town.first_day and outcome != "done"):
            return
        resident = town.residents[0] if town.residents[0] in near and rng.random() < 0.05 else rng.choice(near)
        service_id = rng.choice(sorted(candidate.services))
        starts = free_starts(candidate, town.service(service_id).minutes, resident.location, day)
        if starts:
            self._add(outcome, candidate, resident, service_id, _moment(rng.choice(starts)))

    def stage(self) -> None:
        """Make one booking of every state and every kind of ending, whatever the hour."""
        half_hour = datetime.fromtimestamp(int(self.now.timestamp()) // 1800 * 1800, clock.IST)
        demo, *others = self.town.candidates
        # At every hour someone is at work, at the door and on the way.
        for candidate, outcome, start in (
            (others[0], "started", half_hour - 30 * MINUTE),
            (others[1], "arrived", half_hour),
            (others[2], "departed", half_hour + 30 * MINUTE),
        ):
            resident = self._customer(candidate)
            self._stage(outcome, candidate, resident, start, booked_at=start - 5 * HOUR)
        for outcome, hours_ago in STAGED_ENDINGS:
            candidate = others[len(self.bookings) % len(ROUND_THE_CLOCK)]
            resident = self._customer(candidate)
            start = max(start for start in self._free(candidate, resident) if start <= self.now - hours_ago * HOUR)
            self._stage(outcome, candidate, resident, start)
        for outcome, candidate, hours, booked_at in (
            ("expired", others[0], 5, self.now - 20 * MINUTE),
            ("held", others[1], 5, self.now - MINUTE),
            ("accepted", demo, 4, None),
            ("asked", demo, 4, self.now - 3 * MINUTE),
            ("offer", demo, 4, None),
            ("offer", demo, 4, None),
        ):
            resident = self.town.residents[0] if outcome == "accepted" else self._customer(candidate)
            start = min(start for start in self._free(candidate, resident) if start >= self.now + hours * HOUR)
            self._stage(outcome, candidate, resident, start, booked_at=booked_at)

    def _stage(
        self,
        outcome: str,
        candidate: Candidate,
        resident: Resident,
        start: datetime,
        *,
        booked_at: datetime | None = None,
    ) -> None:
        service_id = self._longest_service(candidate)
        self._add(outcome, candidate, resident, service_id, start, booked_at=booked_at, is_staged=True)

    def _customer(self, candidate: Candidate) -> Resident:
        """The demo customer for what comes first, if the candidate works there; then everyone in turn."""
        near = self.town.near(candidate)
        return near[len(self.bookings) % len(near)]

    def _longest_service(self, candidate: Candidate) -> int:
        """So that work that has started is not over yet."""
        return max(candidate.services, key=lambda service_id: self.town.service(service_id).minutes)

    def _free(self, candidate: Candidate, resident: Resident) -> Iterator[datetime]:
        """The candidate's free starts around now for their longest service."""
        minutes = self.town.service(self._longest_service(candidate)).minutes
        for offset in range(-DAYS_AROUND + 1, DAYS_AROUND):
            day = self.now.astimezone(clock.IST).date() + timedelta(days=offset)
            yield from map(_moment, free_starts(candidate, minutes, resident.location, day))

    def _add(
        self,
        outcome: str,
        candidate: Candidate,
        resident: Resident,
        service_id: int,
        start: datetime,
        *,
        booked_at: datetime | None = None,
        is_staged: bool = False,
    ) -> None:
        booking = DemoBooking(
            self.first_id + len(self.bookings),
            self.town,
            self.rng,
            self.encryption,
            candidate,
            resident,
            service_id,
            start,
            outcome,
            self.now,
            booked_at,
            is_staged,
        )
        self.bookings.append(booking.run())
        if outcome not in WITHOUT_WORK:
            minutes = self.town.service(service_id).minutes
            since = int(start.timestamp())
            candidate.busy.append(BusyTime(0, since, since + minutes * 60, resident.location, True))


async def _write(db: AsyncSession, demo_bookings: Sequence[DemoBooking], first_ids: dict[str, int]) -> None:
    """Write everything in bulk. `first_ids` are those of ledger transactions and reviews."""
    bookings = [demo.booking for demo in demo_bookings]
    await copy(db, bookings)
    await copy(db, [_reservation(demo) for demo in demo_bookings if demo.takes_time])
    await _write_events(db, bookings)
    await copy(db, _of_bookings((booking, booking.codes) for booking in bookings))
    await copy(db, _of_bookings((booking, booking.extras) for booking in bookings))
    await copy(db, [decline for demo in demo_bookings for decline in demo.declines])
    await copy(db, [demo.dispute for demo in demo_bookings if demo.dispute])
    await _write_cases(db, [demo.case for demo in demo_bookings if demo.case])
    await _write_money(db, demo_bookings, first_ids["ledger_transactions"])
    reviews = sorted((demo.review for demo in demo_bookings if demo.review), key=lambda review: review.created_at)
    for review_id, review in enumerate(reviews, first_ids["reviews"]):
        review.id = review_id
    await copy(db, reviews)
    await _count(db, bookings, reviews)


async def _write_cases(db: AsyncSession, cases: Sequence[tuple[Case, CaseMessage]]) -> None:
    for table, row_number in (("cases", 0), ("case_messages", 1)):
        for rows, row_id in zip(cases, await _new_ids(db, table, len(cases)), strict=True):
            rows[row_number].id = row_id
    for case, message in cases:
        message.case_id = case.id
    await copy(db, [case for case, _message in cases])
    await copy(db, [message for _case, message in cases])


def _reservation(demo: DemoBooking) -> Reservation:
    booking = demo.booking
    return Reservation(
        booking_id=booking.id,
        professional_id=demo.candidate.id,
        span=asyncpg.Range(booking.starts_at, booking.ends_at + TURNAROUND_DURATION),
        pincode=booking.pincode,
        is_committed=booking.state in (State.ASSIGNED, State.STARTED),
        expires_at=booking.held_until,
    )


def _of_bookings(parts: Iterable[tuple[Booking, Sequence[Code] | Sequence[Extra]]]) -> list[Code | Extra]:
    rows = []
    for booking, belonging in parts:
        for row in belonging:
            row.booking_id = booking.id
            rows.append(row)
    return rows


async def _write_events(db: AsyncSession, bookings: Sequence[Booking]) -> None:
    events = [event for booking in bookings for event, _nudges in booking.pop_pending_events()]
    values = []
    for event, event_id in zip(events, await _new_ids(db, "events", len(events)), strict=True):
        event.id = event_id
        for value in event.values:
            value.event_id = event_id
            values.append(value)
    await copy(db, events)
    await copy(db, values)


async def _write_money(db: AsyncSession, demo_bookings: Sequence[DemoBooking], first_id: int) -> None:
    charges = [charge for demo in demo_bookings for charge in demo.money.new_charges]
    for charge, charge_id in zip(charges, await _new_ids(db, "charges", len(charges)), strict=True):
        charge.id = charge_id
    posted = [transaction for demo in demo_bookings for transaction in demo.money.transactions]
    posted.sort(key=lambda transaction: transaction.at)
    entries = []
    for transaction_id, transaction in enumerate(posted, first_id):
        assert transaction.charge is not None
        transaction.id, transaction.charge_id = transaction_id, transaction.charge.id
        for entry in transaction.entries:
            entry.transaction_id = transaction_id
            entries.append(entry)
    await copy(db, charges)
    await copy(db, posted)
    await copy(db, entries)


async def _count(db: AsyncSession, bookings: Sequence[Booking], reviews: Sequence[Review]) -> None:
    """Add the stars and the completed jobs; services first, in order, so that nothing waits in a circle."""
    by_service: dict[int, Counter[str]] = {}
    by_professional: dict[int, Counter[str]] = {}
    for review in reviews:
        star = STAR_COLUMNS[review.rating - 1]
        by_service.setdefault(review.service_id, Counter())[star] += 1
        by_professional.setdefault(review.professional_id, Counter())[star] += 1
    for booking in bookings:
        if booking.state in (State.COMPLETED, State.CLOSED) and booking.professional_id is not None:
            by_professional.setdefault(booking.professional_id, Counter())["jobs"] += 1
    for service_id, counts in sorted(by_service.items()):
        await ServiceRatings(db).count_stars(service_id, counts)
    for professional_id, counts in sorted(by_professional.items()):
        await ProfessionalRatings(db).count_stars(professional_id, counts)


def _moment(epoch_seconds: int) -> datetime:
    return datetime.fromtimestamp(epoch_seconds, clock.IST)
