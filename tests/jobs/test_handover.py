"""Start and finish codes: every attempt is counted before it is compared, exactly under concurrency, and private."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from app.bookings.booking import Booking
from app.bookings.customer_decisions import renew_code
from app.bookings.repository import Bookings
from app.catalog.service import Service
from app.check.run import find_violations
from app.core import clock
from app.core.db import Database
from app.core.encryption import Encryption
from app.core.errors import Invalid, Missing, Refused
from app.core.events import Event
from app.jobs import handover
from app.jobs.acceptance import accept, hand_back
from tests.factories import a_customer, a_professional, a_request, a_service, a_start

ENCRYPTION = Encryption("a secret for tests only")
TAMIL, DEVANAGARI = "௦௧௨௩௪௫௬௭௮௯", "०१२३४५६७८९"


class HandoverScene:
    """Ravi holds a job of Asha's; every step runs in a transaction of its own, as on the web."""

    def __init__(self, database: Database):
        self.database = database

    async def prepare(self):
        async with self.database.work() as db:
            service = await a_service(db)
            self.ravi = await a_professional(db, services=[service])
            self.asha = await a_customer(db)
            booking = await a_request(db, self.asha, service)
            self.reference = (await accept(db, self.ravi, booking.reference, ENCRYPTION)).reference
        return self

    async def code(self, phase="start"):
        async with self.database.work() as db:
            booking = await Bookings(db).for_customer(self.asha, self.reference)
            return booking.live_code(phase).reveal(ENCRYPTION, self.reference)

    async def wrong_code(self, phase="start"):
        return f"{(int(await self.code(phase)) + 1) % 1_000_000:06d}"

    async def start(self, typed, by=None, early=True):
        async with self.database.work() as db:
            work, me = self.database.work, by or self.ravi
            return await handover.start(db, work, me, self.reference, typed, ENCRYPTION, early=early)

    async def complete(self, typed):
        async with self.database.work() as db:
            return await handover.complete(db, self.database.work, self.ravi, self.reference, typed, ENCRYPTION)

    async def booking(self):
        async with self.database.work() as db:
            return await Bookings(db).by_reference(self.reference)

    async def event_names(self):
        async with self.database.work() as db:
            names = await db.scalars(
                select(Event.name).where(Event.subject == f"booking-{self.reference}").order_by(Event.seq)
            )
            return list(names)


@pytest.fixture
async def scene(database):
    return await HandoverScene(database).prepare()


async def test_the_start_code_starts_the_job_and_brings_a_finish_code(scene):
    await scene.start(await scene.code())
    booking = await scene.booking()
    assert booking.state == "started"
    assert [(code.phase, code.is_live) for code in booking.codes] == [("start", False), ("finish", True)]
    assert booking.codes[0].encrypted_code is None


async def test_the_finish_code_completes_the_job_and_takes_the_money(scene, database):
    await scene.start(await scene.code())
    await scene.complete(await scene.code("finish"))
    booking = await scene.booking()
    assert (booking.state, booking.completed_automatically) == ("completed", False)
    async with database.work() as db:
        earned = await db.scalar(text("SELECT -sum(amount) FROM ledger_entries WHERE account = 'earnings'"))
        jobs = await db.scalar(
            text("SELECT jobs FROM professional_ratings WHERE professional_id = :me"), {"me": scene.ravi.id}
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
async def test_a_code_is_right_in_any_spelling(scene, spell):
    await scene.start(spell(await scene.code()))
    assert (await scene.booking()).state == "started"


@pytest.mark.parametrize("typed", ["12345", "1234567", "12345a", "", "½12345", "١٢٣٤٥"])
async def test_what_cannot_be_a_code_costs_no_try(scene, typed):
    with pytest.raises(Invalid, match="Enter 6 digits"):
        await scene.start(typed)
    assert (await scene.booking()).codes[0].attempts == 0


async def test_a_wrong_code_says_how_many_tries_are_left(scene):
    invalid = await scene.wrong_code()
    messages = []
    for _ in range(5):
        with pytest.raises(Invalid) as error:
            await scene.start(invalid)
        messages.append(error.value.errors["code"])
    assert [expected_text.split(". ")[1].split(",")[0] for expected_text in messages[:4]] == [
        "4 tries left",
        "3 tries left",
        "2 tries left",
        "1 try left",
    ]
    assert "locked until" in messages[4]


async def test_five_wrong_tries_lock_for_a_quarter_of_an_hour_and_notify_the_customer(scene):
    invalid, right = await scene.wrong_code(), await scene.code()
    for _ in range(5):
        with pytest.raises(Invalid):
            await scene.start(invalid)
    with pytest.raises(Refused, match="locked until") as error:
        await scene.start(right)
    assert error.value.reason == "locked"
    assert (await scene.event_names()).count("booking.code_locked") == 1
    assert (await scene.booking()).codes[0].attempts == 5
    with clock.freeze(clock.now() + timedelta(minutes=15, seconds=1)):
        await scene.start(right)
    assert (await scene.booking()).state == "started"


@pytest.mark.parametrize("previous_attempts", [4, 9])
async def test_the_right_code_at_the_last_try_leaves_no_lock(scene, database, previous_attempts):
    with clock.freeze(clock.now()):
        for _ in range(previous_attempts):
            with pytest.raises(Invalid):
                await scene.start(await scene.wrong_code())
            async with database.work() as db:
                await db.execute(text("UPDATE codes SET locked_until = NULL"))
        await scene.start(await scene.code())
    assert [code.locked_until for code in (await scene.booking()).codes] == [None, None]
    async with database.work() as db:
        assert await find_violations(db) == []


async def test_ten_wrong_tries_void_the_code_and_only_a_new_one_helps(scene, database):
    invalid, right = await scene.wrong_code(), await scene.code()
    for _ in range(5):
        with pytest.raises(Invalid):
            await scene.start(invalid)
    with clock.freeze(clock.now() + timedelta(minutes=16)):
        for _ in range(5):
            with pytest.raises(Invalid):
                await scene.start(invalid)
        with pytest.raises(Refused, match="is no longer valid"):
            await scene.start(right)
        assert (await scene.event_names()).count("booking.code_voided") == 1
        async with database.work() as db:
            await renew_code(db, scene.asha, scene.reference, ENCRYPTION)
        await scene.start(await scene.code())
    assert (await scene.booking()).state == "started"


async def test_a_new_code_lifts_the_lock_and_voids_the_old_one(scene, database):
    invalid, old = await scene.wrong_code(), await scene.code()
    for _ in range(5):
        with pytest.raises(Invalid):
            await scene.start(invalid)
    async with database.work() as db:
        await renew_code(db, scene.asha, scene.reference, ENCRYPTION)
    new = await scene.code()
    if old != new:
        with pytest.raises(Invalid, match="4 tries left"):
            await scene.start(old)
    await scene.start(new)


async def test_a_spent_code_is_refused_when_it_comes_again(scene):
    code = await scene.code()
    await scene.start(code)
    with pytest.raises(Refused, match="has started"):
        await scene.start(code)


async def test_the_code_of_the_other_phase_is_a_wrong_code(scene):
    start = await scene.code()
    await scene.start(start)
    if start != await scene.code("finish"):
        with pytest.raises(Invalid, match="not the right code"):
            await scene.complete(start)
    with pytest.raises(Refused, match="has started"):
        await scene.start(await scene.code("finish"))


async def test_a_job_cannot_be_finished_before_it_began(scene):
    with pytest.raises(Refused, match="has been accepted"):
        await scene.complete("123456")


async def test_the_code_of_another_booking_is_a_wrong_code(scene, database):
    async with database.work() as db:
        other = await a_request(db, scene.asha, await _service_of(db, scene), a_start(days=2))
        await accept(db, scene.ravi, other.reference, ENCRYPTION)
        foreign = other.live_code("start").reveal(ENCRYPTION, other.reference)
    if foreign != await scene.code():
        with pytest.raises(Invalid, match="not the right code"):
            await scene.start(foreign)


async def test_a_code_dies_when_the_job_is_handed_back(scene, database):
    code = await scene.code()
    async with database.work() as db:
        kumar = await a_professional(db, "Kumar Das", services=[await _service_of(db, scene)])
        await hand_back(db, scene.ravi, scene.reference, "My scooter broke.")
        await accept(db, kumar, scene.reference, ENCRYPTION)
    with pytest.raises(Missing):
        await scene.start(code)
    if code != await scene.code():
        with pytest.raises(Invalid):
            await scene.start(code, by=kumar)


async def test_an_outsider_finds_no_job_to_enter_a_code_for(scene, database):
    async with database.work() as db:
        omar = await a_professional(db, "Omar Sheriff", services=[await _service_of(db, scene)])
    with pytest.raises(Missing):
        await scene.start(await scene.code(), by=omar)
    assert (await scene.booking()).codes[0].attempts == 0


async def test_of_three_hundred_tries_at_once_exactly_five_are_compared(own_database):
    scene = await HandoverScene(own_database).prepare()
    invalid = await scene.wrong_code()
    outcomes = await _all_at_once(scene, invalid, 300)
    assert outcomes == {"wrong": 5, "locked": 295}
    assert (await scene.booking()).codes[0].attempts == 5
    assert (await scene.event_names()).count("booking.code_locked") == 1


async def test_of_many_right_codes_at_once_one_starts_the_job(own_database):
    scene = await HandoverScene(own_database).prepare()
    code = await scene.code()
    outcomes = await _all_at_once(scene, code, 40)
    assert outcomes["started"] == 1
    assert set(outcomes) <= {"started", "state", "locked"}
    assert (await scene.event_names()).count("booking.started") == 1


async def _all_at_once(scene, typed, times):
    """As many at the same moment as there are connections; the others press in behind them."""
    rush = asyncio.Semaphore(20)

    async def press():
        async with rush:
            return await _outcome(scene, typed)

    return Counter(await asyncio.gather(*(press() for _ in range(times))))


async def _outcome(scene, typed):
    try:
        await scene.start(typed)
    except Invalid:
        return "wrong"
    except Refused as refusal:
        return refusal.reason
    return "started"


async def _service_of(db, scene):
    booking = (await db.scalars(select(Booking).where(Booking.reference == scene.reference))).one()
    return await db.get_one(Service, booking.service_id)


async def test_an_early_start_needs_a_confirmation_before_any_code_is_compared(scene):
    starts_at = (await scene.booking()).starts_at
    for typed in (await scene.wrong_code(), await scene.code()):
        with clock.freeze(starts_at - timedelta(minutes=91)), pytest.raises(Refused) as refusal:
            await scene.start(typed, early=False)
        assert (refusal.value.reason, refusal.value.about) == ("early", "start")
        assert refusal.value.message.startswith("The visit is at 10:00\xa0am. Start now?")
    booking = await scene.booking()
    assert (booking.state, booking.codes[0].attempts) == ("assigned", 0)
    with clock.freeze(starts_at - timedelta(minutes=90)):
        await scene.start(await scene.code(), early=False)
    assert (await scene.booking()).state == "started"


async def test_an_arrival_is_refused_until_an_hour_before_the_visit(scene, database):
    starts_at = (await scene.booking()).starts_at

    async def arrive(minutes):
        with clock.freeze(starts_at - timedelta(minutes=minutes)):
            async with database.work() as db:
                await handover.arrive(db, scene.ravi, scene.reference)

    for minutes in (3 * 24 * 60, 61):
        with pytest.raises(Refused, match=r"from .*9:00\sam") as refusal:
            await arrive(minutes)
        assert refusal.value.reason == "early"
    assert (await scene.booking()).arrived_at is None
    await arrive(60)
    assert (await scene.booking()).arrived_at == starts_at - timedelta(minutes=60)
