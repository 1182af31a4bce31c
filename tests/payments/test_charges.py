"""Charges and what they post to the ledger. All verbs in any order: test_money_machine."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from app.bookings.moves import State
from app.core import clock
from app.core.errors import Refused
from app.payments import charges
from app.payments.pretend_bank import Authorisation, Instrument
from app.payments.refund import BorneBy
from app.payments.refunds import refund_booking
from app.payments.repository import Charges
from app.payments.shares import commission_of, earning_of
from app.payments.tax import share_fee
from tests.factories import a_customer, a_professional, a_request, a_service, an_admin

VISA = Instrument("card", "Visa", "4242")
AUTHORISED, DECLINED, NEEDS_CODE, TIMED_OUT = (
    Authorisation(state, VISA) for state in ("authorised", "declined", "needs_code", "timed_out")
)


async def sums(db, booking_id: int) -> dict[str, int]:
    """Paise per account, with the database's deferred zero-sum check run now."""
    await db.flush()
    await db.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    await db.execute(text("SET CONSTRAINTS ALL DEFERRED"))
    rows = await db.execute(
        text(
            "SELECT e.account, sum(e.amount)::bigint FROM ledger_entries e JOIN ledger_transactions t"
            " ON t.id = e.transaction_id WHERE t.booking_id = :id GROUP BY 1 HAVING sum(e.amount) <> 0"
        ),
        {"id": booking_id},
    )
    return dict(list(rows))


class Scene:
    """One booking of Asha, done by Ravi."""

    def __init__(self, db, asha, ravi, booking, meena):
        self.db, self.asha, self.ravi, self.id = db, asha.id, ravi.id, booking.id
        self.booking, self.meena = booking, meena
        booking.state, booking.professional_id = State.ASSIGNED, ravi.id

    async def authorise(self, amount=149_00, purpose="booking", outcome=AUTHORISED):
        return await charges.authorise(self.db, self.id, self.asha, amount, purpose, outcome)

    async def capture(self, total=149_00, held=False):
        await charges.capture(self.db, self.id, self.asha, self.ravi, total, held_payout=held)

    async def fee(self, fee=100_00):
        return await charges.take_fee(self.db, self.id, self.asha, self.ravi, fee)

    async def refund(self, amount, borne_by=BorneBy.DOORSTEP):
        reason = "The tap drips again."
        return await refund_booking(self.db, self.booking, self.meena, amount, borne_by=borne_by, reason=reason)

    async def states(self):
        return [charge.state for charge in await Charges(self.db).of_booking(self.id)]

    async def sums(self):
        return await sums(self.db, self.id)


@pytest.fixture
async def scene(db):
    service = await a_service(db)
    ravi, asha = await a_professional(db, services=[service]), await a_customer(db)
    return Scene(db, asha, ravi, await a_request(db, asha, service), await an_admin(db))


async def test_what_is_authorised_is_held_and_no_ones_yet(scene):
    await scene.authorise()
    assert await scene.sums() == {"hold": 149_00, "hold_contra": -149_00}


async def test_a_bank_that_says_no_moves_nothing(scene):
    await scene.authorise(outcome=DECLINED)
    assert (await scene.states(), await scene.sums()) == (["declined"], {})


async def test_a_code_that_the_bank_asks_for_completes_the_payment(scene):
    charge = await scene.authorise(outcome=NEEDS_CODE)
    assert (charge.state, await scene.sums()) == ("needs_code", {})
    await charges.confirm(scene.db, charge)
    assert (charge.state, await scene.sums()) == ("authorised", {"hold": 149_00, "hold_contra": -149_00})
    with pytest.raises(Refused):
        await charges.confirm(scene.db, charge)


async def test_choosing_another_card_gives_up_the_one_that_waited_for_its_code(scene):
    await scene.authorise(outcome=NEEDS_CODE)
    await scene.authorise()
    assert await scene.states() == ["declined", "authorised"]


async def test_a_finished_job_is_shared_fifteen_to_eighty_five(scene):
    await scene.authorise()
    await scene.capture()
    assert await scene.sums() == {"gateway": 149_00, "commission": -22_35, "earnings": -126_65}


async def test_an_approved_extra_is_captured_with_the_job(scene):
    await scene.authorise()
    await scene.authorise(260_00, "extra")
    await scene.capture(409_00)
    assert await scene.states() == ["captured", "captured"]
    assert await scene.sums() == {"gateway": 409_00, "commission": -61_35, "earnings": -347_65}


async def test_paying_after_the_work_leaves_a_debt_until_it_is_paid(scene):
    await scene.capture()
    assert await scene.sums() == {"receivable": 149_00, "commission": -22_35, "earnings": -126_65}
    [due] = await Charges(scene.db).of_booking(scene.id)
    await charges.settle(scene.db, due, Authorisation("needs_code", VISA))
    assert due.state == "due"
    await charges.settle(scene.db, due, AUTHORISED)
    assert (due.state, due.last4, due.captured) == ("paid", "4242", 149_00)
    assert await scene.sums() == {"gateway": 149_00, "commission": -22_35, "earnings": -126_65}
    with pytest.raises(Refused):
        await charges.settle(scene.db, due, AUTHORISED)


async def test_a_debt_is_overdue_a_day_after_the_work(scene):
    await scene.capture()
    with clock.freeze(clock.now() + timedelta(hours=23, minutes=59)):
        assert await charges.overdue_booking(scene.db, scene.asha) is None
    with clock.freeze(clock.now() + timedelta(hours=24, minutes=1)):
        assert await charges.overdue_booking(scene.db, scene.asha) == scene.id
        assert await charges.overdue_booking(scene.db, scene.ravi) is None


async def test_cancelled_in_time_everything_goes_back(scene):
    await scene.authorise()
    assert await charges.release(scene.db, scene.id) == 149_00
    assert (await scene.states(), await scene.sums()) == (["released"], {})


async def test_a_late_cancellation_costs_a_fee_and_gives_back_the_rest(scene):
    await scene.authorise()
    assert await scene.fee() == 49_00
    assert await scene.sums() == {"gateway": 100_00, "commission": -30_00, "earnings": -70_00}
    [charge] = await Charges(scene.db).of_booking(scene.id)
    assert (charge.state, charge.captured) == ("captured", 100_00)


async def test_the_fee_of_one_who_pays_after_the_work_is_due(scene):
    assert await scene.fee() == 0
    assert await scene.states() == ["due"]
    assert await scene.sums() == {"receivable": 100_00, "commission": -30_00, "earnings": -70_00}


async def test_moving_late_costs_a_fee_beside_the_price_which_stays_held(scene):
    await scene.authorise()
    await charges.add_fee(scene.db, scene.id, scene.asha, scene.ravi, 100_00)
    await scene.capture()
    assert await scene.states() == ["captured", "captured"]
    assert await scene.sums() == {"gateway": 249_00, "commission": -52_35, "earnings": -196_65}


async def test_a_fee_that_no_professional_lost_time_for_is_all_ours(scene):
    await scene.authorise()
    await charges.take_fee(scene.db, scene.id, scene.asha, None, 100_00)
    assert await scene.sums() == {"gateway": 100_00, "commission": -100_00}


async def test_a_job_completed_by_the_clock_is_paid_out_a_week_later(scene):
    await scene.authorise()
    await scene.capture(held=True)
    assert await Charges(scene.db).balances_of(scene.ravi) == (0, 126_65)
    assert await charges.release_held_payouts(scene.db) == 0
    with clock.freeze(clock.now() + timedelta(days=7, minutes=1)):
        assert await charges.release_held_payouts(scene.db) == 1
        assert await charges.release_held_payouts(scene.db) == 0
    assert await Charges(scene.db).balances_of(scene.ravi) == (126_65, 0)


async def test_what_several_charges_earned_is_paid_out_at_once(scene):
    await scene.authorise(100_00)
    await scene.capture(total=149_00, held=True)
    with clock.freeze(clock.now() + timedelta(days=7, minutes=1)):
        assert await charges.release_held_payouts(scene.db) == 1
        assert await charges.release_held_payouts(scene.db) == 0
    assert await Charges(scene.db).balances_of(scene.ravi) == (126_65, 0)
    assert [charge.payout_held_until for charge in await Charges(scene.db).of_booking(scene.id)] == [None, None]


async def test_a_waived_debt_is_owed_by_no_one(scene):
    await scene.fee()
    [due] = await Charges(scene.db).of_booking(scene.id)
    await charges.waive(scene.db, due)
    assert (due.state, await scene.sums()) == ("released", {})
    with pytest.raises(Refused):
        await charges.waive(scene.db, due)


async def test_earnings_are_listed_newest_first_and_sum_to_the_ledger(scene):
    await scene.authorise()
    await charges.add_fee(scene.db, scene.id, scene.asha, scene.ravi, 100_00)
    await scene.capture()
    await scene.refund(9_00, BorneBy.SHARES)
    rows = Charges(scene.db)
    page = await rows.earnings_of(scene.ravi, None, 2)
    rest = await rows.earnings_of(scene.ravi, page.next, 2)
    lines = [*page.items, *rest.items]
    assert [(line.kind, line.price, line.commission, line.amount) for line in lines] == [
        ("refund", -9_00, -1_35, -7_65),
        ("capture", 149_00, 22_35, 126_65),
        ("fee", 100_00, 30_00, 70_00),
    ]
    a_minute = timedelta(minutes=1)
    assert await rows.earned_between(scene.ravi, clock.now() - a_minute, clock.now() + a_minute) == 189_00
    assert await rows.earned_by_booking(scene.ravi, [scene.id]) == {scene.id: 189_00}


@given(st.integers(1, 10**9))
def test_no_paisa_is_lost_in_sharing(total):
    assert commission_of(total) + earning_of(total) == total
    assert commission_of(total) * 100 in range(total * 15 - 50, total * 15 + 51)
    fee = share_fee(total, None, to_professional=True)
    assert fee.earning + fee.commission == total


def test_half_a_paisa_of_commission_is_rounded_up():
    assert [commission_of(total) for total in (1, 3, 10, 30, 50, 70)] == [0, 0, 2, 5, 8, 11]
