"""A coupon and credit on the payment page: the price with them, what is left, and what is refused in words."""

from datetime import timedelta

import pytest

from app.check.run import find_violations
from app.core import clock
from app.promotions.coupon import CouponKind
from tests.bookings.scenes import VISA
from tests.factories import a_start

ASKS = {**VISA, "card_number": "4000 0025 0000 3155"}


@pytest.fixture
async def asha(scene):
    return await scene.browser(scene.asha)


async def used(scene, code="WELCOME50"):
    return await scene.scalar("SELECT used FROM coupons WHERE code = :code", code=code)


async def balance(scene, customer):
    query = "SELECT coalesce((SELECT balance FROM credit_balances WHERE customer_id = :id), 0)"
    return await scene.scalar(query, id=customer.id)


async def assert_sound(scene):
    async with scene.database.work() as db:
        assert await find_violations(db) == []


async def test_the_price_with_coupon_and_credit_is_shown_and_then_paid(scene, asha, coupon, credit):
    await coupon()
    await credit(scene.asha, 60_00)
    reference = await scene.held(asha)
    page = await asha.visit(f"/bookings/{reference}/payment")
    assert "Use my credit of ₹60" in page.text
    shown = await asha.submit_and_follow(page, "/payment", coupon="welcome-50", use_credit="yes", apply="yes")
    for words in ("Coupon WELCOME50", "−₹50", "−₹60", "<b>₹39</b>"):
        assert words in shown.text, words
    assert await used(scene) == 0
    booked = await asha.submit_and_follow(shown, "/payment", **VISA)
    assert "We're finding you a professional" in booked.text
    assert await scene.money(reference) == {
        "hold": 39_00,
        "hold_contra": -39_00,
        "credit": 60_00,
        "customer_funds": -60_00,
    }
    assert (await used(scene), await balance(scene, scene.asha)) == (1, 0)
    await assert_sound(scene)


async def test_a_form_that_was_not_applied_pays_with_the_coupon_at_once(scene, asha, coupon):
    await coupon()
    reference = await scene.paid(asha, coupon="WELCOME50", **VISA)
    assert await scene.money(reference) == {"hold": 99_00, "hold_contra": -99_00}
    assert "Coupon WELCOME50" in (await asha.visit(f"/bookings/{reference}/receipt")).text


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        (None, "We don&#39;t know this coupon."),
        ({"from_day": "tomorrow"}, "This coupon is valid from"),
        ({"until_day": "yesterday", "from_day": "yesterday"}, "This coupon has expired."),
        ({"first_visit": True}, "This coupon is for your first visit only."),
    ],
)
async def test_a_coupon_that_does_not_count_shows_an_error_beside_the_field(scene, asha, coupon, terms, words):
    days = {"tomorrow": clock.today() + timedelta(days=1), "yesterday": clock.today() - timedelta(days=1)}
    if terms is not None:
        await coupon(**{name: days.get(value, value) for name, value in terms.items()})
    await scene.paid(asha, start=a_start(days=3))
    reference = await scene.held(asha)
    page = await asha.visit(f"/bookings/{reference}/payment")
    refused = await asha.submit(page, "/payment", coupon="WELCOME50", method="upi", upi_id="success@doorstep")
    assert refused.status == 422
    assert words.replace("&#39;", "'") in refused.text.replace("&#39;", "'")
    assert 'id="coupon-error"' in refused.text
    form = refused.form("/payment")
    assert (form.fields["coupon"], form.fields["upi_id"], form.fields["method"]) == (
        "WELCOME50",
        "success@doorstep",
        "upi",
    )
    assert (await scene.booking(reference)).state == "held"
    # Without it the same form pays.
    paid = await asha.submit(refused, "/payment", coupon="")
    assert (paid.status, await scene.money(reference)) == (303, {"hold": 149_00, "hold_contra": -149_00})


async def test_once_per_person_and_freed_when_the_booking_is_cancelled(scene, asha, coupon):
    await coupon(total=1)
    reference = await scene.paid(asha, coupon="WELCOME50", **VISA)
    again = await scene.held(asha, a_start(days=3))
    refused = await scene.pay(asha, again, coupon="WELCOME50", **VISA)
    assert (refused.status, "This coupon has been used up." in refused.text) == (422, True)
    await asha.submit(await asha.visit(f"/bookings/{reference}/cancellation"), "/cancellation")
    assert (await scene.pay(asha, again, coupon="WELCOME50", **VISA)).status == 303
    assert await used(scene) == 1
    await assert_sound(scene)


async def test_nothing_left_to_pay_asks_no_bank(scene, asha, coupon, credit):
    await coupon(kind=CouponKind.PERCENT, value=50)
    await credit(scene.asha, 500_00)
    reference = await scene.held(asha)
    paid = await scene.pay(asha, reference, coupon="WELCOME50", use_credit="yes", method="card")
    assert paid.status == 303
    assert (await scene.booking(reference)).payment == "credit"
    assert await scene.money(reference) == {"credit": 74_50, "customer_funds": -74_50}
    await scene.accepted(reference)
    await scene.started(reference)
    await scene.completed(reference)
    assert await scene.money(reference) == {
        "credit": 74_50,
        "coupons": 74_50,
        "earnings": -126_65,
        "commission": -22_35,
    }
    await assert_sound(scene)


async def test_a_coupon_above_the_price_covers_it(scene, asha, coupon):
    await coupon(value=500_00)
    reference = await scene.held(asha)
    assert (await scene.pay(asha, reference, coupon="WELCOME50", method="upi")).status == 303
    assert ((await scene.booking(reference)).payment, await scene.money(reference)) == ("coupon", {})
    await assert_sound(scene)


async def test_a_percentage_is_capped(scene, asha, coupon):
    await coupon(kind=CouponKind.PERCENT, value=50, cap=20_00)
    reference = await scene.paid(asha, coupon="WELCOME50", **VISA)
    assert (await scene.money(reference))["hold"] == 129_00


async def test_after_the_job_the_coupon_is_kept_and_used_at_completion(scene, asha, coupon):
    await coupon()
    reference = await scene.done(asha, coupon="WELCOME50", method="after")
    assert await scene.money(reference) == {
        "receivable": 99_00,
        "coupons": 50_00,
        "earnings": -126_65,
        "commission": -22_35,
    }
    assert "₹99 to pay" in (await asha.visit(f"/bookings/{reference}")).text
    await assert_sound(scene)


async def test_the_code_of_the_bank_pays_the_rest(scene, asha, coupon):
    await coupon()
    reference = await scene.held(asha)
    sent = await scene.pay(asha, reference, coupon="WELCOME50", **ASKS)
    assert sent.location == f"/bookings/{reference}/payment"
    waiting = await asha.visit(sent.location)
    assert "<b>₹99</b>" in waiting.text
    paid = await asha.submit(waiting, "/payment", code="123456")
    assert (paid.status, await scene.money(reference)) == (303, {"hold": 99_00, "hold_contra": -99_00})
    assert await used(scene) == 1
    await assert_sound(scene)


async def test_a_coupon_used_up_before_the_code_arrives_shows_the_form_again(scene, asha, coupon):
    await coupon(total=1)
    reference = await scene.held(asha)
    await scene.pay(asha, reference, coupon="WELCOME50", **ASKS)
    omar = await scene.browser(scene.omar)
    await scene.paid(omar, coupon="WELCOME50", **VISA)
    waiting = await asha.visit(f"/bookings/{reference}/payment")
    refused = await asha.submit(waiting, "/payment", code="123456")
    assert (refused.status, "This coupon has been used up." in refused.text) == (422, True)
    paid = await asha.submit(refused, "/payment", coupon="", code="", **VISA)
    assert (paid.status, await scene.money(reference)) == (303, {"hold": 149_00, "hold_contra": -149_00})
    await assert_sound(scene)


async def test_more_than_the_page_showed_is_never_charged(scene, asha, credit):
    await credit(scene.asha)
    reference = await scene.held(asha)
    page = await asha.visit(f"/bookings/{reference}/payment?use_credit=yes")
    await scene.paid(asha, start=a_start(days=3), use_credit="yes", **VISA)  # in another tab
    refused = await asha.submit(page, "/payment", **VISA)
    assert (refused.status, "The amount to pay has changed." in refused.text) == (422, True)
    assert (await scene.booking(reference)).state == "held"


async def test_cancelling_as_credit_is_a_choice(scene, asha):
    reference = await scene.paid(asha, **VISA)
    page = await asha.visit(f"/bookings/{reference}/cancellation")
    assert "Keep the refund as credit" in page.text
    await asha.submit(page, "/cancellation", as_credit="yes")
    assert await balance(scene, scene.asha) == 149_00
    assert await scene.scalar("SELECT sum(revenue) FROM bookings") == 0
    other = await scene.paid(asha, start=a_start(days=3), use_credit="yes", method="card")
    assert (await scene.booking(other)).payment == "credit"
    await asha.submit(await asha.visit(f"/bookings/{other}/cancellation"), "/cancellation")
    assert await balance(scene, scene.asha) == 149_00
    await assert_sound(scene)
