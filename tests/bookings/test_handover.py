"""The codes at the door: counted before they are compared, exact whatever is tried at once, told to nobody else."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from app.bookings.booking import Booking
from app.bookings.cancellation import renew_code
from app.bookings.repository import Bookings
from app.bookings.reservation import accept, hand_back
from app.catalog.service import Service
from app.check.run import broken
from app.core import clock
from app.core.db import Database
from app.core.encryption import Vault
from app.core.errors import Invalid, Missing, Refused
from app.core.events import Event
from app.jobs import handover
from tests.factories import a_customer, a_professional, a_request, a_service, a_start

VAULT = Vault("a secret for tests only")
TAMIL, DEVANAGARI = "௦௧௨௩௪௫௬௭௮௯", "०१२३४५६७८९"


class Door:
    """Ravi at Asha's door, with a job that he holds; every step in a transaction of its own, as the web does it."""

    def __init__(self, database: Database):
        self.database = database

    async def prepare(self):
        async with self.database.work() as db:
            service = await a_service(db)
            self.ravi = await a_professional(db, services=[service])
            self.asha = await a_customer(db)
            booking = await a_request(db, self.asha, service)
            self.reference = (await accept(db, self.ravi, booking.reference, VAULT)).reference
        return self

    async def code(self, phase="start"):
        async with self.database.work() as db:
            booking = await Bookings(db).for_customer(self.asha, self.reference)
            return booking.live_code(phase).reveal(VAULT, self.reference)

    async def wrong(self, phase="start"):
        return f"{(int(await self.code(phase)) + 1) % 1_000_000:06d}"

    async def start(self, typed, by=None):
        async with self.database.work() as db:
            return await handover.start(db, self.database.work, by or self.ravi, self.reference, typed, VAULT)

    async def complete(self, typed):
        async with self.database.work() as db:
            return await handover.complete(db, self.database.work, self.ravi, self.reference, typed, VAULT)

    async def booking(self):
        async with self.database.work() as db:
            return await Bookings(db).by_reference(self.reference)

    async def told(self):
        async with self.database.work() as db:
            names = await db.scalars(
                select(Event.name).where(Event.subject == f"booking-{self.reference}").order_by(Event.seq)
            )
            return list(names)


@pytest.fixture
async def door(database):
    return await Door(database).prepare()


async def test_the_start_code_starts_the_job_and_brings_a_finish_code(door):
    await door.start(await door.code())
    booking = await door.booking()
    assert booking.state == "started"
    assert [(code.phase, code.is_live) for code in booking.codes] == [("start", False), ("finish", True)]
    assert booking.codes[0].sealed is None


async def test_the_finish_code_completes_the_job_and_takes_the_money(door, database):
    await door.start(await door.code())
    await door.complete(await door.code("finish"))
    booking = await door.booking()
    assert (booking.state, booking.by_clock) == ("completed", False)
    async with database.work() as db:
        earned = await db.scalar(text("SELECT -sum(amount) FROM ledger_entries WHERE account = 'earnings'"))
        jobs = await db.scalar(
            text("SELECT jobs FROM professional_ratings WHERE professional_id = :me"), {"me": door.ravi.id}
        )
    assert (earned, jobs) == (126_65, 1)


@pytest.mark.parametrize(
    "spell",
    [
        lambda code: f"{code[:3]} {code[3:]}",
        lambda code: f" {code[:3]}-{code[3:]} ",
        lambda code: "\u00a0".join(code),
        lambda code: "".join(TAMIL[int(digit)] for digit in code),
        lambda code: "".join(DEVANAGARI[int(digit)] for digit in code),
    ],
)
async def test_a_code_is_right_in_any_spelling(door, spell):
    await door.start(spell(await door.code()))
    assert (await door.booking()).state == "started"


@pytest.mark.parametrize("typed", ["12345", "1234567", "12345a", "", "½12345", "١٢٣٤٥"])
async def test_what_cannot_be_a_code_costs_no_try(door, typed):
    with pytest.raises(Invalid, match="Six digits"):
        await door.start(typed)
    assert (await door.booking()).codes[0].attempts == 0


async def test_a_wrong_code_says_how_many_tries_are_left(door):
    wrong = await door.wrong()
    said = []
    for _ in range(5):
        with pytest.raises(Invalid) as no:
            await door.start(wrong)
        said.append(no.value.errors["code"])
    assert [words.split(". ")[1].split(",")[0] for words in said[:4]] == [
        "Four tries left",
        "Three tries left",
        "Two tries left",
        "One try left",
    ]
    assert "locked until" in said[4]


async def test_five_wrong_tries_lock_for_a_quarter_of_an_hour_and_tell_the_customer(door):
    wrong, right = await door.wrong(), await door.code()
    for _ in range(5):
        with pytest.raises(Invalid):
            await door.start(wrong)
    with pytest.raises(Refused, match="locked until") as no:
        await door.start(right)
    assert no.value.reason == "locked"
    assert (await door.told()).count("booking.code_locked") == 1
    assert (await door.booking()).codes[0].attempts == 5
    with clock.stopped(clock.now() + timedelta(minutes=15, seconds=1)):
        await door.start(right)
    assert (await door.booking()).state == "started"


@pytest.mark.parametrize("wrong_before", [4, 9])
async def test_the_right_code_at_the_last_try_leaves_no_lock(door, database, wrong_before):
    with clock.stopped(clock.now()):
        for _ in range(wrong_before):
            with pytest.raises(Invalid):
                await door.start(await door.wrong())
            async with database.work() as db:
                await db.execute(text("UPDATE codes SET locked_until = NULL"))
        await door.start(await door.code())
    assert [code.locked_until for code in (await door.booking()).codes] == [None, None]
    async with database.work() as db:
        assert await broken(db) == []


async def test_ten_wrong_tries_void_the_code_and_only_a_new_one_helps(door, database):
    wrong, right = await door.wrong(), await door.code()
    for _ in range(5):
        with pytest.raises(Invalid):
            await door.start(wrong)
    with clock.stopped(clock.now() + timedelta(minutes=16)):
        for _ in range(5):
            with pytest.raises(Invalid):
                await door.start(wrong)
        with pytest.raises(Refused, match="does not work any more"):
            await door.start(right)
        assert (await door.told()).count("booking.code_voided") == 1
        async with database.work() as db:
            await renew_code(db, door.asha, door.reference, VAULT)
        await door.start(await door.code())
    assert (await door.booking()).state == "started"


async def test_a_new_code_lifts_the_lock_and_voids_the_old_one(door, database):
    wrong, old = await door.wrong(), await door.code()
    for _ in range(5):
        with pytest.raises(Invalid):
            await door.start(wrong)
    async with database.work() as db:
        await renew_code(db, door.asha, door.reference, VAULT)
    new = await door.code()
    if old != new:
        with pytest.raises(Invalid, match="Four tries left"):
            await door.start(old)
    await door.start(new)


async def test_a_spent_code_is_refused_when_it_comes_again(door):
    code = await door.code()
    await door.start(code)
    with pytest.raises(Refused, match="has started"):
        await door.start(code)


async def test_the_code_of_the_other_phase_is_a_wrong_code(door):
    start = await door.code()
    await door.start(start)
    if start != await door.code("finish"):
        with pytest.raises(Invalid, match="not the code"):
            await door.complete(start)
    with pytest.raises(Refused, match="has started"):
        await door.start(await door.code("finish"))


async def test_a_job_cannot_be_finished_before_it_began(door):
    with pytest.raises(Refused, match="has been accepted"):
        await door.complete("123456")


async def test_the_code_of_another_booking_is_a_wrong_code(door, database):
    async with database.work() as db:
        other = await a_request(db, door.asha, await _service_of(db, door), a_start(days=2))
        await accept(db, door.ravi, other.reference, VAULT)
        foreign = other.live_code("start").reveal(VAULT, other.reference)
    if foreign != await door.code():
        with pytest.raises(Invalid, match="not the code"):
            await door.start(foreign)


async def test_a_code_dies_when_the_job_is_handed_back(door, database):
    code = await door.code()
    async with database.work() as db:
        kumar = await a_professional(db, "Kumar Das", services=[await _service_of(db, door)])
        await hand_back(db, door.ravi, door.reference, "My scooter broke.")
        await accept(db, kumar, door.reference, VAULT)
    with pytest.raises(Missing):
        await door.start(code)
    if code != await door.code():
        with pytest.raises(Invalid):
            await door.start(code, by=kumar)


async def test_an_outsider_finds_no_job_to_enter_a_code_for(door, database):
    async with database.work() as db:
        omar = await a_professional(db, "Omar Sheriff", services=[await _service_of(db, door)])
    with pytest.raises(Missing):
        await door.start(await door.code(), by=omar)
    assert (await door.booking()).codes[0].attempts == 0


async def test_of_three_hundred_tries_at_once_exactly_five_are_compared(own_database):
    door = await Door(own_database).prepare()
    wrong = await door.wrong()
    outcomes = await _all_at_once(door, wrong, 300)
    assert outcomes == {"wrong": 5, "locked": 295}
    assert (await door.booking()).codes[0].attempts == 5
    assert (await door.told()).count("booking.code_locked") == 1


async def test_of_many_right_codes_at_once_one_starts_the_job(own_database):
    door = await Door(own_database).prepare()
    code = await door.code()
    outcomes = await _all_at_once(door, code, 40)
    assert outcomes["started"] == 1
    assert set(outcomes) <= {"started", "state", "locked"}
    assert (await door.told()).count("booking.started") == 1


async def _all_at_once(door, typed, times):
    """As many at the same moment as there are connections; the others press in behind them."""
    rush = asyncio.Semaphore(20)

    async def press():
        async with rush:
            return await _outcome(door, typed)

    return Counter(await asyncio.gather(*(press() for _ in range(times))))


async def _outcome(door, typed):
    try:
        await door.start(typed)
    except Invalid:
        return "wrong"
    except Refused as refusal:
        return refusal.reason
    return "started"


async def _service_of(db, door):
    booking = (await db.scalars(select(Booking).where(Booking.reference == door.reference))).one()
    return await db.get_one(Service, booking.service_id)
