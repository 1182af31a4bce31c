"""Blocking while bookings begin, on real connections: in any order, a blocked user holds nothing afterwards."""

import asyncio

import pytest
from sqlalchemy import text

from app.accounts.session import Sessions
from app.blocking.block import block
from app.bookings.checkout import pay
from app.bookings.holds import BookingRequest, hold
from app.check.run import find_violations
from app.core.encryption import Encryption
from app.core.errors import Missing, Refused
from app.jobs.acceptance import accept
from app.people.admin_roles import demote
from tests.authorisation.town import APPROVED
from tests.factories import ADYAR, a_customer, a_hold, a_professional, a_request, a_service, a_start, an_admin
from tests.waiting import until_waiting

RACE_ROUNDS = 8
BEGUN = ("done", "blocked", "taken", "state", "missing", "busy", "nobody")  # possible outcomes for the other party
ENCRYPTION = Encryption("a secret of these tests, long enough to be one")


@pytest.fixture
async def meena(own_database):
    async with own_database.work() as db:
        return await an_admin(db)


async def ends(work) -> str:
    """Return the outcome of a call that lost or won a race; unexpected errors are raised."""
    try:
        await work
    except Refused as refusal:
        return refusal.reason
    except Missing:
        return "missing"
    return "done"


def blocking(database, by, user):
    async def go():
        async with database.work() as db:
            await block(db, Sessions(database), by, user.id, "Requested more money.")

    return ends(go())


async def nothing_is_left_open(database, user_ids) -> None:
    async with database.work() as db:
        left = await db.scalar(
            text(
                "SELECT count(*) FROM bookings b JOIN blocks k ON k.user_id IN (b.customer_id, b.professional_id)"
                " WHERE b.state IN ('held', 'requested', 'assigned')"
            )
        )
        stored = await db.scalar(text("SELECT count(*) FROM blocks WHERE user_id = ANY(:ids)"), {"ids": user_ids})
        assert await find_violations(db) == []
    assert (left, stored) == (0, len(user_ids))


async def test_a_customer_books_while_being_blocked(own_database, meena):
    async with own_database.work() as db:
        service = await a_service(db)
        await a_professional(db, services=[service])
        customers = [await a_customer(db, f"Asha {chr(65 + n)}") for n in range(RACE_ROUNDS)]

    async def books(customer, day):
        async with own_database.work() as db:
            await hold(db, customer, BookingRequest(service.id, a_start(days=day), "Flat 3B", ADYAR))

    for n, customer in enumerate(customers):
        begun, outcomes = await asyncio.gather(
            ends(books(customer, 1 + n % 6)), blocking(own_database, meena, customer)
        )
        assert (outcomes, begun in BEGUN) == ("done", True), begun
    await nothing_is_left_open(own_database, [customer.id for customer in customers])


async def test_a_customer_pays_while_being_blocked(own_database, meena):
    async with own_database.work() as db:
        service = await a_service(db)
        await a_professional(db, services=[service])
        customers = [await a_customer(db, f"Asha {chr(65 + n)}") for n in range(RACE_ROUNDS)]
        holds = [
            await a_hold(db, item, service, a_start(days=1 + n % 6, hour=8 + n)) for n, item in enumerate(customers)
        ]
        references = [item.reference for item in holds]

    async def pays(customer, reference):
        async with own_database.work() as db:
            await pay(db, customer, reference, APPROVED)

    for customer, reference in zip(customers, references, strict=True):
        begun, outcomes = await asyncio.gather(ends(pays(customer, reference)), blocking(own_database, meena, customer))
        assert (outcomes, begun in BEGUN) == ("done", True), begun
    await nothing_is_left_open(own_database, [customer.id for customer in customers])


async def test_a_professional_accepts_while_being_blocked(own_database, meena):
    async with own_database.work() as db:
        service = await a_service(db)
        workers = [await a_professional(db, f"Ravi {chr(65 + n)}", services=[service]) for n in range(RACE_ROUNDS)]
        requested = [
            (await a_request(db, await a_customer(db), service, a_start(days=1 + n % 6, hour=8 + n))).reference
            for n in range(RACE_ROUNDS)
        ]

    async def accepts(worker, reference):
        async with own_database.work() as db:
            await accept(db, worker, reference, ENCRYPTION)

    for worker, reference in zip(workers, requested, strict=True):
        begun, outcomes = await asyncio.gather(ends(accepts(worker, reference)), blocking(own_database, meena, worker))
        assert (outcomes, begun in BEGUN) == ("done", True), begun
    async with own_database.work() as db:
        held = text(
            "SELECT (SELECT count(*) FROM bookings WHERE professional_id IS NOT NULL) + count(*) FROM reservations"
        )
        assert await db.scalar(held) == 0
        assert await db.scalar(text("SELECT count(*) FROM blocks")) == RACE_ROUNDS


async def test_no_ones_time_is_kept_that_will_not_be_there(own_database, meena):
    """Customers name the professional who is being blocked, in parallel."""
    async with own_database.work() as db:
        service = await a_service(db)
        workers = [await a_professional(db, f"Ravi {chr(65 + n)}", services=[service]) for n in range(RACE_ROUNDS)]
        customers = [await a_customer(db, f"Asha {chr(65 + n)}") for n in range(3)]

    async def books(customer, worker, day):
        async with own_database.work() as db:
            await hold(db, customer, BookingRequest(service.id, a_start(days=day), "Flat 3B", ADYAR, "", worker.id))

    for n, worker in enumerate(workers):
        trying = [ends(books(customer, worker, 1 + n % 6)) for customer in customers]
        *begun, outcomes = await asyncio.gather(*trying, blocking(own_database, meena, worker))
        assert (outcomes, set(begun) <= {*BEGUN}) == ("done", True), begun
        async with own_database.work() as db:
            statement = "SELECT count(*) FROM reservations WHERE professional_id = :who"
            assert await db.scalar(text(statement), {"who": worker.id}) == 0


async def test_who_books_or_pays_while_the_block_is_being_written_waits_and_is_refused(own_database, meena):
    async with own_database.work() as db:
        service = await a_service(db)
        ravi = await a_professional(db, services=[service])
        await a_professional(db, "Kumar Raja", services=[service])
        asha, omar = await a_customer(db), await a_customer(db, "Omar Sheriff")
        requested = (await a_request(db, omar, service)).reference

    async def books():
        async with own_database.work() as db:
            await hold(db, asha, BookingRequest(service.id, a_start(days=3), "Flat 3B", ADYAR))

    async def accepts():
        async with own_database.work() as db:
            await accept(db, ravi, requested, ENCRYPTION)

    async with own_database.work() as db:
        for user in (ravi, asha):
            await block(db, Sessions(own_database), meena, user.id, "Requested more money.")
        trying = [asyncio.create_task(ends(books())), asyncio.create_task(ends(accepts()))]
        await until_waiting(own_database, 2)
        assert not any(task.done() for task in trying), "they wait for whoever blocks"
    booked, accepted = await asyncio.gather(*trying)
    assert booked == "blocked"
    assert accepted in ("blocked", "busy", "missing")


async def test_two_admins_block_the_same_person(own_database, meena):
    async with own_database.work() as db:
        lekha, asha = await an_admin(db, "Lekha Narayanan"), await a_customer(db)
    outcomes = await asyncio.gather(*(blocking(own_database, by, asha) for by in (meena, lekha) * 3))
    assert sorted(outcomes) == ["already"] * 5 + ["done"]


async def test_w18_two_admins_take_the_right_from_each_other_and_one_keeps_it(own_database):
    for _ in range(RACE_ROUNDS):
        async with own_database.work() as db:
            await db.execute(text("UPDATE users SET role = 'customer' WHERE role = 'admin'"))
            first, other = await an_admin(db), await an_admin(db, "Lekha Narayanan")

        async def demotes(by, target):
            async with own_database.work() as db:
                await demote(db, Sessions(own_database), by, target.id)

        async def blocks(by, target):
            async with own_database.work() as db:
                await block(db, Sessions(own_database), by, target.id, "No.")

        outcomes = await asyncio.gather(ends(demotes(first, other)), ends(blocks(other, first)))
        async with own_database.work() as db:
            acting = "SELECT count(*) FROM users u WHERE role = 'admin'"
            acting += " AND NOT EXISTS (SELECT 1 FROM blocks k WHERE k.user_id = u.id AND k.lifted_at IS NULL)"
            assert await db.scalar(text(acting)) == 1, outcomes
