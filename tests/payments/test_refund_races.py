"""Refunds of one booking at once, on real connections: never more than was taken."""

import asyncio

import pytest

from app.bookings.completion import complete_booking
from app.bookings.repository import Bookings
from app.check.run import find_violations
from app.core.errors import Invalid, Refused
from app.payments import charges
from app.payments.pretend_bank import Authorisation, Instrument
from app.payments.refund import BorneBy
from app.payments.refunds import refund_booking
from tests.bookings.scenes import Scene
from tests.factories import a_hold, an_admin

RACE_ROUNDS = 4


@pytest.fixture
async def paid(own_app):
    """(scene, admin, reference) of a booking of ₹149 that is done."""
    scene = await Scene.set(own_app)
    async with scene.database.work() as db:
        meena = await an_admin(db)
        booking = await a_hold(db, scene.asha, scene.service)
        booking.pay(scene.asha, "card")
        card = Authorisation("authorised", Instrument("card", "Visa", "4242"))
        await charges.authorise(db, booking.id, scene.asha.id, 149_00, "booking", card)
    await scene.accepted(booking.reference)
    await scene.started(booking.reference)
    return scene, meena, booking.reference


async def outcome_of(scene, act) -> str:
    try:
        async with scene.database.work() as db:
            await act(db)
    except (Invalid, Refused):
        return "refused"
    return "done"


async def test_of_two_refunds_of_everything_one_wins(paid):
    scene, meena, reference = paid
    await scene.completed(reference)

    async def refund(db):
        booking = await Bookings(db).by_reference(reference, lock=True)
        await refund_booking(db, booking, meena, 149_00, borne_by=BorneBy.SHARES, reason="The tap drips again.")

    outcomes = await asyncio.gather(*(outcome_of(scene, refund) for _ in range(RACE_ROUNDS)))
    assert sorted(outcomes) == ["done"] + ["refused"] * (RACE_ROUNDS - 1)
    assert await scene.money(reference) == {}
    async with scene.database.work() as db:
        assert await find_violations(db) == []


async def test_a_refund_and_the_end_of_the_job_at_once_refund_once(paid):
    scene, meena, reference = paid

    async def refund(db):
        booking = await Bookings(db).by_reference(reference, lock=True)
        await refund_booking(db, booking, meena, 49_00, borne_by=BorneBy.DOORSTEP, reason="The tap drips again.")

    async def complete(db):
        booking = await Bookings(db).for_professional(scene.ravi, reference, lock=True)
        await complete_booking(db, booking, scene.ravi, booking.live_code("finish"))

    outcomes = await asyncio.gather(outcome_of(scene, refund), outcome_of(scene, complete))
    assert set(outcomes) == {"done"}
    # Released before or refunded after: the same for all.
    assert await scene.money(reference) == {"gateway": 100_00, "commission": 26_65, "earnings": -126_65}
    async with scene.database.work() as db:
        assert await find_violations(db) == []
