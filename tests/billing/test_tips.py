"""Tips: all of one is the professional's, once per booking, paid as a booking is, and in no refund or fee."""

import pytest

from app.bookings.moves import State
from app.bookings.repository import Bookings
from app.check.run import find_violations
from app.core import clock
from app.payments.refund import BorneBy
from app.payments.refunds import refund_booking
from tests.bookings.scenes import VISA, later

ASKS = {**VISA, "card_number": "4000 0025 0000 3155"}
DECLINES = {**VISA, "card_number": "4000 0000 0000 0002"}


async def tip(customer, reference, amount="50"):
    page = await customer.visit(f"/bookings/{reference}/tip")
    return await customer.submit(page, "/tip", amount=amount)


async def pays_tip(scene, customer, reference, amount="50", **payment):
    assert (await tip(customer, reference, amount)).status == 303
    return await scene.pay(customer, reference, **payment)


async def sound(scene):
    async with scene.database.work() as db:
        assert await find_violations(db) == []


async def test_all_of_a_tip_is_the_professionals(scene, asha, ravi):
    reference = await scene.done(asha)
    assert "Add a tip" in (await asha.visit(f"/bookings/{reference}")).text
    sent = await tip(asha, reference, "50")
    assert (sent.status, sent.location) == (303, f"/bookings/{reference}/payment")
    assert "all of it for the professional" in (await asha.visit(sent.location)).text
    paid = await scene.pay(asha, reference)
    assert (paid.status, paid.location) == (303, f"/bookings/{reference}")
    assert await scene.money(reference) == {
        "gateway": 199_00,
        "commission": -22_35,
        "earnings": -126_65,
        "tips": -50_00,
    }
    assert "You tipped ₹50" in (await asha.visit(f"/bookings/{reference}")).text
    receipt = (await asha.visit(f"/bookings/{reference}/receipt")).text
    assert "Tip, all of it for the professional" in receipt
    assert "₹199" in receipt
    assert "The customer tipped you ₹50" in (await ravi.visit(f"/jobs/{reference}")).text
    assert await scene.scalar("SELECT count(*) FROM outbox WHERE kind = 'job_tipped'") == 1
    # A tip is no revenue of ours.
    assert await scene.scalar("SELECT revenue FROM bookings WHERE reference = :ref", ref=reference) == 149_00
    await sound(scene)


@pytest.mark.parametrize("amount", ["-1", "0", "0.99", "NaN", "100000", "1,00,000", "2000.01", "1e2", "", "50.001"])
async def test_an_amount_that_is_no_tip_is_refused_beside_its_field(scene, asha, amount):
    reference = await scene.done(asha)
    page = await tip(asha, reference, amount)
    assert page.status == 422
    assert 'id="amount-error"' in page.text
    assert await scene.scalar("SELECT count(*) FROM tips") == 0


async def test_a_second_tip_is_refused_and_an_unpaid_one_is_replaced(scene, asha):
    reference = await scene.done(asha)
    await tip(asha, reference, "50")
    page = await asha.visit(f"/bookings/{reference}/tip")
    assert (await pays_tip(scene, asha, reference, "70")).status == 303
    assert await scene.rows("SELECT amount, state FROM tips") == [(70_00, "paid")]
    assert (await asha.submit(page, "/tip", amount="10")).status == 409
    assert (await scene.money(reference))["tips"] == -70_00


async def test_a_tip_is_possible_from_completion_until_a_week_after_the_end(scene, asha):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    assert (await asha.post_fields(f"/bookings/{reference}/tip", {"amount": "50"})).status == 409
    await scene.started(reference)
    await scene.completed(reference)
    page = await asha.visit(f"/bookings/{reference}/tip")
    async with scene.database.work() as db:
        booking = await Bookings(db).by_reference(reference, lock=True)
        booking.state, booking.closed_at = State.CLOSED, clock.now()
    with later(days=6):
        assert (await asha.submit(page, "/tip", amount="50")).status == 303
    await scene.scalar("UPDATE bookings SET closed_at = now() - interval '8 days' RETURNING 1")
    assert (await asha.submit(page, "/tip", amount="50")).status == 409
    assert "Add a tip" not in (await asha.visit(f"/bookings/{reference}")).text


async def test_the_bank_may_ask_for_a_code_or_decline(scene, asha):
    reference = await scene.done(asha)
    declined = await pays_tip(scene, asha, reference, **DECLINES)
    assert declined.status == 422
    waiting = await scene.pay(asha, reference, **ASKS)
    assert waiting.location == f"/bookings/{reference}/payment"
    page = await asha.visit(waiting.location)
    assert "Your bank sent you a code" in page.text
    assert (await asha.submit(page, "/payment", code="000000")).status == 422
    assert (await asha.submit(page, "/payment", code="123456")).status == 303
    assert (await scene.money(reference))["tips"] == -50_00
    await sound(scene)


async def test_after_the_job_a_tip_cannot_be_paid_after_the_job(scene, asha):
    reference = await scene.done(asha)
    assert (await pays_tip(scene, asha, reference, method="after")).status == 422


async def test_what_is_due_is_paid_first(scene, asha):
    reference = await scene.done(asha, method="after")
    await tip(asha, reference, "50")
    assert "₹149" in (await asha.visit(f"/bookings/{reference}/payment")).text
    assert (await scene.pay(asha, reference)).status == 303
    assert (await scene.pay(asha, reference)).status == 303
    assert (await scene.money(reference))["tips"] == -50_00
    await sound(scene)


async def test_a_refund_never_takes_a_tip(scene, asha, admin):
    reference = await scene.done(asha)
    await pays_tip(scene, asha, reference)
    async with scene.database.work() as db:
        booking = await Bookings(db).by_reference(reference, lock=True)
        await refund_booking(db, booking, admin, 149_00, borne_by=BorneBy.SHARES, reason="It drips.")
    assert await scene.money(reference) == {"gateway": 50_00, "tips": -50_00}
    await sound(scene)


async def test_another_customers_booking_does_not_exist(scene, asha):
    reference = await scene.done(asha)
    omar = await scene.browser(scene.omar)
    assert (await omar.visit(f"/bookings/{reference}/tip")).status == 404
    assert (await omar.post_fields(f"/bookings/{reference}/tip", {"amount": "50"})).status == 404


async def test_programs_tip_too(scene, asha, client_of):
    reference = await scene.done(asha)
    client = await client_of(scene.asha)
    place = f"/api/bookings/{reference}/tip"
    for bad in ({}, {"amount": "-1.00"}, {"amount": "100000.00"}, {"amount": 50}, {"amount": "NaN"}):
        assert (await client.post(place, json=bad)).status_code == 422, bad
    unpaid = await client.post(place, json={"amount": "20.00"})
    assert (unpaid.status_code, unpaid.json()["state"]) == (201, "unpaid")
    paid = await client.post(place, json={"amount": "50.00", "payment": {"method": "upi", "upi_id": "asha@okbank"}})
    assert (paid.status_code, paid.json()["state"], paid.json()["amount_paise"]) == (201, "paid", 50_00)
    assert (await client.post(place, json={"amount": "50.00"})).status_code == 409
    bookings = (await client.get(f"/api/request/service/{scene.asha.id}")).json()["items"]
    assert [booking["tip_paise"] for booking in bookings] == [50_00]
    await sound(scene)
