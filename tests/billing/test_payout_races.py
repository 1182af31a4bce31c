"""Payout runs on real connections, beside each other, refunds and changes of accounts."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.billing.bank_accounts import TypedAccount, change_bank_account
from app.billing.payouts import make_run, mark_failed, mark_paid
from app.bookings.repository import Bookings
from app.check.run import find_violations
from app.core import clock
from app.core.errors import Invalid, Refused
from app.payments.refund import BorneBy
from app.payments.refunds import refund_booking
from tests.billing.money import an_account, earned

RACE_ROUNDS = 4


@pytest.fixture
async def done(scene, asha):
    """The reference of a booking that was done two days ago, by Ravi, who has an account."""
    reference = await scene.done(asha)
    async with scene.database.work() as db:
        await an_account(db, scene.encryption, scene.ravi)
        booking = await Bookings(db).by_reference(reference)
        await earned(db, booking.id, scene.ravi, 40_00, clock.now() - timedelta(days=3), "tips")
    return reference


async def outcome_of(scene, act) -> str:
    try:
        async with scene.database.work() as db:
            await act(db)
    except (Invalid, Refused):
        return "refused"
    return "done"


async def amounts(scene) -> list[int]:
    return [amount for (amount,) in await scene.rows("SELECT amount FROM payouts ORDER BY id")]


async def owed(scene) -> dict[str, int]:
    query = "SELECT account, -sum(amount)::bigint FROM ledger_entries WHERE person_id = :id GROUP BY 1"
    return {account: amount for account, amount in await scene.rows(query, id=scene.ravi.id) if amount}


async def test_pressed_twice_at_once_it_is_one_run(scene, admin, done):
    with clock.freeze(clock.now() + timedelta(days=2)):
        until = clock.today() - timedelta(days=1)
        runs = [outcome_of(scene, lambda db: make_run(db, admin, until)) for _ in range(RACE_ROUNDS)]
        assert set(await asyncio.gather(*runs)) == {"done"}
    assert await scene.scalar("SELECT count(*) FROM payout_runs") == 1
    assert await amounts(scene) == [166_65]


async def test_runs_of_two_days_at_once_pay_each_paisa_once(scene, admin, done):
    with clock.freeze(clock.now() + timedelta(days=3)):
        days = [clock.today() - timedelta(days=back) for back in (1, 2)]
        await asyncio.gather(*(outcome_of(scene, lambda db, day=day: make_run(db, admin, day)) for day in days))
    assert sum(await amounts(scene)) == 166_65
    assert await owed(scene) == {"payouts": 166_65}


async def test_a_payout_beside_a_refund_borne_by_shares_is_never_above_the_balance(scene, admin, done):
    async def refund(db):
        booking = await Bookings(db).by_reference(done, lock=True)
        await refund_booking(db, booking, admin, 149_00, borne_by=BorneBy.SHARES, reason="The tap drips again.")

    with clock.freeze(clock.now() + timedelta(days=2)):
        until = clock.today() - timedelta(days=1)
        run = outcome_of(scene, lambda db: make_run(db, admin, until))
        assert set(await asyncio.gather(run, outcome_of(scene, refund))) == {"done"}
    (amount,) = await amounts(scene)
    # Before the refund, all of it, and the earning is a debt; after it, the tip alone.
    assert (amount, (await owed(scene)).get("earnings", 0)) in ((166_65, -126_65), (40_00, 0))


async def test_while_the_account_changes_a_payout_goes_to_the_old_one_or_waits(scene, admin, done):
    typed = TypedAccount(holder="Ravi Kumar", upi_id="ravi@okaxis")
    with clock.freeze(clock.now() + timedelta(days=2)):
        until = clock.today() - timedelta(days=1)
        run = outcome_of(scene, lambda db: make_run(db, admin, until))
        change = outcome_of(scene, lambda db: change_bank_account(db, scene.encryption, scene.ravi, typed))
        made, changed = await asyncio.gather(run, change)
    assert changed == "done"
    paid_to = await scene.rows(
        "SELECT a.masked, a.encrypted_number IS NOT NULL FROM payouts p"
        " JOIN bank_accounts a ON a.id = p.bank_account_id"
    )
    assert (made, paid_to) in (("done", [("…7890", True)]), ("refused", []))


async def test_marked_twice_at_once_a_payout_is_settled_once(scene, admin, done):
    with clock.freeze(clock.now() + timedelta(days=2)):
        async with scene.database.work() as db:
            run_id = (await make_run(db, admin, clock.today() - timedelta(days=1))).id
        paid = outcome_of(scene, lambda db: mark_paid(db, admin, run_id, scene.ravi.id, "UTR1"))
        failed = outcome_of(scene, lambda db: mark_failed(db, admin, run_id, scene.ravi.id, "Closed."))
        assert sorted(await asyncio.gather(paid, failed)) == ["done", "refused"]
    async with scene.database.work() as db:
        assert await db.scalar(text("SELECT count(*) FROM payouts WHERE state <> 'pending'")) == 1
        rules = {violation.rule for violation in await find_violations(db)}
        assert not rules & {"payouts-match-the-ledger", "balances-match-payouts"}
