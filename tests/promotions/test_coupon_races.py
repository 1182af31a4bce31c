"""Coupons and credit in races, on real connections: the last use has one winner, and credit is spent once."""

import asyncio

from app.bookings.checkout import pay
from app.check.run import find_violations
from app.core.errors import Invalid
from app.payments.pretend_bank import Authorisation, Instrument
from app.payments.split import PaymentSplit
from tests.factories import a_customer, a_hold, a_professional, a_service, a_start

APPROVED = Authorisation("authorised", Instrument("card", "Visa", "4242"))
RACER_COUNT = 50


async def outcome_of(scene, customer, reference, split) -> str:
    try:
        async with scene.database.work() as db:
            await pay(db, customer, reference, APPROVED, "", split)
    except Invalid as error:
        return next(iter(error.errors.values()))
    return "paid"


async def holds(scene, count, customer=None):
    """(customer, reference) of so many holds, of as many customers and professionals."""
    async with scene.database.work() as db:
        service = await a_service(db, "Fan repair")
        made = []
        for number in range(count):
            await a_professional(db, f"Mani Raj {number}", services=[service])
            who = customer or await a_customer(db, f"Latha Rao {number}")
            made.append((who, (await a_hold(db, who, service, a_start(days=2))).reference))
    return made


async def test_of_fifty_uses_of_the_last_one_one_wins(scene, coupon):
    await coupon(total=1)
    split = PaymentSplit(149_00, coupon=50_00, coupon_code="WELCOME50")
    racers = await holds(scene, RACER_COUNT)
    outcomes = await asyncio.gather(*(outcome_of(scene, who, reference, split) for who, reference in racers))
    assert outcomes.count("paid") == 1
    assert outcomes.count("This coupon has been used up.") == RACER_COUNT - 1
    assert await scene.scalar("SELECT used FROM coupons") == 1
    async with scene.database.work() as db:
        assert await find_violations(db) == []


async def test_once_per_person_however_many_bookings_are_paid_at_once(scene, coupon):
    await coupon(per_person=1)
    split = PaymentSplit(149_00, coupon=50_00, coupon_code="WELCOME50")
    racers = await holds(scene, 3, scene.asha)
    outcomes = await asyncio.gather(*(outcome_of(scene, who, reference, split) for who, reference in racers))
    assert sorted(outcomes) == ["You've used this coupon already."] * 2 + ["paid"]


async def test_a_first_visit_is_one(scene, coupon):
    await coupon(per_person=None, first_visit=True)
    split = PaymentSplit(149_00, coupon=50_00, coupon_code="WELCOME50")
    racers = await holds(scene, 3, scene.asha)
    outcomes = await asyncio.gather(*(outcome_of(scene, who, reference, split) for who, reference in racers))
    assert sorted(outcomes) == ["This coupon is for your first visit only."] * 2 + ["paid"]


async def test_the_same_credit_pays_once(scene, credit):
    await credit(scene.asha, 100_00)
    racers = await holds(scene, 3, scene.asha)
    split = PaymentSplit(149_00, credit=80_00)
    outcomes = await asyncio.gather(*(outcome_of(scene, who, reference, split) for who, reference in racers))
    assert outcomes.count("paid") == 1
    assert await scene.scalar("SELECT balance FROM credit_balances WHERE customer_id = :id", id=scene.asha.id) == 20_00
    async with scene.database.work() as db:
        assert await find_violations(db) == []
