"""W28: the decision of a case withholds the professional's payout: once, all of it, in the ledger and in words."""

import asyncio

import pytest

from app.bookings.completion import complete_booking
from app.bookings.repository import Bookings
from app.cases.decision import decide_case, read_decision
from app.check.run import find_violations
from app.core.events import PLATFORM
from app.payments.charges import release_held_payouts
from app.payments.refund import BorneBy
from app.payments.refunds import refund_booking
from tests.bookings.scenes import later
from tests.cases.steps import WORDS, asks_for_help, decides, done_later, is_sound
from tests.cases.test_case_races import RACE_ROUNDS, a_case, outcome_of
from tests.factories import a_start

EARNED_PAISE = 126_65  # of ₹149, less 15 %


@pytest.fixture
async def asha(scene):
    return await scene.browser(scene.asha)


@pytest.fixture
async def admin(scene, meena):
    return await scene.browser(meena)


async def balances(scene):
    """Paise by account, credit positive, of what professionals and Doorstep have of the bookings."""
    return dict(
        await scene.rows(
            "SELECT account, -sum(amount)::int FROM ledger_entries"
            " WHERE account IN ('earnings', 'payout_held', 'commission', 'guarantee')"
            " GROUP BY 1 HAVING sum(amount) <> 0"
        )
    )


async def test_a_withheld_payout_is_commission_and_the_professional_reads_why(scene, asha, admin):
    booking = await scene.done(asha)
    assert await balances(scene) == {"earnings": EARNED_PAISE, "commission": 22_35}
    case = await asks_for_help(asha, f"/bookings/{booking}")
    sent = await decides(admin, case, "payout_withheld")
    assert sent.status == 303, sent.text
    assert await balances(scene) == {"commission": 149_00}
    assert await scene.rows("SELECT outcomes, withheld, amount FROM cases") == [
        (["payout_withheld"], EARNED_PAISE, None)
    ]
    ravi = await scene.browser(scene.ravi)
    page = await ravi.visit(f"/cases/{case}")
    assert (WORDS in page.text, "₹126.65 of this job are withheld" in page.text) == (True, True)
    page = await asha.visit(f"/cases/{case}")
    assert (WORDS in page.text, "126.65" in page.text) == (True, False)
    page = await ravi.visit("/earnings")
    assert ("Withheld, as decided in a case" in page.text, "126.65" in page.text) == (True, True)
    await is_sound(scene)


async def test_besides_money_back_what_is_left_is_withheld(scene, asha, admin):
    booking = await scene.done(asha)
    case = await asks_for_help(asha, f"/bookings/{booking}")
    refused = await decides(admin, case, "payout_withheld", "refund", amount="50", borne_by="shares")
    assert (refused.status, 'id="borne_by-error"' in refused.text) == (422, True)
    assert (await decides(admin, case, "payout_withheld", "refund", amount="50")).status == 303
    assert await balances(scene) == {"commission": 99_00}
    await is_sound(scene)


async def test_besides_a_second_visit_it_pays_for_that(scene, asha, admin):
    booking = await scene.done(asha)
    case = await asks_for_help(asha, f"/bookings/{booking}")
    assert (await decides(admin, case, "redo", "payout_withheld")).status == 303
    assert await balances(scene) == {"commission": 22_35, "guarantee": EARNED_PAISE}
    await is_sound(scene)


async def test_a_payout_on_hold_is_withheld_and_never_released(scene, asha, admin):
    booking = await scene.paid(asha, a_start(1))
    await scene.accepted(booking)
    await scene.started(booking)
    async with scene.database.work() as db:
        found = await Bookings(db).by_reference(booking, lock=True)
        await complete_booking(db, found, PLATFORM, None)
    assert await balances(scene) == {"payout_held": EARNED_PAISE, "commission": 22_35}
    case = await asks_for_help(asha, f"/bookings/{booking}", "completed_by_clock")
    assert (await decides(admin, case, "payout_withheld")).status == 303
    assert await balances(scene) == {"commission": 149_00}
    with later(days=8):
        async with scene.database.work() as db:
            assert await release_held_payouts(db) == 0
    await is_sound(scene)


async def test_where_nothing_was_earned_nothing_is_withheld(scene, asha, admin):
    booking = await scene.paid(asha)
    await scene.accepted(booking)
    case = await asks_for_help(asha, f"/bookings/{booking}", "late")
    refused = await decides(admin, case, "payout_withheld")
    assert (refused.status, "has earned nothing" in refused.text) == (409, True)
    assert await scene.scalar("SELECT state FROM cases") == "open"


async def test_no_refund_takes_a_share_that_is_withheld(scene, asha, admin, meena):
    booking = await scene.done(asha)
    case = await asks_for_help(asha, f"/bookings/{booking}")
    assert (await decides(admin, case, "payout_withheld")).status == 303

    def refunding(borne_by):
        async def act(db):
            found = await Bookings(db).by_reference(booking, lock=True)
            await refund_booking(db, found, meena, 10_00, borne_by=borne_by, reason="It drips.")

        return outcome_of(scene.database, act)

    assert await refunding(BorneBy.SHARES) == "state"
    assert await refunding(BorneBy.DOORSTEP) == "done"
    assert await balances(scene) == {"commission": 139_00}
    await is_sound(scene)


async def test_a_shared_refund_that_waits_is_decided_first(scene, asha, admin, meena, lekha, monkeypatch):
    monkeypatch.setattr("app.payments.refunds.SECOND_ADMIN_ABOVE", 1_00)
    booking = await scene.done(asha)
    async with scene.database.work() as db:
        found = await Bookings(db).by_reference(booking, lock=True)
        await refund_booking(db, found, meena, 20_00, borne_by=BorneBy.SHARES, reason="It drips.")
    case = await asks_for_help(asha, f"/bookings/{booking}")
    refused = await decides(admin, case, "payout_withheld")
    assert (refused.status, "waits for a second admin" in refused.text) == (409, True)


async def test_of_two_decisions_at_once_one_withholds(scene, asha, meena, lekha):
    for number in range(RACE_ROUNDS):
        booking = await done_later(scene, asha, number + 1)
        case = await a_case(scene, booking)

        def deciding(by, *outcomes, reference=case):
            decision = read_decision(outcomes, "10" if "refund" in outcomes else "", "doorstep", WORDS)

            async def act(db):
                await decide_case(db, by, reference, decision)

            return outcome_of(scene.database, act)

        before = await scene.scalar("SELECT count(*) FROM ledger_transactions WHERE kind = 'withheld'")
        outcomes = await asyncio.gather(
            deciding(meena, "payout_withheld"), deciding(lekha, "payout_withheld", "refund")
        )
        assert sorted(outcomes) == ["decided", "done"]
        assert await scene.scalar("SELECT count(*) FROM ledger_transactions WHERE kind = 'withheld'") == before + 1
        async with scene.database.work() as db:
            assert await find_violations(db) == []


async def test_the_release_of_held_payouts_and_a_decision_meet_without_harm(scene, asha, meena):
    booking = await scene.paid(asha, a_start(1))
    await scene.accepted(booking)
    await scene.started(booking)
    async with scene.database.work() as db:
        found = await Bookings(db).by_reference(booking, lock=True)
        await complete_booking(db, found, PLATFORM, None)
    with later(days=8):
        case = await a_case(scene, booking)

        async def decide(db):
            await decide_case(db, meena, case, read_decision(["payout_withheld"], "", "doorstep", WORDS))

        async def release(db):
            await release_held_payouts(db)

        outcomes = await asyncio.gather(outcome_of(scene.database, decide), outcome_of(scene.database, release))
    assert set(outcomes) == {"done"}
    assert await balances(scene) == {"commission": 149_00}
    await is_sound(scene)
