"""A customer's calendar: the private feed, the file, and the link to Google Calendar."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text

from app.bookings.cancellation import cancel_by_customer
from tests.bookings.scenes import Scene
from tests.factories import a_block, a_start, an_admin
from tests.ics import read_calendar
from tests.person import Person

COPIES = """
    INSERT INTO bookings (reference, customer_id, service_id, state, service_name, price, minutes, address, pincode,
                          starts_at, ends_at, payment, created_at, requested_at, cancelled_at, cancelled_as)
    SELECT lpad(n::text, 8, 'K'), customer_id, service_id, 'cancelled', service_name, price, minutes, address, pincode,
           starts_at + n * interval '1 hour', ends_at + n * interval '1 hour', payment, created_at, requested_at,
           now(), 'customer'
      FROM bookings, generate_series(1, 320) n WHERE reference = :reference
"""


@pytest.fixture
async def scene(app):
    scene = await Scene.set(app)
    yield scene
    await scene.close()


async def feed_of(person) -> str:
    made = await person.submit_and_follow(await person.visit("/calendar"), "/calendar")
    assert made.status == 200
    return next(link for link in made.links if link.startswith("webcal://")).replace("webcal://", "http://")


async def entries(person, address: str) -> list:
    answer = await person.get(address)
    assert answer.status_code == 200, answer.text
    return read_calendar(answer.content.decode()).children


async def test_the_feed_has_the_customers_own_bookings(app, scene):
    asha, omar = await scene.browser(scene.asha), await scene.browser(scene.omar)
    ref = await scene.paid(asha)
    await scene.paid(omar, a_start(2))
    await scene.held(asha, a_start(3))
    await scene.accepted(ref)
    address, program = await feed_of(asha), Person(app)
    scene.people.append(program)
    (entry,) = await entries(program, address)
    booking = await scene.booking(ref)
    assert (entry["UID"], entry["STATUS"]) == (f"booking-{ref}@localhost", "CONFIRMED")
    assert entry["DTSTART"] == f"{booking.starts_at:%Y%m%dT%H%M%SZ}"
    assert entry["LOCATION"].startswith(booking.address)
    assert scene.ravi.phone in entry["DESCRIPTION"]
    code = booking.live_code("start").reveal(scene.encryption, ref)
    assert code not in str(entry.values)
    assert f"{code[:3]} {code[3:]}" not in str(entry.values)
    (file,) = await entries(asha, f"/bookings/{ref}/calendar")
    assert (file["UID"], file["SEQUENCE"]) == (entry["UID"], entry["SEQUENCE"])


async def test_a_cancelled_booking_stands_cancelled_with_a_higher_sequence(scene):
    asha = await scene.browser(scene.asha)
    ref = await scene.paid(asha)
    address = await feed_of(asha)
    (before,) = await entries(asha, address)
    async with scene.database.work() as db:
        await cancel_by_customer(db, scene.asha, ref, "We are away.")
    (after,) = await entries(asha, address)
    assert (before["STATUS"], after["STATUS"]) == ("TENTATIVE", "CANCELLED")
    assert int(after["SEQUENCE"]) > int(before["SEQUENCE"])


async def test_300_bookings_are_in_the_feed_and_not_more(scene):
    asha = await scene.browser(scene.asha)
    ref = await scene.paid(asha)
    async with scene.database.work() as db:
        await db.execute(text(COPIES), {"reference": ref})
    found = await entries(asha, await feed_of(asha))
    assert len(found) == len({entry["UID"] for entry in found}) == 300


async def test_a_link_ends_with_a_new_link_with_its_removal_and_with_a_block(scene):
    asha = await scene.browser(scene.asha)
    old = await feed_of(asha)
    new = await feed_of(asha)
    assert [(await asha.get(address)).status_code for address in (old, new)] == [404, 200]
    await asha.submit_and_follow(await asha.visit("/calendar"), "/calendar/end")
    assert (await asha.get(new)).status_code == 404
    last = await feed_of(asha)
    async with scene.database.work() as db:
        await a_block(db, scene.asha, await an_admin(db))
    assert (await asha.get(last)).status_code == 404


async def test_the_link_is_shown_once(scene):
    asha = await scene.browser(scene.asha)
    secret = (await feed_of(asha)).rsplit("/", 1)[1].removesuffix(".ics")
    assert secret not in (await asha.visit("/calendar")).text
    assert secret not in str(await scene.rows("SELECT f::text FROM calendar_feeds f"))


async def test_the_link_to_google_calendar_has_title_times_and_place_alone(scene):
    asha = await scene.browser(scene.asha)
    ref = await scene.paid(asha)
    await scene.accepted(ref)
    page, booking = await asha.visit(f"/bookings/{ref}"), await scene.booking(ref)
    (link,) = [link for link in page.links if link.startswith("https://calendar.google.com/calendar/render?")]
    fields = parse_qs(urlsplit(link).query, strict_parsing=True)
    ends = booking.starts_at + timedelta(minutes=booking.minutes)
    assert fields == {
        "action": ["TEMPLATE"],
        "text": [booking.service_name],
        "dates": [f"{booking.starts_at:%Y%m%dT%H%M%SZ}/{ends:%Y%m%dT%H%M%SZ}"],
        "location": [f"{booking.address}, Adyar {booking.pincode}"],
    }
    assert re.search(r'href="https://calendar\.google\.com[^>]*rel="noreferrer noopener"', page.text)
