"""Remembered payment methods: paid with, shown without their numbers, of their customer alone, removable."""

from datetime import date, timedelta

import pytest

from app.core import clock
from app.payments.pretend_bank import Instrument, instrument_of_token, read_instrument, token_of
from app.payments.saved_method import MAX_SAVED_METHODS
from app.payments.saved_methods_repository import SavedMethods, prune
from app.privacy.personal_data import own_data_sections
from tests.bookings.scenes import VISA, Scene
from tests.factories import a_start, past_visits

UPI = {"method": "upi", "upi_id": "asha.raman@okbank"}
ASKS = {**VISA, "card_number": "4000 0025 0000 3155"}
ROWS = "SELECT method, brand, last4, expires_on, masked_id FROM saved_methods WHERE customer_id = :id ORDER BY id"


@pytest.fixture
async def scene(app):
    scene = await Scene.set(app)
    async with scene.database.work() as db:
        await past_visits(db, scene.asha, scene.service, scene.kumar)
    yield scene
    await scene.close()


@pytest.fixture
async def asha(scene):
    return await scene.browser(scene.asha)


async def rows(scene):
    return await scene.rows(ROWS, id=scene.asha.id)


async def test_a_card_is_remembered_and_paid_with(scene, asha):
    await scene.paid(asha, a_start(2, 11), **VISA, remember="yes")
    assert await rows(scene) == [("card", "Visa", "4242", date(2040, 8, 31), None)]
    reference = await scene.held(asha, a_start(2, 14))
    page = await asha.visit(f"/bookings/{reference}/payment")
    assert "Visa ending 4242" in page.text
    assert "Valid until 08/40" in page.text
    form = page.form("/payment")
    assert form.fields["method"] == "saved", "what is remembered comes first"
    paid = await asha.submit(page, "/payment")
    assert paid.location == f"/bookings/{reference}"
    assert await scene.charges(reference) == [("authorised", 149_00, 0)]
    receipt = await scene.rows(
        "SELECT c.method, c.brand, c.last4 FROM charges c JOIN bookings b ON b.id = c.booking_id"
        " WHERE b.reference = :r",
        r=reference,
    )
    assert receipt == [("card", "Visa", "4242")]


async def test_a_upi_id_is_remembered_masked(scene, asha):
    await scene.paid(asha, a_start(2, 11), **UPI, remember="yes")
    assert await rows(scene) == [("upi", None, None, None, "as…@okbank")]
    page = await asha.visit("/profile/payment-methods")
    assert "as…@okbank" in page.text
    assert "asha.raman@okbank" not in page.text


async def test_nothing_is_remembered_unasked_nor_after_the_job(scene, asha):
    await scene.paid(asha, a_start(2, 11), **VISA)
    await scene.paid(asha, a_start(2, 14), method="after", remember="yes")
    assert await rows(scene) == []


async def test_of_a_number_nothing_is_stored(scene, asha):
    await scene.paid(asha, a_start(2, 11), **VISA, remember="yes")
    await scene.paid(asha, a_start(2, 14), **UPI, remember="yes")
    stored = "".join(text for (text,) in await scene.rows("SELECT t::text FROM saved_methods t"))
    assert "424242424242" not in stored.replace(" ", "")
    assert "asha.raman" not in stored
    tokens = await scene.rows("SELECT encrypted_token FROM saved_methods WHERE customer_id = :id", id=scene.asha.id)
    for (token,) in tokens:
        assert b"approves" not in token, "encrypted"
        assert scene.encryption.decrypt(token, f"saved method of {scene.omar.id}") is None, "for its customer alone"


async def test_a_declined_method_is_not_remembered(scene, asha):
    reference = await scene.held(asha, a_start(2, 11))
    refused = await scene.pay(asha, reference, **VISA | {"card_number": "4000 0000 0000 0002"}, remember="yes")
    assert refused.status == 422
    assert "checked" in refused.text.partition('name="remember"')[2][:80], "the tick stays"
    assert await rows(scene) == []


async def test_a_card_that_asks_for_a_code_is_remembered_once_the_code_was_right(scene, asha):
    reference = await scene.held(asha, a_start(2, 11))
    await scene.pay(asha, reference, **ASKS, remember="yes")
    assert "3155" not in (await asha.visit("/profile/payment-methods")).text
    page = await asha.visit(f"/bookings/{reference}/payment")
    assert (await asha.submit(page, "/payment", code="000000")).status == 422
    assert "3155" not in (await asha.visit("/profile/payment-methods")).text
    assert (await asha.submit(page, "/payment", code="123456")).status == 303
    assert "Visa ending 3155" in (await asha.visit("/profile/payment-methods")).text
    second = await scene.held(asha, a_start(2, 14))
    page = await asha.visit(f"/bookings/{second}/payment")
    assert (await asha.submit(page, "/payment")).location == f"/bookings/{second}/payment", "the bank asks again"
    page = await asha.visit(f"/bookings/{second}/payment")
    assert "Your bank sent you a code" in page.text
    assert (await asha.submit(page, "/payment", code="123456")).location == f"/bookings/{second}"


@pytest.mark.parametrize("saved_id", ["", "0", "banana", "99999999999999999999", "{other}"])
async def test_another_customers_method_pays_nothing(scene, asha, saved_id):
    omar = await scene.browser(scene.omar)
    await scene.paid(omar, a_start(2, 11), **VISA, remember="yes")
    other = await scene.scalar("SELECT id FROM saved_methods WHERE customer_id = :id", id=scene.omar.id)
    reference = await scene.held(asha, a_start(2, 14))
    page = await asha.visit(f"/bookings/{reference}/payment")
    refused = await asha.post_fields(
        f"/bookings/{reference}/payment",
        {**page.form("/payment").fields, "method": "saved", "saved_id": saved_id.format(other=other)},
    )
    assert refused.status == 422
    assert "Choose a payment method." in refused.text
    assert await scene.charges(reference) == []
    assert (await asha.post_fields(f"/profile/payment-methods/{other}/removal", {})).status == 404
    assert await scene.scalar("SELECT count(*) FROM saved_methods WHERE id = :id", id=other) == 1


async def test_an_expired_card_is_refused_in_words(scene, asha):
    await scene.paid(asha, a_start(2, 11), **VISA, remember="yes")
    reference = await scene.held(asha, a_start(2, 14))
    saved_id = await scene.scalar(
        "UPDATE saved_methods SET expires_on = :day WHERE customer_id = :id RETURNING id",
        day=clock.today() - timedelta(days=1),
        id=scene.asha.id,
    )
    page = await asha.visit(f"/bookings/{reference}/payment")
    assert "Expired" in page.text
    assert page.form("/payment").fields["method"] == "upi", "not preselected"
    refused = await asha.submit(page, "/payment", method="saved", saved_id=str(saved_id))
    assert refused.status == 422
    assert "This card has expired" in refused.text
    assert await scene.charges(reference) == []


async def test_removed_on_the_profile(scene, asha):
    await scene.paid(asha, a_start(2, 11), **VISA, remember="yes")
    assert "/profile/payment-methods" in (await asha.visit("/profile")).links
    page = await asha.visit("/profile/payment-methods")
    assert (await asha.submit(page, "/removal")).location == "/profile/payment-methods"
    assert "Nothing is saved" in (await asha.visit("/profile/payment-methods")).text
    assert await rows(scene) == []
    names = await scene.rows("SELECT name FROM events WHERE subject = :subject", subject=f"user-{scene.asha.id}")
    assert {("person.payment_method_saved",), ("person.payment_method_removed",)} <= set(names)


async def test_several_are_a_choice_and_the_one_used_last_comes_first(scene, asha):
    await scene.paid(asha, a_start(2, 9), **VISA, remember="yes")
    await scene.paid(asha, a_start(2, 11), **UPI, remember="yes")
    reference = await scene.held(asha, a_start(2, 14))
    page = await asha.visit(f"/bookings/{reference}/payment")
    upi, visa = page.form("/payment").choices["saved_id"]
    assert page.form("/payment").fields["saved_id"] == upi
    await asha.submit(page, "/payment", saved_id=visa)
    reference = await scene.held(asha, a_start(2, 16))
    page = await asha.visit(f"/bookings/{reference}/payment")
    assert page.form("/payment").choices["saved_id"] == [visa, upi]


async def test_own_data_name_them_and_the_deleted_account_has_none(scene, asha):
    await scene.paid(asha, a_start(2, 11), **VISA, remember="yes")
    archive = await asha.get("/profile/data/file")
    assert archive.status_code == 200
    [section] = [section for section in own_data_sections() if section.name == "saved_payment_methods"]
    found = await scene.rows(section.query.replace(":me", str(scene.asha.id)))
    assert [row[:3] for row in found] == [("card", "Visa", "4242")]


async def test_at_most_eight_and_old_ones_go(scene):
    async with scene.database.work() as db:
        saved_methods = SavedMethods(db, scene.asha)
        for number in range(MAX_SAVED_METHODS + 3):
            card = Instrument("card", "Visa", f"{number:04d}", expires_on=date(2040, 8, 31))
            await saved_methods.remember(scene.encryption, card, confirmed=number != 4)
        await db.flush()
        kept = [method.last4 for method in await saved_methods.all()]
        assert len(kept) <= MAX_SAVED_METHODS
        assert "0000" not in kept
        assert await prune(db, clock.now() + timedelta(days=2)) >= 1, "the one that no code confirmed"
        assert await prune(db, clock.now() + timedelta(days=731)) >= len(kept)
        assert await saved_methods.all() == []


@pytest.mark.parametrize("fields", [VISA, ASKS, UPI, {"method": "upi", "upi_id": "decline@doorstep"}])
def test_the_bank_answers_to_a_token_as_to_the_method(fields):
    instrument = read_instrument(fields)
    again = instrument_of_token(token_of(instrument), instrument.brand, instrument.last4)
    assert (again.method, again.brand, again.last4, again.behaviour) == (
        instrument.method,
        instrument.brand,
        instrument.last4,
        instrument.behaviour,
    )
    assert token_of(instrument) != token_of(instrument)
