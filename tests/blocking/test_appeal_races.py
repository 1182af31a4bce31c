"""Appeals and their decisions at once, on real connections: one is first, the others are refused."""

import asyncio

import pytest

from app.accounts.session import Sessions
from app.blocking.appeal import Outcome
from app.blocking.appeals import decide_appeal, submit_appeal
from app.blocking.block import block, unblock
from app.check.run import find_violations
from app.core.errors import Refused
from tests.factories import a_customer, an_admin

RACE_ROUNDS = 6


@pytest.fixture
async def people(own_database):
    """Asha, blocked by Meena; Lekha is another admin."""
    async with own_database.work() as db:
        meena, lekha, asha = await an_admin(db), await an_admin(db, "Lekha Narayanan"), await a_customer(db)
    return meena, lekha, asha


async def outcome_of(database, act) -> str:
    try:
        async with database.work() as db:
            await act(db)
    except Refused as refusal:
        return refusal.reason
    return "done"


async def block_asha(database, meena, asha) -> None:
    async with database.work() as db:
        await block(db, Sessions(database), meena, asha.id, "Three complaints.")


async def test_of_many_appeals_at_once_one_is_stored(own_database, people):
    meena, _lekha, asha = people
    await block_asha(own_database, meena, asha)

    async def appeals(db):
        await submit_appeal(db, asha, "I paid in full.")

    outcomes = await asyncio.gather(*(outcome_of(own_database, appeals) for _ in range(RACE_ROUNDS)))
    assert sorted(outcomes) == ["already"] * (RACE_ROUNDS - 1) + ["done"]


async def test_of_two_decisions_at_once_one_wins(own_database, people):
    meena, lekha, asha = people
    async with own_database.work() as db:
        third = await an_admin(db, "Farida Khan")
    for _ in range(RACE_ROUNDS):
        await block_asha(own_database, meena, asha)
        async with own_database.work() as db:
            appeal = await submit_appeal(db, asha, "I paid in full.")

        def deciding(by, outcome, appeal_id=appeal.id):
            async def act(db):
                await decide_appeal(db, by, appeal_id, outcome, f"Decided by {by.full_name}.")

            return outcome_of(own_database, act)

        async def unblocks(db):
            await unblock(db, meena, asha.id, "A mistake.")

        first, second, direct = await asyncio.gather(
            deciding(lekha, Outcome.KEEP), deciding(third, Outcome.LIFT), outcome_of(own_database, unblocks)
        )
        assert [first, second].count("done") <= 1
        if direct != "done":
            assert (first, second, direct) == ("decided", "done", "free")
        assert {first, second} <= {"done", "decided"}
        async with own_database.work() as db:
            assert await find_violations(db) == []


async def test_an_appeal_never_meets_a_block_that_is_being_lifted(own_database, people):
    meena, _lekha, asha = people
    for _ in range(RACE_ROUNDS):
        await block_asha(own_database, meena, asha)

        async def appeals(db):
            await submit_appeal(db, asha, "I paid in full.")

        async def unblocks(db):
            await unblock(db, meena, asha.id, "A mistake.")

        appealed, lifted = await asyncio.gather(outcome_of(own_database, appeals), outcome_of(own_database, unblocks))
        assert (appealed in ("done", "free"), lifted) == (True, "done")
        async with own_database.work() as db:
            assert await find_violations(db) == []
