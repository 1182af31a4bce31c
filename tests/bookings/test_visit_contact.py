"""Booking for someone else: who is at the door, who sees them and when, and the start code that goes their way."""

import contextlib

import pytest
from sqlalchemy import select

from app.accounts.address_details import AddressDetails
from app.accounts.repository import Addresses
from app.bookings.cancellation import cancel_by_customer
from app.bookings.expiry import erase_old_contacts
from app.core.outbox import Outbox
from app.notifications.messages import MessageRenderer, OutOfDate
from tests.bookings.scenes import Scene, later
from tests.factories import ADYAR, a_start

MOTHER = {
    "floor": "2nd floor",
    "landmark": "Opposite the temple",
    "contact_name": "Lakshmi Iyer",
    "contact_phone": "098400 12345",
    "contact_email": "lakshmi@mother.example",
}
TYPED = {"address_id": "", "address": "12 Beach Road", "pincode": ADYAR}
SEEN = ("2nd floor", "Opposite the temple", "Lakshmi Iyer", "+91 98400 12345")


@pytest.fixture
async def scene(app):
    scene = await Scene.set(app)
    yield scene
    await scene.close()


async def booked(scene, start=None, **fields: str):
    """(Asha's browser, reference) of a booking paid after the job."""
    asha = await scene.browser(scene.asha)
    sent = await asha.submit(await asha.visit(scene.new_booking_url(start)), "/bookings", **TYPED | MOTHER | fields)
    assert sent.status == 303, sent.text
    reference = sent.location.split("/")[2]
    await scene.pay(asha, reference)
    return asha, reference


async def emails(scene, reference) -> list[tuple[str, str, str]]:
    """(kind, recipient, text) of every email to the person at the door."""
    services = scene.app.state.services
    renderer = MessageRenderer(services.templates, scene.encryption, "https://doorstep.example", "D <d@x.in>")
    async with scene.database.work() as db:
        found = []
        for row in await db.scalars(
            select(Outbox)
            .where(Outbox.kind.like("contact%"), Outbox.data["booking"].astext == reference)
            .order_by(Outbox.id)
        ):
            with contextlib.suppress(OutOfDate):
                message = await renderer.render(db, row)
                found.append((row.kind, message.recipient, message.text))
        return found


async def test_the_professional_sees_who_is_at_the_door_only_after_accepting(scene):
    asha, ref = await booked(scene)
    ravi = await scene.browser(scene.ravi)
    offer = (await ravi.visit(f"/jobs/{ref}")).text
    assert not [term for term in (*SEEN, "9840012345", "mother.example") if term in offer]
    await scene.accepted(ref)
    job = (await ravi.visit(f"/jobs/{ref}")).text
    assert [term for term in SEEN if term in job] == list(SEEN)
    assert "mother.example" not in job
    kumar = await scene.browser(scene.kumar)
    assert (await kumar.get(f"/jobs/{ref}")).status_code == 404
    page = (await asha.visit(f"/bookings/{ref}")).text
    assert [term for term in SEEN if term in page] == list(SEEN)
    assert "emailed this code to Lakshmi Iyer" in " ".join(page.split())
    await scene.started(ref)
    await scene.completed(ref)
    with later(hours=25):
        job = (await ravi.visit(f"/jobs/{ref}")).text
    assert not [term for term in SEEN if term in job]


async def test_without_an_email_the_page_says_to_read_the_code_out(scene):
    asha, ref = await booked(scene, contact_email="")
    await scene.accepted(ref)
    page = " ".join((await asha.visit(f"/bookings/{ref}")).text.split())
    assert "Read the code to Lakshmi Iyer" in page
    assert await emails(scene, ref) == []


async def test_the_start_code_goes_their_way_and_so_does_a_change(scene):
    asha, ref = await booked(scene)
    assert await emails(scene, ref) == []
    await scene.accepted(ref)
    code = (await scene.booking(ref)).live_code("start").reveal(scene.encryption, ref)
    ((kind, recipient, text),) = await emails(scene, ref)
    assert (kind, recipient) == ("contact_visit", "lakshmi@mother.example")
    assert f"{code[:3]} {code[3:]}" in text
    await asha.post_fields(f"/bookings/{ref}/codes", {})
    new = (await scene.booking(ref)).live_code("start").reveal(scene.encryption, ref)
    assert f"{new[:3]} {new[3:]}" in (await emails(scene, ref))[-1][2]
    async with scene.database.work() as db:
        await cancel_by_customer(db, scene.asha, ref, "We are away.")
    assert [kind for kind, _recipient, _text in await emails(scene, ref)] == ["contact_change"]
    leaked = await scene.rows("SELECT o::text FROM outbox o WHERE data ->> 'booking' = :ref", ref=ref)
    assert not [term for term in ("mother.example", "Lakshmi", new, code) if term in str(leaked)]


async def test_a_saved_address_brings_its_floor_and_its_contact(scene):
    async with scene.database.work() as db:
        details = AddressDetails("Mother", "3rd floor", "Near the tank", "Lakshmi Iyer", "+919840012345")
        saved = await Addresses(db, scene.asha.id).add("7 Lake View", ADYAR, details)
    asha = await scene.browser(scene.asha)
    page = await asha.visit(scene.new_booking_url())
    assert "7 Lake View, 3rd floor, Near the tank" in page.text
    sent = await asha.submit(page, "/bookings", address_id=str(saved.id))
    booking = await scene.booking(sent.location.split("/")[2])
    assert (booking.address, booking.floor, booking.contact_name) == ("7 Lake View", "3rd floor", "Lakshmi Iyer")
    async with scene.database.work() as db:
        await Addresses(db, scene.asha.id).remove(await Addresses(db, scene.asha.id).get(saved.id))
    assert (await scene.booking(booking.reference)).contact_phone == "+919840012345"


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("floor", "x" * 500),
        ("landmark", "near \u202eelpmet"),
        ("contact_name", "Lakshmi\x07"),
        ("contact_name", ""),
        ("contact_phone", "nine eight four"),
        ("contact_email", "lakshmi"),
        ("contact_email", "a@x.com\nBcc: all@x.com"),
    ],
)
async def test_a_bad_field_is_explained_and_the_part_stays_open(scene, field, typed):
    asha = await scene.browser(scene.asha)
    page = await asha.visit(scene.new_booking_url())
    sent = await asha.submit(page, "/bookings", **TYPED | MOTHER | {field: typed})
    assert sent.status == 422
    assert f'id="{field}-error"' in sent.text
    assert await scene.scalar("SELECT count(*) FROM bookings WHERE customer_id = :me", me=scene.asha.id) == 0


async def test_until_a_professional_accepts_it_can_be_changed(scene):
    asha, ref = await booked(scene)
    sent = await asha.submit(
        await asha.visit(f"/bookings/{ref}"), f"/bookings/{ref}", having="address", contact_name="Meena Iyer", floor="G"
    )
    assert sent.status == 303, sent.text
    booking = await scene.booking(ref)
    assert (booking.contact_name, booking.floor, booking.landmark) == ("Meena Iyer", "G", MOTHER["landmark"])
    await asha.post_fields(f"/bookings/{ref}", {"address": "13 Beach Road", "note": ""})
    assert (await scene.booking(ref)).contact_name == "Meena Iyer"


async def test_the_person_at_the_door_is_erased_180_days_after_the_visit(scene):
    _asha, ref = await booked(scene)
    with later(days=179):
        async with scene.database.work() as db:
            await erase_old_contacts(db)
    assert (await scene.booking(ref)).contact_name == "Lakshmi Iyer"
    with later(days=182):
        async with scene.database.work() as db:
            assert await erase_old_contacts(db) > 0
    booking = await scene.booking(ref)
    assert (booking.contact_name, booking.contact_phone, booking.contact_email) == ("", "", "")
    assert booking.floor == MOTHER["floor"]


async def test_the_person_at_the_door_is_in_no_event(scene):
    _asha, ref = await booked(scene)
    await scene.accepted(ref)
    events = await scene.rows(
        "SELECT e::text, v.value::text FROM events e LEFT JOIN event_values v ON v.event_id = e.id"
        " WHERE e.subject = :subject",
        subject=f"booking-{ref}",
    )
    assert not [term for term in ("Lakshmi", "9840012345", "mother.example") if term in str(events)]


async def test_another_booking_of_the_same_customer_starts_empty(scene):
    asha, _ref = await booked(scene)
    page = await asha.visit(scene.new_booking_url(a_start(3)))
    assert "Lakshmi Iyer" not in page.text
