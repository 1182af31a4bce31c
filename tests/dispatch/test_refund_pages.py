"""Money back on the admins' pages (W29): the figures, the second admin, what failed, and what both sides read."""

import zipfile

import pytest

from app.check.run import find_violations
from app.privacy.own_data import build_archive
from tests.bookings.scenes import Scene, later
from tests.factories import an_admin

REASON = "The tap drips again."
FAILING = {"method": "card", "card_number": "4000 0000 0000 5126", "expiry": "08 / 40", "cvv": "123"}


@pytest.fixture
async def scene(own_app):
    scene = await Scene.set(own_app)
    yield scene
    await scene.close()


@pytest.fixture
async def asha(scene):
    return await scene.browser(scene.asha)


@pytest.fixture
async def meena(scene):
    async with scene.database.work() as db:
        admin = await an_admin(db)
    return await scene.browser(admin)


async def gives_back(admin, reference, amount, **fields):
    page = await admin.visit(f"/admin/bookings/{reference}/refund")
    return await admin.submit(page, "/refund", amount=amount, reason=REASON, **fields)


async def sound(scene):
    async with scene.database.work() as db:
        assert await find_violations(db) == []


async def test_the_form_says_what_a_refund_does_and_both_sides_read_of_it(scene, asha, meena):
    reference = await scene.done(asha)
    page = await meena.visit(f"/admin/bookings/{reference}/refund?amount=49")
    for words in ("Taken", "₹149", "What a refund of ₹49 does", "Ravi Kumar bears ₹41.65", "Doorstep ₹7.35"):
        assert words in page.text, words
    assert "5 to 7 working days" in page.text
    sent = await gives_back(meena, reference, "49", borne_by="shares")
    assert (sent.status, sent.location) == (303, f"/admin/bookings/{reference}?tab=money")
    record = await meena.visit(sent.location)
    assert "₹49 refunded. The customer was notified." in record.text
    assert REASON in record.text
    own = await asha.visit(f"/bookings/{reference}")
    assert "We gave ₹49 back" in own.text
    assert REASON in own.text
    assert "5 to 7 working days" in own.text
    ravi = await scene.browser(scene.ravi)
    job = await ravi.visit(f"/jobs/{reference}")
    assert "₹41.65 of it was taken from your earnings" in job.text
    assert REASON in job.text
    assert {kind for (kind,) in await scene.rows("SELECT kind FROM outbox WHERE kind LIKE '%refunded'")} == {
        "booking_refunded",
        "job_refunded",
    }
    await sound(scene)


async def test_a_refund_at_doorsteps_cost_is_no_matter_of_the_professional(scene, asha, meena):
    reference = await scene.done(asha)
    assert (await gives_back(meena, reference, "49")).status == 303
    ravi = await scene.browser(scene.ravi)
    assert REASON not in (await ravi.visit(f"/jobs/{reference}")).text
    assert await scene.scalar("SELECT count(*) FROM outbox WHERE kind = 'job_refunded'") == 0


@pytest.mark.parametrize("amount", ["0", "-1", "NaN", "1e3", "149.01", "49.001", "", "many"])
async def test_an_amount_that_cannot_be_refunded_is_refused_beside_its_field(scene, asha, meena, amount):
    reference = await scene.done(asha)
    page = await gives_back(meena, reference, amount)
    assert page.status == 422
    assert 'id="amount-error"' in page.text
    assert REASON in page.text
    assert await scene.scalar("SELECT count(*) FROM refunds") == 0


async def test_a_reason_is_needed(scene, asha, meena):
    reference = await scene.done(asha)
    page = await meena.visit(f"/admin/bookings/{reference}/refund")
    assert (await meena.submit(page, "/refund", amount="49", reason=" ")).status == 422


async def test_when_everything_went_back_there_is_no_form_any_more(scene, asha, meena):
    reference = await scene.done(asha)
    page = await meena.visit(f"/admin/bookings/{reference}/refund")
    assert (await meena.submit(page, "/refund", amount="149", reason=REASON)).status == 303
    again = await meena.submit(page, "/refund", amount="1", reason=REASON)
    assert again.status == 409
    assert "nothing left to refund" in again.text
    assert "nothing left to refund" in (await meena.visit(f"/admin/bookings/{reference}/refund")).text


async def test_an_old_password_is_entered_again_before_money_goes_back(scene, asha, meena):
    reference = await scene.done(asha)
    page = await meena.visit(f"/admin/bookings/{reference}/refund")
    with later(minutes=16):
        sent = await meena.submit(page, "/refund", amount="49", reason=REASON)
    assert sent.location.startswith("/login/again")
    assert await scene.scalar("SELECT count(*) FROM refunds") == 0


async def test_above_5000_another_admin_confirms_in_the_queue(own_app):
    scene = await Scene.set(own_app, price=9_000_00)
    async with scene.database.work() as db:
        first, second = await an_admin(db), await an_admin(db, "Lekha Nair")
    asha, meena, lekha = await scene.browser(scene.asha), await scene.browser(first), await scene.browser(second)
    reference = await scene.done(asha)
    assert "another admin confirms it" in (await meena.visit(f"/admin/bookings/{reference}/refund?amount=6000")).text
    await gives_back(meena, reference, "6000")
    assert await scene.scalar("SELECT state FROM refunds") == "requested"
    assert "We gave" not in (await asha.visit(f"/bookings/{reference}")).text
    queue = await meena.visit("/admin/refunds")
    assert "Waits for another admin" in queue.text
    assert "Confirm" not in queue.text
    waiting = await lekha.visit("/admin/refunds")
    assert REASON in waiting.text
    sent = await lekha.submit(waiting, "/confirmation", answer="yes")
    assert (sent.status, sent.location) == (303, "/admin/refunds")
    assert await scene.scalar("SELECT state FROM refunds") == "done"
    again = await lekha.submit(waiting, "/confirmation", answer="no")
    assert again.status == 409
    assert "decided already" in again.text
    assert "answered by Lekha Nair" in (await meena.visit("/admin/refunds?state=done")).text
    assert "We gave ₹6,000 back" in (await asha.visit(f"/bookings/{reference}")).text
    await sound(scene)
    await scene.close()


async def test_what_the_bank_did_not_take_is_sent_again_from_the_queue(scene, asha, meena):
    reference = await scene.done(asha, **FAILING)
    sent = await gives_back(meena, reference, "49")
    record = (await meena.visit(sent.location)).text.replace("&#39;", "'")
    assert "The bank didn't take the refund" in record
    assert "We gave" not in (await asha.visit(f"/bookings/{reference}")).text
    assert 'href="/admin/refunds"' in (await meena.visit("/admin")).text
    queue = await meena.visit("/admin/refunds?state=failed")
    assert "The customer's bank didn't take the refund." in queue.text.replace("&#39;", "'")
    assert (await meena.submit(queue, "/retry")).status == 303
    assert await scene.scalar("SELECT state FROM refunds") == "done"
    await sound(scene)


async def test_what_is_released_before_the_job_ends_is_not_charged(scene, asha, meena):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    await gives_back(meena, reference, "49")
    assert "you aren't charged for it" in (await asha.visit(f"/bookings/{reference}")).text.replace("&#39;", "'")
    cancellation = await asha.visit(f"/bookings/{reference}/cancellation")
    assert "₹100" in cancellation.text
    await scene.started(reference)
    await scene.completed(reference)
    assert await scene.money(reference) == {"gateway": 100_00, "commission": 26_65, "earnings": -126_65}
    earnings = await (await scene.browser(scene.ravi)).visit("/earnings")
    assert "₹126.65" in earnings.text
    await sound(scene)


async def test_a_refund_is_in_the_archive_of_both(scene, asha, meena, own_storage):
    reference = await scene.done(asha)
    await gives_back(meena, reference, "49", borne_by="shares")
    for user in (scene.asha, scene.ravi):
        async with scene.database.work() as db:
            with zipfile.ZipFile(await build_archive(db, own_storage, user)) as archive:
                assert any(REASON.encode() in archive.read(name) for name in archive.namelist())


async def test_the_queue_says_why_an_answer_is_refused(scene, asha, meena):
    reference = await scene.done(asha)
    await gives_back(meena, reference, "49")
    refund = await scene.scalar("SELECT max(id) FROM refunds")
    fields = {"answer": "perhaps", "_csrf_token": await meena.token()}
    sent = await meena.post_fields(f"/admin/refunds/{refund}/confirmation", fields)
    assert (sent.status, "Choose yes or no." in sent.text) == (422, True)
