"""An admin writes to either side of a booking, and sends an email again; both are in the booking's history."""

import asyncio

import pytest
from sqlalchemy import text

from app.accounts.session import Sessions
from app.core.errors import Refused
from app.dispatch.interventions import send_message
from app.notifications.booking_mail_repository import resend_mail
from app.privacy.deletion import delete_account
from tests.bookings.scenes import Scene
from tests.factories import an_admin

WORDS = "The plumber comes at five. We are sorry."


@pytest.fixture
async def scene(own_app):
    scene = await Scene.set(own_app)
    yield scene
    await scene.close()


@pytest.fixture
async def meena(scene):
    async with scene.database.work() as db:
        return await an_admin(db)


@pytest.fixture
async def admin(scene, meena):
    return await scene.browser(meena)


async def mails_of(scene, user, kind):
    query = f"SELECT count(*) FROM outbox WHERE channel = 'email' AND recipient_id = {user.id} AND kind = '{kind}'"
    return await scene.scalar(query)


async def run(scene, statement):
    async with scene.database.work() as db:
        await db.execute(text(statement))


async def sent(scene):
    await run(scene, "UPDATE outbox SET sent_at = created_at, attempts = 1")


async def test_each_side_reads_what_an_admin_writes_to_it_alone(scene, admin):
    asha, ravi = await scene.browser(scene.asha), await scene.browser(scene.ravi)
    booking = await scene.paid(asha)
    here = f"/admin/bookings/{booking}"
    page = await admin.visit(f"{here}/message")
    assert "the professional" not in page.text.lower().split("<form", 2)[-1]
    refused = await admin.post_fields(f"{here}/message", {"to": "professional", "text": WORDS})
    assert (refused.status, "No professional has this job." in refused.text) == (409, True)
    await scene.accepted(booking)
    page = await admin.visit(f"{here}/message")
    for fields in (
        {"to": "everyone", "text": WORDS},
        {"to": "customer", "text": " "},
        {"to": "customer", "text": "x" * 1001},
    ):
        assert (await admin.post_fields(f"{here}/message", fields)).status == 422, fields
    answer = await admin.submit(page, "/message", to="customer", text=WORDS)
    assert (answer.status, answer.location) == (303, f"{here}?tab=history"), answer.text
    assert WORDS in (await asha.visit(f"/bookings/{booking}")).text
    assert WORDS not in (await ravi.visit(f"/jobs/{booking}")).text
    assert (await mails_of(scene, scene.asha, "admin_message"), await mails_of(scene, scene.ravi, "admin_message")) == (
        1,
        0,
    )
    assert "Doorstep wrote to you" in (await asha.visit("/notices")).text
    await admin.submit(page, "/message", to="professional", text="Please call us.")
    assert "Please call us." in (await ravi.visit(f"/jobs/{booking}")).text
    assert "Please call us." not in (await asha.visit(f"/bookings/{booking}")).text
    assert WORDS in (await admin.visit(f"{here}?tab=history")).text


async def test_a_message_does_not_change_what_the_booking_shows_as_its_last_step(scene, admin, meena):
    asha = await scene.browser(scene.asha)
    booking = await scene.paid(asha)
    before = (await asha.visit(f"/bookings/{booking}")).text.count("timeline")
    async with scene.database.work() as db:
        await send_message(db, meena, booking, "customer", WORDS)
    assert (await asha.visit(f"/bookings/{booking}")).text.count("timeline") == before


async def test_what_was_written_is_gone_with_the_account(scene, meena, own_storage):
    asha = await scene.browser(scene.asha)
    booking = await scene.done(asha)
    async with scene.database.work() as db:
        await send_message(db, meena, booking, "customer", WORDS)
    async with scene.database.work() as db:
        await send_message(db, meena, booking, "professional", "Please call us.")
    for user, left in ((scene.asha, 0), (scene.ravi, 0)):
        async with scene.database.work() as db:
            await delete_account(db, own_storage, Sessions(scene.database), user)
        assert await scene.scalar("SELECT count(*) FROM event_values WHERE name = 'text'") == left


async def test_an_email_is_sent_again_once_while_it_waits(scene, admin):
    asha = await scene.browser(scene.asha)
    booking = await scene.paid(asha)
    here = f"/admin/bookings/{booking}/mails"
    page = await admin.visit(here)
    assert "Booked:" in page.text
    assert not [form for form in page.forms if form.action.endswith("/resend")], "it has not been sent yet"
    await sent(scene)
    page = await admin.visit(here)
    (form,) = [form for form in page.forms if form.action.endswith("/resend")]
    answer = await admin.submit(page, form.action)
    assert (answer.status, answer.location) == (303, here), answer.text
    assert await mails_of(scene, scene.asha, "booking_requested") == 2
    refused = await admin.submit(page, form.action)
    assert (refused.status, "about to be sent" in refused.text) == (409, True)
    await sent(scene)
    assert (await admin.submit(page, form.action)).status == 303
    assert "sent an email again" in (await admin.visit(f"/admin/bookings/{booking}?tab=history")).text


async def test_an_email_that_was_given_up_is_tried_again(scene, admin):
    asha = await scene.browser(scene.asha)
    booking = await scene.paid(asha)
    await run(scene, "UPDATE outbox SET parked_at = created_at, attempts = 9 WHERE kind = 'booking_requested'")
    page = await admin.visit(f"/admin/bookings/{booking}/mails")
    (form,) = [form for form in page.forms if form.action.endswith("/resend")]
    assert (await admin.submit(page, form.action)).status == 303
    attempts = "SELECT attempts, parked_at FROM outbox WHERE kind = 'booking_requested' AND channel = 'email'"
    assert await scene.rows(attempts) == [(0, None)]


async def test_emails_of_other_bookings_and_of_people_who_left_are_not_sent(scene, admin, meena, own_storage):
    asha = await scene.browser(scene.asha)
    booking = await scene.done(asha)
    await sent(scene)
    number = await scene.scalar(
        "SELECT max(id) FROM outbox WHERE channel = 'email' AND recipient_id = :customer AND data ->> 'booking' = :ref",
        customer=scene.asha.id,
        ref=booking,
    )
    assert (await admin.post_fields(f"/admin/bookings/{booking}/mails/999999/resend", {})).status == 404
    assert (await admin.post_fields(f"/admin/bookings/AAAAAAAA/mails/{number}/resend", {})).status == 404
    async with scene.database.work() as db:
        await delete_account(db, own_storage, Sessions(scene.database), scene.asha)
    assert (await admin.post_fields(f"/admin/bookings/{booking}/mails/{number}/resend", {})).status in (404, 409)


async def test_of_two_admins_at_once_one_sends_it_again(scene, meena):
    asha = await scene.browser(scene.asha)
    booking = await scene.paid(asha)
    await sent(scene)
    number = await scene.scalar("SELECT id FROM outbox WHERE kind = 'booking_requested' AND channel = 'email'")

    async def resends():
        try:
            async with scene.database.work() as db:
                await resend_mail(db, meena, booking, number)
        except Refused as refusal:
            return refusal.reason
        return "done"

    assert sorted(await asyncio.gather(resends(), resends())) == ["done", "waiting"]
