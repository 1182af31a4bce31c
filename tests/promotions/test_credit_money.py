"""Credit and coupons in the ledger: each paisa is used once, and goes back to where it came from."""

import pytest
from sqlalchemy.exc import IntegrityError

from app.core.errors import Invalid, Refused
from app.payments import charges
from app.payments.credit import credit_balance, credit_lines, grant_credit
from app.payments.refund import BorneBy
from app.payments.refunds import preview_refund, refund_booking
from app.payments.repository import Charges
from app.payments.split import PaymentSplit
from tests.factories import a_customer, a_professional, a_request, a_service, an_admin
from tests.payments.test_charges import AUTHORISED, NEEDS_CODE, Scene

PRICE_PAISE = 149_00
SPLIT = PaymentSplit(PRICE_PAISE, coupon=50_00, coupon_code="WELCOME", credit=60_00)  # 39.00 are left for the card


class CreditScene(Scene):
    async def pay(self, split=SPLIT, outcome=AUTHORISED):
        if not split.rest:
            return await charges.promise(self.db, self.id, self.asha, split)
        return await charges.authorise(self.db, self.id, self.asha, split.rest, "booking", outcome, besides=split)

    async def refund(self, amount, borne_by=BorneBy.DOORSTEP, *, as_credit=False):
        return await refund_booking(
            self.db,
            self.booking,
            self.meena,
            amount,
            borne_by=borne_by,
            reason="The tap drips again.",
            as_credit=as_credit,
        )

    async def credit(self):
        return await credit_balance(self.db, self.asha)


async def a_scene(db, meena, credit=100_00) -> CreditScene:
    service = await a_service(db)
    ravi, asha = await a_professional(db, services=[service]), await a_customer(db)
    await a_professional(db, services=[service])
    earlier = await a_request(db, asha, service)
    await grant_credit(db, earlier.id, "guarantee", {asha.id: credit})
    return CreditScene(db, asha, ravi, await a_request(db, asha, service), meena)


@pytest.fixture
async def scene(db):
    return await a_scene(db, await an_admin(db))


async def test_credit_waits_and_a_coupon_costs_nothing_until_the_job_is_done(scene):
    await scene.pay()
    assert await scene.sums() == {"hold": 39_00, "hold_contra": -39_00, "credit": 60_00, "customer_funds": -60_00}
    assert await scene.credit() == 40_00


async def test_commission_is_on_the_price_before_the_coupon(scene):
    await scene.pay()
    await scene.capture()
    assert await scene.sums() == {
        "gateway": 39_00,
        "credit": 60_00,
        "coupons": 50_00,
        "earnings": -126_65,
        "commission": -22_35,
    }


async def test_cancelling_gives_back_what_each_paid(scene):
    await scene.pay()
    assert await charges.release(scene.db, scene.id) == 99_00
    assert (await scene.sums(), await scene.credit()) == ({}, 100_00)


async def test_cancelling_as_credit_keeps_the_money_as_credit(scene):
    await scene.pay()
    assert await charges.release(scene.db, scene.id, as_credit=True) == 99_00
    assert (await scene.sums(), await scene.credit()) == ({"gateway": 39_00, "credit": -39_00}, 139_00)


async def test_a_fee_is_taken_from_credit_first_and_never_from_a_coupon(scene):
    await scene.pay()
    back = await charges.take_fee(scene.db, scene.id, scene.asha, scene.ravi, 80_00)
    assert (back, await scene.credit()) == (19_00, 40_00)
    assert await scene.sums() == {"gateway": 20_00, "credit": 60_00, "earnings": -56_00, "commission": -24_00}


async def test_a_fee_above_the_money_that_was_paid_is_due(scene):
    await scene.pay()
    assert await charges.take_fee(scene.db, scene.id, scene.asha, scene.ravi, 100_00) == 0
    assert (await scene.sums())["receivable"] == 1_00


async def test_a_refund_gives_back_the_banks_money_first_and_no_coupon(scene):
    await scene.pay()
    await scene.capture()
    assert (await preview_refund(scene.db, scene.booking)).refundable == 99_00
    await scene.refund(49_00)
    assert (await scene.credit(), "gateway" in await scene.sums()) == (50_00, False)
    with pytest.raises(Invalid):
        await scene.refund(50_01)
    await scene.refund(50_00)
    assert await scene.credit() == 100_00
    with pytest.raises(Refused):
        await scene.refund(1)


async def test_a_refund_as_credit_leaves_the_money_with_us(scene):
    await scene.pay()
    await scene.capture()
    await scene.refund(99_00, BorneBy.SHARES, as_credit=True)
    assert await scene.credit() == 139_00
    # What the coupon paid is shared as before.
    assert await scene.sums() == {
        "gateway": 39_00,
        "credit": -39_00,
        "coupons": 50_00,
        "earnings": -42_50,
        "commission": -7_50,
    }


async def test_a_refund_as_credit_before_the_job_is_done(scene):
    await scene.pay()
    refund = await scene.refund(79_00, as_credit=True)
    assert (refund.released, await scene.credit()) == (79_00, 119_00)
    await scene.capture()
    assert (await scene.sums())["earnings"] == -126_65


async def test_credit_and_coupon_may_pay_everything(scene):
    await scene.pay(PaymentSplit(PRICE_PAISE, coupon=100_00, coupon_code="WELCOME", credit=49_00))
    await scene.capture()
    assert await scene.sums() == {"credit": 49_00, "coupons": 100_00, "earnings": -126_65, "commission": -22_35}


async def test_what_is_due_after_the_job_is_less_by_coupon_and_credit(scene):
    await charges.promise(scene.db, scene.id, scene.asha, SPLIT)
    await scene.capture()
    [due] = charges.due_charges(await Charges(scene.db).of_booking(scene.id))
    assert (due.amount, due.purpose) == (39_00, "booking")


async def test_a_bank_that_wants_its_code_leaves_credit_untouched_until_it_is_right(scene):
    charge = await scene.pay(outcome=NEEDS_CODE)
    assert (await scene.sums(), await scene.credit()) == ({}, 100_00)
    await charges.confirm(scene.db, charge)
    assert await scene.credit() == 40_00


async def test_credit_is_never_negative_whatever_is_posted(scene):
    with pytest.raises(IntegrityError, match="credit_balances_balance_check"):
        async with scene.db.begin_nested():
            await charges.promise(scene.db, scene.id, scene.asha, PaymentSplit(PRICE_PAISE, credit=100_01))
    assert await scene.credit() == 100_00


async def test_the_lines_say_where_credit_came_from_and_what_it_paid(scene):
    await scene.pay()
    await charges.release(scene.db, scene.id, as_credit=True)
    lines = await credit_lines(scene.db, scene.asha)
    assert [(line.kind, line.source, line.amount) for line in lines] == [
        ("credit", "gateway", 39_00),
        ("credit_return", None, 60_00),
        ("credit_use", None, -60_00),
        ("credit", "guarantee", 100_00),
    ]
