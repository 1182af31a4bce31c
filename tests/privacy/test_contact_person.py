"""Who is at the door: in no export, webhook or answer to others; reminded, and erased with the account."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.accounts.session import Sessions
from app.core import clock
from app.core.outbox import Outbox
from app.exports import lifecycle
from app.exports.export import Export
from app.notifications.messages import MessageRenderer
from app.privacy.deletion import delete_account
from app.webhooks import registration
from tasks.exports import build_export
from tasks.notifications import send_job_reminders
from tests.api_client import ApiClient
from tests.application import task_context
from tests.factories import ADYAR, PASSWORD, a_start, an_admin
from tests.privacy.conftest import find_traces

CONTACT = {
    "contact_name": "Lakshmi Quillon",
    "contact_phone": "098400 67676",
    "contact_email": "lakshmi@mother.example",
}
TYPED = {"address_id": "", "address": "12 Beach Road", "pincode": ADYAR}
TERMS = ("Quillon", "9840067676", "mother.example")


@pytest.fixture
async def meena(scene):
    async with scene.database.work() as db:
        admin = await an_admin(db)
        admin.password_hash = scene.asha.password_hash
    return admin


async def booked(scene, start=None) -> str:
    """The reference of Asha's paid booking for someone else."""
    asha = await scene.browser(scene.asha)
    sent = await asha.submit(await asha.visit(scene.new_booking_url(start)), "/bookings", **TYPED | CONTACT)
    assert sent.status == 303, sent.text
    reference = sent.location.split("/")[2]
    await scene.pay(asha, reference)
    return reference


def found_in(content: object) -> list[str]:
    return [term for term in TERMS if term in str(content)]


async def answers(scene, user, path: str) -> str:
    async with ApiClient(scene.app) as program:
        await program.sign_in(user.email, PASSWORD)
        return (await program.get(path)).text


async def test_no_export_names_them(scene, meena):
    ref = await booked(scene)
    await scene.accepted(ref)
    context = task_context(scene.database, scene.app.state.services.settings)
    wanted = [(person, kind) for person in (meena, scene.ravi) for kind in lifecycle.kinds_for(person)]
    for person, kind in wanted:
        async with scene.database.work() as db:
            export = await lifecycle.request_export(db, person, kind, {}, bom=False)
        await build_export(context, export_id=export.id)
        async with scene.database.work() as db:
            stored_as = (await db.get_one(Export, export.id)).stored_as
        content = scene.app.state.services.storage.path(stored_as).read_text()
        assert kind != "bookings" or ref in content
        assert found_in(content) == [], kind


async def test_no_webhook_names_them(scene, meena):
    async with scene.database.work() as db:
        await registration.register(db, scene.encryption, meena, "https://program.example/doorstep")
    await scene.accepted(await booked(scene))
    async with scene.database.work() as db:
        sent = list(await db.scalars(select(Outbox.data).where(Outbox.channel.like("webhook%"))))
    assert len(sent) >= 2
    assert found_in(sent) == []


async def test_in_the_api_only_the_customer_and_the_assigned_professional_read_them(scene, meena):
    ref = await booked(scene)
    jobs = "/api/servicerequest/{}".format
    assert ref in await answers(scene, scene.ravi, jobs(scene.ravi.id))
    assert found_in(await answers(scene, scene.ravi, jobs(scene.ravi.id))) == []
    await scene.accepted(ref)
    assert found_in(await answers(scene, scene.ravi, jobs(scene.ravi.id))) == ["Quillon", "9840067676"]
    assert found_in(await answers(scene, scene.kumar, jobs(scene.kumar.id))) == []
    own = f"/api/request/service/{scene.asha.id}"
    assert found_in(await answers(scene, scene.asha, own)) == list(TERMS)
    assert found_in(await answers(scene, scene.omar, own)) == []
    listed = await answers(scene, meena, "/api/request")
    assert ref in listed
    assert found_in(listed) == []


async def test_they_are_erased_with_the_customers_account(scene):
    ref = await booked(scene)
    await scene.accepted(ref)
    await scene.started(ref)
    await scene.completed(ref)
    async with scene.database.work() as db:
        assert await find_traces(db, *TERMS)
        await delete_account(db, scene.app.state.services.storage, Sessions(scene.database), scene.asha)
    booking = await scene.booking(ref)
    assert (booking.contact_name, booking.contact_phone, booking.contact_email) == ("", "", "")
    async with scene.database.work() as db:
        assert await find_traces(db, *TERMS) == {}


async def test_the_reminder_brings_the_start_code_to_their_email(scene):
    start = a_start(days=2)
    ref = await booked(scene, start)
    await scene.accepted(ref)
    tick = start - timedelta(hours=23)
    with clock.freeze(tick):
        await send_job_reminders(task_context(scene.database, tick=tick))
        services = scene.app.state.services
        renderer = MessageRenderer(services.templates, scene.encryption, "https://doorstep.example", "D <d@x.in>")
        async with scene.database.work() as db:
            rows = list(await db.scalars(select(Outbox).where(Outbox.kind == "contact_reminder")))
            (message,) = [await renderer.render(db, row) for row in rows]
    code = (await scene.booking(ref)).live_code("start").reveal(scene.encryption, ref)
    assert message.recipient == CONTACT["contact_email"]
    assert f"{code[:3]} {code[3:]}" in message.text
    assert f"{code[:3]} {code[3:]}" in message.html
    assert found_in([row.data for row in rows]) == []
