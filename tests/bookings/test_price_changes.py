"""The catalog changes while a customer books or pays: one of the two comes first (W5, W6)."""

import asyncio

import pytest
from sqlalchemy import text

from app.bookings.checkout import pay
from app.catalog import service_changes
from app.check.run import find_violations
from app.core.errors import Invalid, Refused
from tests.catalog.drafts import redrafted
from tests.factories import a_customer, a_hold, a_professional, a_service, an_admin

RACE_ROUNDS = 8


@pytest.fixture
async def cast(own_database):
    async with own_database.work() as db:
        return await an_admin(db), [await a_customer(db) for _ in range(RACE_ROUNDS)]


async def on_sale(database):
    """A service of its own for each round, with a professional."""
    async with database.work() as db:
        service = await a_service(db)
        await a_professional(db, services=[service])
        return service


async def fetch_row(database, question, **params):
    async with database.work() as db:
        return (await db.execute(text(question), params)).one()


@pytest.mark.parametrize("action", ["retire", "dearer"])
async def test_paying_and_a_change_at_the_same_moment_have_an_order(own_database, cast, action):
    meena, customers = cast
    visited = set()
    for number in range(RACE_ROUNDS):
        service = await on_sale(own_database)
        async with own_database.work() as db:
            held = await a_hold(db, customers[number], service)

        async def pays(held=held, asha=customers[number]):
            async with own_database.work() as db:
                await pay(db, asha, held.reference, None)

        async def changes(service=service):
            async with own_database.work() as db:
                if action == "retire":
                    await service_changes.retire(db, meena, service.id)
                else:
                    await service_changes.edit(db, meena, service.id, await redrafted(db, service, price="199"), 0)

        actions = (pays(), changes()) if number % 2 else (changes(), pays())
        outcomes = [item for item in await asyncio.gather(*actions, return_exceptions=True) if item is not None]
        row = await fetch_row(
            own_database,
            "SELECT b.state, b.price, b.requested_at <= e.at AS first FROM bookings b"
            " JOIN events e ON e.subject = :s AND e.name IN ('service.retired', 'service.changed')"
            " WHERE b.reference = :r",
            s=f"service-{service.id}",
            r=held.reference,
        )
        visited.add(row.state)
        if row.state == "requested":
            assert not outcomes
            assert row.first
            assert row.price == 149_00
        else:
            [refusal] = outcomes
            assert isinstance(refusal, Refused)
            assert refusal.reason == ("retired" if action == "retire" else "changed")
    assert visited <= {"held", "requested"}
    async with own_database.work() as db:
        assert await find_violations(db) == []


async def test_holding_and_retiring_at_the_same_moment_have_an_order(own_database, cast):
    meena, customers = cast
    for number in range(RACE_ROUNDS // 2):
        service = await on_sale(own_database)

        async def holds(service=service, asha=customers[number]):
            async with own_database.work() as db:
                return await a_hold(db, asha, service)

        async def retires(service=service):
            async with own_database.work() as db:
                await service_changes.retire(db, meena, service.id)

        actions = (holds(), retires()) if number % 2 else (retires(), holds())
        outcomes = await asyncio.gather(*actions, return_exceptions=True)
        refused = [item for item in outcomes if isinstance(item, Exception)]
        assert all(isinstance(item, Invalid) and "service_id" in item.errors for item in refused), refused
        stored = await fetch_row(
            own_database, "SELECT count(*) AS n FROM bookings WHERE service_id = :id", id=service.id
        )
        assert stored.n == (0 if refused else 1)
