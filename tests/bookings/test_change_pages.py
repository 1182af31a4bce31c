"""The customer cancels and moves a booking, by plain forms."""

import re

import pytest
from sqlalchemy import update

from app.catalog.service import Service
from tests.bookings.scenes import START, at
from tests.factories import a_customer, a_hold, a_start


async def test_cancelling_in_time_costs_nothing_and_frees_the_slot(scene, asha):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    page = await asha.visit(f"/bookings/{reference}/cancellation")
    assert "Cancelling is free" in page.text
    assert "₹149" in page.text
    over = await asha.submit_and_follow(page, "/cancellation", reason="Not needed.")
    assert "You cancelled this booking" in over.text
    assert await scene.charges(reference) == [("released", 149_00, 0)]
    assert await scene.money(reference) == {}
    booking = await scene.booking(reference)
    assert (booking.cancelled_as, booking.cancel_reason, booking.fee) == ("customer", "Not needed.", 0)
    assert all(not code.is_live for code in booking.codes)
    assert (await asha.submit(await asha.visit(scene.new_booking_url()), "/bookings")).status == 303


async def test_cancelling_late_costs_a_hundred_which_is_shown_before(scene, asha):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    with at(await scene.booking(reference), hours=-2):
        assert "₹100 fee, you get ₹49 back" in (await asha.visit(f"/bookings/{reference}")).text
        page = await asha.visit(f"/bookings/{reference}/cancellation")
        assert "Cancel, pay ₹100" in page.text
        assert "Ravi has reserved this time for you" in page.text
        over = await asha.submit_and_follow(page, "/cancellation")
        assert "Cancellation fee: ₹100" in over.text
        assert "You get a refund of ₹49" in over.text
    assert await scene.money(reference) == {"gateway": 100_00, "commission": -30_00, "earnings": -70_00}


async def test_a_fee_of_all_that_was_paid_is_shown_in_figures(scene, asha):
    async with scene.database.work() as db:
        await db.execute(update(Service).where(Service.id == scene.service.id).values(price=99_99))
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    with at(await scene.booking(reference), hours=-2):
        page = await asha.visit(f"/bookings/{reference}/cancellation")
        assert re.search(r"all of the <b[^>]*>₹99.99</b> you paid, so you get\s+nothing back", page.text)
        over = await asha.submit_and_follow(page, "/cancellation")
        assert "Cancellation fee: ₹99.99" in over.text
        assert "You paid ₹99.99 and get nothing back." in over.text
        for shown in (page, over):
            assert "been charged" not in shown.text
            assert "weren't charged" not in shown.text
    assert sum((await scene.money(reference)).values()) == 0


async def test_a_fee_that_has_grown_since_it_was_shown_is_shown_again(scene, asha):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    page = await asha.visit(f"/bookings/{reference}/cancellation")
    with at(await scene.booking(reference), hours=-2):
        refused = await asha.submit(page, "/cancellation")
        assert refused.status == 409
        assert "Cancel, pay ₹100" in refused.text
    assert (await scene.booking(reference)).state == "assigned"


async def test_cancelling_twice_is_cancelling_once_and_started_work_cannot_be_cancelled(scene, asha):
    reference = await scene.paid(asha)
    page = await asha.visit(f"/bookings/{reference}/cancellation")
    for _ in range(2):
        assert (await asha.submit(page, "/cancellation")).status == 303
    other = await scene.paid(asha, a_start(days=2))
    await scene.accepted(other)
    await scene.started(other)
    assert (await asha.visit(f"/bookings/{other}/cancellation")).status == 409
    assert (await asha.post_fields(f"/bookings/{other}/cancellation", {})).status == 409


async def test_moving_keeps_the_price_and_asks_ravi_first(scene, asha):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    async with scene.database.work() as db:
        await db.execute(update(Service).where(Service.id == scene.service.id).values(price=500_00))
    page = await asha.visit(f"/bookings/{reference}/reschedule")
    assert "Rescheduling is free" in page.text
    moved = await asha.submit_and_follow(page, "/reschedule", start=a_start(days=2, hour=11).strftime(START))
    assert "We've asked Ravi" in moved.text
    booking = await scene.booking(reference)
    assert (booking.price, booking.state, booking.starts_at) == (149_00, "requested", a_start(days=2, hour=11))


async def test_moving_late_costs_a_fee_beside_the_price(scene, asha):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    with at(await scene.booking(reference), hours=-2):
        page = await asha.visit(f"/bookings/{reference}/reschedule")
        assert "The rescheduling fee is ₹100" in page.text
        await asha.submit_and_follow(page, "/reschedule", start=a_start(days=2, hour=11).strftime(START))
    assert await scene.charges(reference) == [("authorised", 149_00, 0), ("captured", 100_00, 100_00)]


@pytest.mark.parametrize("start", ["banana", "", "2020-01-01T10:00", "9999-01-01T10:00"])
async def test_an_impossible_new_start_is_explained_and_free_ones_shown(scene, asha, start):
    reference = await scene.paid(asha)
    rejected = await asha.post_fields(f"/bookings/{reference}/reschedule", {"start": start})
    assert rejected.status == 422
    assert 'name="start"' in rejected.text


async def test_a_new_start_that_was_taken_offers_three_others(scene, asha, omar):
    reference, start = await scene.paid(asha), a_start(days=3)
    await scene.paid(omar, start)
    async with scene.database.work() as db:
        await a_hold(db, await a_customer(db, "Guna S"), scene.service, start)
    taken = await asha.post_fields(f"/bookings/{reference}/reschedule", {"start": start.strftime(START)})
    assert taken.status == 409
    assert len(re.findall(r'<button[^>]* name="start"', taken.text)) == 3


async def test_to_the_time_it_has_a_booking_does_not_move(scene, asha):
    reference = await scene.paid(asha)
    same = await asha.post_fields(f"/bookings/{reference}/reschedule", {"start": a_start().strftime(START)})
    assert same.status == 422
    assert "You already have this time" in same.text
