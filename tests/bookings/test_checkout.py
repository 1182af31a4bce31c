"""Checkout by plain forms, from a slot to a paid booking: once, however often it is sent."""

import asyncio
import re
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.dialects.postgresql import Range

from app.bookings.expiry import expire_holds
from app.catalog.service import Service
from app.core import clock
from app.scheduling.working_hours import TimeOff
from tests.bookings.scenes import START, VISA, Scene, later
from tests.factories import ADYAR, TAMBARAM, a_customer, a_professional, a_service, a_start

CANARY, CVV = "4242424242424242", "739"


@pytest.fixture
async def scene(app):
    scene = await Scene.set(app)
    yield scene
    await scene.close()


@pytest.fixture
async def asha(scene):
    return await scene.browser(scene.asha)


@pytest.fixture
async def omar(scene):
    return await scene.browser(scene.omar)


def form_of(scene, when=None, **overrides):
    """A bare form, as another client would send it."""
    return {
        "service_id": str(scene.service.id),
        "start": (when or a_start()).strftime(START),
        "address": "Flat 3B, Sri Lakshmi Apartments",
        "pincode": ADYAR,
        "note": "Ring twice.",
    } | overrides


async def count(scene, user):
    return await scene.scalar("SELECT count(*) FROM bookings WHERE customer_id = :id", id=user.id)


async def test_asha_books_and_pays_by_card(scene, asha):
    page = await asha.visit(scene.new_booking_url())
    assert "Step 1 of 2" in page.text
    payment = await asha.submit_and_follow(page, "/bookings", note="The tap drips.")
    assert "holding this time until" in payment.text
    assert "₹149" in payment.text
    booked = await asha.submit_and_follow(payment, "/payment", **VISA)
    assert "We're finding you a professional" in booked.text
    assert "Visa ending 4242" in booked.text
    reference = payment.path.split("/")[2]
    booking = await scene.booking(reference)
    assert (booking.state, booking.payment, booking.note) == ("requested", "card", "The tap drips.")
    assert await scene.money(reference) == {"hold": 149_00, "hold_contra": -149_00}


@pytest.mark.parametrize("payment_method", [{"method": "upi", "upi_id": "success@doorstep"}, {"method": "after"}])
async def test_upi_and_after_the_work_are_ways_to_pay(scene, asha, payment_method):
    reference = await scene.paid(asha, **payment_method)
    assert (await scene.booking(reference)).payment == payment_method["method"]
    assert bool(await scene.charges(reference)) == (payment_method["method"] == "upi")


async def test_a_visitor_signs_in_first_and_comes_back(scene, asha):
    asha.cookies.clear()
    answer = await asha.get(scene.new_booking_url())
    assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/login")
    assert "bookings%2Fnew" in answer.headers["location"]


async def test_a_slot_alone_is_kept_at_the_main_address(scene, asha):
    minimal = {name: value for name, value in form_of(scene).items() if name in ("service_id", "start", "pincode")}
    sent = await asha.post_fields("/bookings", minimal)
    assert sent.status == 303
    assert (await scene.booking(sent.location.split("/")[2])).address.startswith("Flat 3B")


async def test_a_double_click_makes_one_booking(scene, asha):
    page = await asha.visit(scene.new_booking_url())
    sent = await asyncio.gather(*(asha.submit(page, "/bookings") for _ in range(6)))
    assert {(item.status, item.location) for item in sent} == {(303, sent[0].location)}
    assert await count(scene, scene.asha) == 1


async def test_back_and_send_again_makes_one_booking(scene, asha):
    first = await asha.submit(await asha.visit(scene.new_booking_url()), "/bookings")
    repeated = await asha.visit(scene.new_booking_url())
    assert "holding this time until" in repeated.text
    assert (await asha.submit(repeated, "/bookings")).location == first.location
    assert await count(scene, scene.asha) == 1


async def test_the_same_key_with_another_form_is_refused_with_a_way_on(scene, asha):
    page = await asha.visit(scene.new_booking_url())
    await asha.submit(page, "/bookings")
    other = await asha.submit(page, "/bookings", note="Something else.")
    assert other.status == 422
    assert "already sent with different details" in other.text
    assert "Continue to payment" in other.text
    assert "Something else." in other.text
    assert await count(scene, scene.asha) == 1


async def test_another_persons_key_is_another_key(scene, asha, omar):
    for person in (asha, omar):
        assert (await person.post_fields("/bookings", form_of(scene, idempotency_key="k1"))).status == 303
    assert (await count(scene, scene.asha), await count(scene, scene.omar)) == (1, 1)


async def test_a_slot_just_taken_offers_the_next_three_and_loses_nothing(scene, asha, omar):
    page = await asha.visit(scene.new_booking_url())
    for _ in range(2):
        assert (await omar.post_fields("/bookings", form_of(scene))).status == 303
    late = await asha.submit(page, "/bookings", note="Ring thrice.", address_id="", address="12 Beach Road, Adyar")
    assert late.status == 409
    assert "That time was just taken." in late.text
    assert "start" not in late.form("/bookings").fields  # a button sends it
    assert "Ring thrice." in late.text
    assert "12 Beach Road, Adyar" in late.text
    starts = re.findall(r'<button[^>]* name="start"\s+value="([^"]+)"', late.text)
    assert len(starts) == 3
    assert starts[0] > a_start().strftime(START)
    corrected = await asha.submit(late, "/bookings", start=starts[0])
    assert corrected.status == 303
    assert (await scene.booking(corrected.location.split("/")[2])).note == "Ring thrice."


async def test_the_last_slot_of_the_week_taken_offers_the_nearest_before_it(scene, asha, omar):
    last = a_start(days=6, hour=19)
    query = form_of(scene, last, professional_id=str(scene.ravi.id))
    page = await asha.visit(scene.new_booking_url(start=last, professional=scene.ravi.id))
    assert (await omar.post_fields("/bookings", query)).status == 303
    late = await asha.submit(page, "/bookings")
    assert late.status == 409
    starts = re.findall(r'<button[^>]* name="start"\s+value="([^"]+)"', late.text)
    assert len(starts) == 3
    assert max(starts) < last.strftime(START)
    corrected = await asha.submit(late, "/bookings", start=starts[-1])
    assert (await scene.booking(corrected.location.split("/")[2])).requested_professional_id == scene.ravi.id


async def test_someone_with_no_other_time_gives_way_to_anyone_and_the_form_says_so(scene, asha, omar):
    page = await asha.visit(scene.new_booking_url(professional=scene.ravi.id))
    assert (await omar.post_fields("/bookings", form_of(scene, professional_id=str(scene.ravi.id)))).status == 303
    async with scene.database.work() as db:
        week = Range(clock.now(), clock.now() + timedelta(days=8))
        db.add(TimeOff(professional_id=scene.ravi.id, span=week, created_at=clock.now()))
    late = await asha.submit(page, "/bookings")
    assert late.status == 409
    assert "Ravi has no other times on these days" in late.text
    starts = re.findall(r'<button[^>]* name="start"\s+value="([^"]+)"', late.text)
    corrected = await asha.submit(late, "/bookings", start=starts[0])
    assert corrected.status == 303
    assert (await scene.booking(corrected.location.split("/")[2])).requested_professional_id is None


BAD = [
    ("start", "banana"),
    ("start", ""),
    ("start", "2020-01-01T10:00"),
    ("start", "9999-12-31T10:00"),
    ("start", "0001-01-01T00:00+14:00"),
    ("start", "2026-02-30T10:00"),
    ("address", ""),
    ("address", "x"),
    ("pincode", "abcdefgh"),
    ("pincode", "999999"),
    ("pincode", TAMBARAM),
    ("note", "n" * 501),
    ("note", "n" * 900_000),
    ("address_id", "9223372036854775808"),
    ("address_id", "99"),
    ("professional_id", "9223372036854775807"),
    ("professional_id", "x"),
    ("note", "a\x00b"),
]


@pytest.mark.parametrize(("field", "typed"), BAD)
async def test_what_cannot_be_is_shown_beside_its_field(scene, asha, field, typed):
    sent = await asha.post_fields("/bookings", form_of(scene, **{field: typed}))
    assert sent.status == 422
    assert await count(scene, scene.asha) == 0


async def test_an_off_grid_start_is_refused(scene, asha):
    sent = await asha.post_fields("/bookings", form_of(scene, a_start(minute=15)))
    assert sent.status == 422
    assert "on the hour or half hour" in sent.text
    assert "Ring twice." in sent.text


async def test_a_past_slot_shows_free_ones_instead(scene, asha):
    sent = await asha.post_fields("/bookings", form_of(scene, a_start(days=-1)))
    assert sent.status == 422
    assert 'name="start"' in sent.text


@pytest.mark.parametrize("service_id", ["0", "-1", "banana", "", "9223372036854775808", "999999999"])
async def test_a_service_that_is_none_is_refused(scene, asha, service_id):
    assert (await asha.post_fields("/bookings", form_of(scene, service_id=service_id))).status == 422


async def test_only_approved_professionals_of_the_place_can_be_named(scene, asha):
    async with scene.database.work() as db:
        pending = await a_professional(db, "Pavithra N", services=[scene.service], approval="pending")
        far = await a_professional(db, "Farid K", services=[scene.service], pincodes=[TAMBARAM])
        other = await a_professional(db, "Othman L", services=[await a_service(db)])
    for user in (pending, far, other, scene.omar):
        sent = await asha.post_fields("/bookings", form_of(scene, professional_id=str(user.id)))
        assert sent.status == 422
        assert "Choose any available professional" in sent.text


async def test_no_one_books_in_anothers_name(scene, asha):
    sent = await asha.post_fields(
        "/bookings", form_of(scene, customer_id=str(scene.omar.id), price="1", state="closed")
    )
    booking = await scene.booking(sent.location.split("/")[2])
    assert (booking.customer_id, booking.price, booking.state) == (scene.asha.id, 149_00, "held")


async def test_anothers_saved_address_is_not_in_ones_book(scene, asha):
    address = await scene.scalar("SELECT id FROM addresses WHERE user_id = :id", id=scene.omar.id)
    sent = await asha.post_fields("/bookings", form_of(scene, address_id=str(address)))
    assert sent.status == 422
    assert "isn&#39;t one of your saved addresses" in sent.text


async def test_a_professional_cannot_book(scene):
    ravi = await scene.browser(scene.ravi)
    assert (await ravi.visit(scene.new_booking_url())).status == 403


async def test_a_retired_service_takes_no_new_booking(scene, asha):
    async with scene.database.work() as db:
        await db.execute(update(Service).where(Service.id == scene.service.id).values(retired_at=clock.now()))
    assert (await asha.post_fields("/bookings", form_of(scene))).status == 409


async def test_a_parallel_booking_of_the_last_slot_has_as_many_winners_as_people(scene):
    async with scene.database.work() as db:
        crowd = [await a_customer(db, f"Guest {n}") for n in range(8)]
    people = [await scene.browser(user) for user in crowd]
    await asyncio.gather(*(person.token() for person in people))
    answers = await asyncio.gather(*(person.post_fields("/bookings", form_of(scene)) for person in people))
    statuses = sorted(answer.status for answer in answers)
    assert statuses == [303] * 2 + [409] * 6


async def test_paying_twice_at_once_charges_once(scene, asha):
    reference = await scene.held(asha)
    page = await asha.visit(f"/bookings/{reference}/payment")
    sent = await asyncio.gather(*(asha.submit(page, "/payment", **VISA) for _ in range(6)))
    assert {(item.status, item.location) for item in sent} == {(303, f"/bookings/{reference}")}
    assert await scene.charges(reference) == [("authorised", 149_00, 0)]


async def test_paying_in_two_windows_with_two_keys_charges_once(scene, asha):
    reference = await scene.held(asha)
    pages = [await asha.visit(f"/bookings/{reference}/payment") for _ in range(2)]
    sent = await asyncio.gather(*(asha.submit(page, "/payment", **VISA) for page in pages))
    assert [item.status for item in sent] == [303, 303]
    assert await scene.charges(reference) == [("authorised", 149_00, 0)]


async def test_a_payment_key_with_another_card_is_refused(scene, asha):
    reference = await scene.held(asha)
    page = await asha.visit(f"/bookings/{reference}/payment")
    await asha.submit(page, "/payment", **VISA)
    other = await asha.submit(page, "/payment", **VISA | {"card_number": "5555 5555 5555 4444"})
    assert other.status == 422
    assert await scene.charges(reference) == [("authorised", 149_00, 0)]


@pytest.mark.parametrize(
    ("payment_method", "text", "state"),
    [
        (VISA | {"card_number": "4000 0000 0000 0002"}, "declined this payment", "declined"),
        (VISA | {"card_number": "4000 0000 0000 0341"}, "didn&#39;t respond in time", "timed_out"),
        ({"method": "upi", "upi_id": "decline@doorstep"}, "declined this payment", "declined"),
        ({"method": "upi", "upi_id": "timeout@doorstep"}, "didn&#39;t respond in time", "timed_out"),
    ],
)
async def test_when_the_bank_does_not_say_yes_nothing_is_taken_and_one_may_try_again(
    scene, asha, payment_method, text, state
):
    reference = await scene.held(asha)
    refused = await scene.pay(asha, reference, **payment_method)
    assert refused.status == 422
    assert text in refused.text
    assert (await scene.booking(reference)).state == "held"
    assert await scene.charges(reference) == [(state, 149_00, 0)]
    assert (await asha.submit(refused, "/payment", **VISA)).location == f"/bookings/{reference}"
    assert await scene.money(reference) == {"hold": 149_00, "hold_contra": -149_00}


async def test_a_bank_that_wants_a_code_gets_it_in_a_second_step(scene, asha):
    reference = await scene.held(asha)
    sent = await scene.pay(asha, reference, **VISA | {"card_number": "4000 0025 0000 3155"})
    assert sent.location == f"/bookings/{reference}/payment"
    page = await asha.visit(sent.location)
    assert "Visa ending 3155" in page.text
    rejected = await asha.submit(page, "/payment", code="000000")
    assert rejected.status == 422
    assert "not the code" in rejected.text
    assert (await asha.submit(page, "/payment", code="123 456")).location == f"/bookings/{reference}"
    assert await scene.charges(reference) == [("authorised", 149_00, 0)]


async def test_who_pays_after_the_work_after_all_owes_nothing_to_the_bank_that_required_a_code(scene, asha):
    reference = await scene.held(asha)
    await scene.pay(asha, reference, **VISA | {"card_number": "4000002500003155"})
    assert (await scene.pay(asha, reference, method="after")).location == f"/bookings/{reference}"
    assert await scene.charges(reference) == [("declined", 149_00, 0)]
    await scene.accepted(reference)
    await scene.started(reference)
    await scene.completed(reference)
    assert await scene.charges(reference) == [("declined", 149_00, 0), ("due", 149_00, 0)]


async def test_a_code_that_comes_with_the_card_pays_at_once(scene, asha):
    reference = await scene.held(asha)
    payment = VISA | {"card_number": "4000002500003155", "code": "123456"}
    assert (await scene.pay(asha, reference, **payment)).location == f"/bookings/{reference}"


async def test_a_code_without_a_card_pays_nothing(scene, asha):
    reference = await scene.held(asha)
    sent = await asha.post_fields(f"/bookings/{reference}/payment", {"method": "card", "code": "123456"})
    assert sent.status == 422
    assert (await scene.booking(reference)).state == "held"


async def test_wrong_card_fields_are_reported_and_never_filled_in_again(scene, asha):
    reference = await scene.held(asha)
    invalid = await scene.pay(
        asha, reference, method="card", card_number="4242 4242 4242 424", expiry="08 / 19", cvv=CVV
    )
    assert invalid.status == 422
    assert "This number has 15 digits. Your card number has 16. Check for a missing digit." in invalid.text
    assert "This card has expired. Use another card." in invalid.text
    filled = invalid.form("/payment").fields
    assert (filled["card_number"], filled["expiry"], filled["cvv"]) == ("", "", "")
    assert "08 / 19" not in invalid.text
    assert CVV not in invalid.text
    assert 'aria-invalid="true"' in invalid.text


async def test_a_hold_that_lapsed_is_reported_and_can_be_kept_again(scene, asha):
    reference = await scene.held(asha)
    page = await asha.visit(f"/bookings/{reference}/payment")
    with later(minutes=8):
        over = await asha.submit(page, "/payment", **VISA)
        assert over.status == 409
        assert "Your 7-minute hold has expired" in over.text
        repeated = await asha.submit_and_follow(await asha.visit(f"/bookings/{reference}/payment"), "/bookings")
        assert "holding this time until" in repeated.text
        assert (await asha.submit(repeated, "/payment", **VISA)).status == 303
    async with scene.database.work() as db:
        await expire_holds(db)
    assert await scene.charges(reference) == []


async def test_a_hold_cleared_away_by_the_worker_says_the_same(scene, asha):
    reference = await scene.held(asha)
    with later(minutes=8):
        async with scene.database.work() as db:
            await expire_holds(db)
        assert "Your 7-minute hold has expired" in (await asha.visit(f"/bookings/{reference}/payment")).text
        assert "Not paid in time" in (await asha.visit(f"/bookings/{reference}")).text


async def test_a_window_that_still_shows_the_old_price_pays_nothing(scene, asha):
    reference = await scene.held(asha)
    first, second = [await asha.visit(f"/bookings/{reference}/payment") for _ in range(2)]
    async with scene.database.work() as db:
        await db.execute(update(Service).where(Service.id == scene.service.id).values(price=199_00))
    assert (await asha.submit(first, "/payment", **VISA)).status == 409
    stale = await asha.submit(second, "/payment", **VISA)
    assert stale.status == 409
    assert "₹199" in stale.text
    assert await scene.charges(reference) == []
    assert (await asha.submit(stale, "/payment", **VISA)).status == 303


async def test_a_price_that_changes_while_asha_pays_is_shown_and_confirmed_again(scene, asha):
    reference = await scene.held(asha)
    page = await asha.visit(f"/bookings/{reference}/payment")
    async with scene.database.work() as db:
        await db.execute(update(Service).where(Service.id == scene.service.id).values(price=199_00, minutes=90))
    changed = await asha.submit(page, "/payment", **VISA)
    assert changed.status == 409
    assert "The price changed while you were paying" in changed.text
    assert "₹199" in changed.text
    assert await scene.charges(reference) == []
    assert (await asha.submit(changed, "/payment", **VISA)).status == 303
    booking = await scene.booking(reference)
    assert (booking.price, booking.minutes) == (199_00, 90)
    assert await scene.charges(reference) == [("authorised", 199_00, 0)]


async def test_a_length_that_changes_while_asha_pays_is_called_a_length(scene, asha):
    reference = await scene.held(asha)
    page = await asha.visit(f"/bookings/{reference}/payment")
    async with scene.database.work() as db:
        await db.execute(update(Service).where(Service.id == scene.service.id).values(minutes=90))
    changed = await asha.submit(page, "/payment", **VISA)
    assert changed.status == 409
    assert "The length of the visit changed while you were paying" in changed.text
    assert "90 minutes" in " ".join(changed.text.split())
    assert "The price changed" not in changed.text
    assert (await asha.submit(changed, "/payment", **VISA)).status == 303


async def test_a_code_for_the_old_price_does_not_pay_the_new_one(scene, asha):
    reference = await scene.held(asha)
    await scene.pay(asha, reference, **VISA | {"card_number": "4000002500003155"})
    page = await asha.visit(f"/bookings/{reference}/payment")
    async with scene.database.work() as db:
        await db.execute(update(Service).where(Service.id == scene.service.id).values(price=199_00))
    changed = await asha.submit(page, "/payment", code="123456")
    assert changed.status == 409
    assert "₹199" in changed.text
    assert (await asha.submit(page, "/payment", code="123456")).status == 409
    assert (await asha.submit(page, "/payment", code="123456", shown="19900")).status == 422
    assert await scene.charges(reference) == [("declined", 149_00, 0)]
    assert (await asha.submit(changed, "/payment", **VISA)).status == 303
    assert await scene.money(reference) == {"hold": 199_00, "hold_contra": -199_00}


async def test_what_was_cancelled_cannot_be_paid_and_is_not_shown_as_booked(scene, asha):
    reference = await scene.held(asha)
    page = await asha.visit(f"/bookings/{reference}/payment")
    await asha.submit(page, "/payment", **VISA)
    await asha.submit(await asha.visit(f"/bookings/{reference}/cancellation"), "/cancellation")
    for form in (VISA, {"method": "after"}, {"method": "card", "code": "123456"}):
        sent = await asha.post_fields(f"/bookings/{reference}/payment", form)
        assert sent.status == 409
        assert "This booking was cancelled" in sent.text
    assert await scene.charges(reference) == [("released", 149_00, 0)]


async def test_work_that_takes_longer_now_than_the_kept_time_has_room_for_is_not_paid(scene, asha, omar):
    reference = await scene.held(asha, professional=scene.ravi.id)
    await scene.held(omar, a_start(hour=12), professional=scene.ravi.id)
    page = await asha.visit(f"/bookings/{reference}/payment")
    async with scene.database.work() as db:
        await db.execute(update(Service).where(Service.id == scene.service.id).values(minutes=180))
    refused = await asha.submit(page, "/payment", **VISA)
    assert refused.status == 409
    assert "now takes longer" in refused.text
    assert "That time is too short now" in refused.text
    assert "hold has expired" not in refused.text
    assert f"/bookings/new?again={reference}" in refused.text
    assert await scene.charges(reference) == []
    booking = await scene.booking(reference)
    assert (booking.state, booking.cancelled_as) == ("cancelled", "platform")
    page = await asha.visit(f"/bookings/{reference}")
    assert "now takes longer" in page.text
    assert await scene.reserved_for(reference) is None


async def test_a_price_changed_after_paying_is_the_agreed_one_still(scene, asha):
    reference = await scene.paid(asha)
    async with scene.database.work() as db:
        await db.execute(update(Service).where(Service.id == scene.service.id).values(price=199_00))
    assert (await scene.booking(reference)).price == 149_00


async def test_no_new_booking_while_one_is_overdue_and_the_debt_is_paid_at_the_same_address(scene, asha):
    reference = await scene.done(asha, method="after")
    assert await scene.money(reference) == {"receivable": 149_00, "commission": -22_35, "earnings": -126_65}
    assert "₹149 to pay" in (await asha.visit(f"/bookings/{reference}")).text
    with later(hours=25):
        refused = await asha.post_fields("/bookings", form_of(scene, a_start(days=2)))
        assert refused.status == 409
        assert f"/bookings/{reference}/payment" in refused.text
        page = await asha.visit(f"/bookings/{reference}/payment")
        assert "Pay after the job" not in page.text
        assert (await asha.submit(page, "/payment", method="after")).status == 422
        assert (await asha.submit(page, "/payment", **VISA)).location == f"/bookings/{reference}"
        assert (await asha.submit(page, "/payment", **VISA)).status == 303
        assert (await asha.post_fields("/bookings", form_of(scene, a_start(days=2)))).status == 303
    assert await scene.charges(reference) == [("paid", 149_00, 149_00)]
    assert await scene.money(reference) == {"gateway": 149_00, "commission": -22_35, "earnings": -126_65}


async def test_a_debt_may_need_a_code_too(scene, asha):
    reference = await scene.done(asha, method="after")
    assert (
        await asha.post_fields(f"/bookings/{reference}/payment", {"method": "card", "code": "123456"})
    ).status == 422
    sent = await scene.pay(asha, reference, **VISA | {"card_number": "4000002500003155"})
    page = await asha.visit(sent.location)
    assert "Visa ending 3155" in page.text
    assert (await asha.submit(page, "/payment", code="123456")).location == f"/bookings/{reference}"
    assert await scene.charges(reference) == [("paid", 149_00, 149_00)]


async def test_omar_finds_nothing_to_pay(scene, asha, omar):
    reference = await scene.held(asha)
    assert (await omar.visit(f"/bookings/{reference}/payment")).status == 404
    assert (await omar.post_fields(f"/bookings/{reference}/payment", VISA)).status == 404
    assert await scene.charges(reference) == []


async def test_of_a_card_only_brand_and_last_four_are_anywhere(scene, asha, caplog, capsys):
    reference = await scene.held(asha)
    await scene.pay(asha, reference, **VISA | {"card_number": CANARY[:-1] + "1", "cvv": CVV})
    await scene.pay(asha, reference, **VISA | {"card_number": "4000000000000002", "cvv": CVV})
    await scene.pay(asha, reference, **VISA | {"card_number": CANARY, "cvv": CVV})
    assert (await scene.booking(reference)).state == "requested"
    tables = await scene.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    for (table,) in tables:
        rows = await scene.rows(f"SELECT row_to_json(t)::text FROM {table} t")
        text = "\n".join(str(row[0]) for row in rows)
        assert "42424242" not in text, table
        assert "40000000" not in text, table
        assert f'"{CVV}"' not in text, table
    message = caplog.text + "".join(capsys.readouterr()) + "".join(asha.page_texts)
    assert "424242424242" not in message
    assert CVV not in "".join(asha.page_texts).replace(reference, "")
    statement = "SELECT brand, last4 FROM charges WHERE state = 'authorised' ORDER BY id DESC LIMIT 1"
    assert await scene.rows(statement) == [("Visa", "4242")]


@pytest.mark.parametrize("name", ["card_number", "expiry", "cvv", "method"])
async def test_a_payment_field_that_comes_twice_is_refused_and_nothing_is_paid(scene, asha, name):
    page = await asha.visit(scene.new_booking_url())
    payment = await asha.submit_and_follow(page, "/bookings", note="The tap drips.")
    answer = await asha.submit(payment, "/payment", **VISA | {name: ["", VISA[name]]})
    assert answer.status == 422
    assert "A field was sent twice." in answer.text
    assert VISA["card_number"] not in answer.text
    assert await scene.scalar("SELECT state FROM bookings WHERE customer_id = :id", id=scene.asha.id) == "held"


async def test_the_payment_form_begins_with_upi_and_its_button_says_what_happens(scene, asha):
    reference = await scene.held(asha)
    page = await asha.visit(f"/bookings/{reference}/payment")
    form = page.form("/payment")
    assert form.choices["method"] == ["upi", "card", "after"]
    assert form.fields["method"] == "upi"
    words = " ".join(page.text.split())
    assert '<span class="pays">Pay ₹149</span>' in words
    assert "<span>Book, pay ₹149 after the job</span>" in words


async def test_what_is_due_after_the_job_can_only_be_paid(scene, asha):
    reference = await scene.done(asha, method="after")
    page = await asha.visit(f"/bookings/{reference}/payment")
    assert page.form("/payment").choices["method"] == ["upi", "card"]
    assert "after the job</span>" not in page.text
