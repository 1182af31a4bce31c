"""Cases opened, written in and decided at once, on real connections."""

import asyncio

import pytest

from app.bookings.repository import Bookings
from app.cases.cases import ask_for_help, post_message, reopen_case
from app.cases.decision import decide_case, read_decision
from app.check.run import find_violations
from app.core.errors import Refused
from tests.bookings.scenes import Scene
from tests.cases.steps import STORY, WORDS

RACE_ROUNDS = 4


async def outcome_of(database, act) -> str:
    try:
        async with database.work() as db:
            await act(db)
    except Refused as refusal:
        return refusal.reason
    return "done"


@pytest.fixture
async def booking(scene: Scene):
    return await scene.done(await scene.browser(scene.asha))


async def a_case(scene, booking):
    async with scene.database.work() as db:
        return (await ask_for_help(db, scene.asha, booking, "quality", STORY)).reference


async def test_of_many_cases_at_once_one_is_opened(scene, booking):
    async def opens(db):
        await ask_for_help(db, scene.asha, booking, "quality", STORY)

    outcomes = await asyncio.gather(*(outcome_of(scene.database, opens) for _ in range(5)))
    assert sorted(outcomes) == ["done"] + ["open"] * 4
    assert await scene.scalar("SELECT count(*) FROM cases") == 1
    assert await scene.scalar("SELECT count(*) FROM case_messages") == 1


async def test_of_two_decisions_at_once_one_wins_and_pays_once(scene, booking, meena, lekha):
    for _ in range(RACE_ROUNDS):
        case = await a_case(scene, booking)

        def deciding(by, outcome, amount, reference=case):
            decision = read_decision([outcome], amount, "doorstep", WORDS)

            async def act(db):
                await decide_case(db, by, reference, decision)

            return outcome_of(scene.database, act)

        before = await scene.scalar("SELECT sum(refunded)::int FROM charges")
        outcomes = await asyncio.gather(deciding(meena, "refund", "10"), deciding(lekha, "refund", "10"))
        assert sorted(outcomes) == ["decided", "done"]
        assert await scene.scalar("SELECT sum(refunded)::int FROM charges") == before + 10_00
        async with scene.database.work() as db:
            assert await find_violations(db) == []


async def test_nothing_is_written_after_the_decision(scene, booking, meena):
    for _ in range(RACE_ROUNDS):
        case = await a_case(scene, booking)

        async def writes(db, reference=case):
            await post_message(db, scene.asha, reference, "One more thing.")

        async def decides(db, reference=case):
            await decide_case(db, meena, reference, read_decision(["none"], "", "doorstep", WORDS))

        written, decided = await asyncio.gather(outcome_of(scene.database, writes), outcome_of(scene.database, decides))
        assert decided == "done"
        assert written in ("done", "decided")
        late = "SELECT count(*) FROM case_messages m JOIN cases c ON c.id = m.case_id WHERE m.created_at > c.decided_at"
        assert await scene.scalar(late) == 0


async def test_of_two_second_visits_at_once_one_is_arranged(scene, booking, meena, lekha):
    case = await a_case(scene, booking)
    async with scene.database.work() as db:
        other = (await ask_for_help(db, scene.ravi, booking, "other", "Let me put it right.")).reference
        await Bookings(db).by_reference(booking)

    def deciding(by, reference):
        async def act(db):
            await decide_case(db, by, reference, read_decision(["redo"], "", "doorstep", WORDS))

        return outcome_of(scene.database, act)

    outcomes = await asyncio.gather(deciding(meena, case), deciding(lekha, other))
    assert sorted(outcomes) == ["done", "redo"]
    assert await scene.scalar("SELECT count(*) FROM bookings WHERE redo_of_id IS NOT NULL") == 1


async def test_a_case_is_reopened_once(scene, booking, meena, lekha):
    case = await a_case(scene, booking)
    async with scene.database.work() as db:
        await decide_case(db, meena, case, read_decision(["none"], "", "doorstep", WORDS))

    async def reopens(db):
        await reopen_case(db, lekha, case)

    outcomes = await asyncio.gather(*(outcome_of(scene.database, reopens) for _ in range(3)))
    assert sorted(outcomes) == ["done", "open", "open"]
    assert await scene.scalar("SELECT count(*) FROM case_messages") == 2
