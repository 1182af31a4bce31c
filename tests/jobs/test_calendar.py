"""Calendar feeds, parsed by a library: they show no more than the pages do."""

import pytest
from icalendar import Calendar

from app.accounts.email_links import set_password
from app.accounts.session import Sessions
from app.accounts.user import User
from app.bookings.cancellation import cancel_by_customer
from app.core import clock
from app.core.secrets import digest
from tests.bookings.scenes import START, Scene, later
from tests.factories import a_block, a_start, an_admin
from tests.person import Person

PRIVATE = ("Asha", "Flat 3B", "Ring twice")


@pytest.fixture
async def scene(app):
    scene = await Scene.set(app)
    yield scene
    await scene.close()


@pytest.fixture
async def ravi(scene):
    return await scene.browser(scene.ravi)


async def assigned(scene, days=1):
    asha = await scene.browser(scene.asha)
    ref = await scene.paid(asha, a_start(days))
    await scene.accepted(ref)
    return asha, ref


async def address_of(person) -> str:
    """Made on the page, by its form."""
    made = await person.submit_and_follow(await person.visit("/jobs/calendar"), "/jobs/calendar")
    assert made.status == 200
    return next(link for link in made.links if link.startswith("webcal://")).replace("webcal://", "http://")


async def read(person, address: str) -> list:
    answer = await person.get(address)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    calendar = Calendar.from_ical(answer.content)
    assert not calendar.walk("VTIMEZONE")
    return calendar.walk("VEVENT")


async def test_both_sides_take_the_booking_into_their_calendar(scene, ravi):
    asha, ref = await assigned(scene)
    (hers,) = await read(asha, f"/bookings/{ref}/calendar")
    (his,) = await read(ravi, f"/jobs/{ref}/calendar")
    booking = await scene.booking(ref)
    for entry in (hers, his):
        assert (entry.start, entry.end) == (booking.starts_at, booking.ends_at)
        assert entry["dtstart"].to_ical().endswith(b"Z")
        assert entry["status"] == "CONFIRMED"
        assert entry["summary"] == booking.service_name
        assert str(entry["location"]).startswith(booking.address)
    assert hers["uid"] == his["uid"] == f"booking-{ref}@localhost"
    assert scene.ravi.phone in hers["description"]
    assert scene.asha.phone in his["description"]
    assert (hers["url"], his["url"]) == (f"http://localhost:8000/bookings/{ref}", f"http://localhost:8000/jobs/{ref}")
    assert f"/bookings/{ref}/calendar" in (await asha.visit(f"/bookings/{ref}")).links
    assert f"/jobs/{ref}/calendar" in (await ravi.visit(f"/jobs/{ref}")).links


async def test_no_one_else_finds_it(scene, ravi):
    asha, ref = await assigned(scene)
    omar, kumar = await scene.browser(scene.omar), await scene.browser(scene.kumar)
    assert (await omar.get(f"/bookings/{ref}/calendar")).status_code == 404
    assert (await kumar.get(f"/jobs/{ref}/calendar")).status_code == 404
    assert (await asha.get(f"/jobs/{ref}/calendar")).status_code == 403


async def test_a_code_is_in_no_calendar(scene, ravi):
    asha, ref = await assigned(scene)
    code = (await scene.booking(ref)).live_code("start").reveal(scene.encryption, ref)
    feed = await address_of(ravi)
    for person, address in ((asha, f"/bookings/{ref}/calendar"), (ravi, f"/jobs/{ref}/calendar"), (ravi, feed)):
        text = (await person.get(address)).text
        assert code not in text
        assert f"{code[:3]} {code[3:]}" not in text


async def test_a_moved_booking_keeps_its_uid_and_raises_its_sequence(scene):
    asha, ref = await assigned(scene)
    (before,) = await read(asha, f"/bookings/{ref}/calendar")
    start = a_start(3, 11)
    await asha.submit(
        await asha.visit(f"/bookings/{ref}/reschedule"), f"/bookings/{ref}/reschedule", start=start.strftime(START)
    )
    (after,) = await read(asha, f"/bookings/{ref}/calendar")
    assert after["uid"] == before["uid"]
    assert after["sequence"] > before["sequence"]
    assert after["dtstamp"].dt >= before["dtstamp"].dt
    assert (after.start, after["status"]) == (start, "TENTATIVE")


async def test_a_cancelled_booking_stands_cancelled_on_both_sides_and_names_no_one(scene, ravi):
    asha, ref = await assigned(scene)
    feed = await address_of(ravi)
    (before,) = await read(ravi, feed)
    async with scene.database.work() as db:
        await cancel_by_customer(db, scene.asha, ref, "We are away.")
    (hers,) = await read(asha, f"/bookings/{ref}/calendar")
    (his,) = await read(ravi, feed)
    assert hers["status"] == his["status"] == "CANCELLED"
    assert his["uid"] == before["uid"]
    assert his["sequence"] > before["sequence"]
    text = his.to_ical().decode()
    assert not [term for term in (*PRIVATE, scene.asha.phone) if term in text]
    assert scene.ravi.phone not in hers.to_ical().decode()


async def test_a_day_after_the_work_the_feed_forgets_where_and_for_whom(scene, ravi):
    _asha, ref = await assigned(scene)
    feed = await address_of(ravi)
    await scene.started(ref)
    await scene.completed(ref)
    assert scene.asha.phone in (await ravi.get(feed)).text
    with later(hours=25):
        (entry,) = await read(ravi, feed)
    text = entry.to_ical().decode()
    assert not [term for term in (*PRIVATE, scene.asha.phone) if term in text]
    assert entry["location"] == "Adyar"


async def test_a_feed_holds_the_professionals_own_jobs_alone_and_no_offers(scene, ravi):
    _asha, ref = await assigned(scene)
    await scene.paid(await scene.browser(scene.omar), a_start(2))
    uids = {str(entry["uid"]) for entry in await read(ravi, await address_of(ravi))}
    assert uids == {f"booking-{ref}@localhost"}


async def test_a_program_without_a_cookie_reads_the_feed_and_asks_again_for_nothing(app, scene, ravi):
    await assigned(scene)
    address, visitor = await address_of(ravi), Person(app)
    scene.people.append(visitor)
    first = await visitor.get(address)
    assert (first.status_code, "set-cookie" in first.headers) == (200, False)
    repeated = await visitor.get(address, headers={"if-none-match": first.headers["etag"]})
    assert (repeated.status_code, repeated.content) == (304, b"")


async def test_the_address_is_shown_once_and_only_its_digest_is_kept(scene, ravi):
    address = await address_of(ravi)
    secret = address.rsplit("/", 1)[1].removesuffix(".ics")
    assert len(secret) >= 43
    assert secret not in (await ravi.visit("/jobs/calendar")).text
    stored = await scene.scalar("SELECT string_agg(f::text, ' ') FROM calendar_feeds f")
    events = await scene.scalar("SELECT string_agg(e::text, ' ') FROM events e WHERE name LIKE 'person.calendar%'")
    assert digest(secret).hex() in str(stored)
    assert secret not in f"{stored} {events}"


async def test_a_new_address_ends_the_old_one_and_an_ended_one_leads_nowhere(scene, ravi):
    old = await address_of(ravi)
    new = await address_of(ravi)
    assert old != new
    assert [(await ravi.get(item)).status_code for item in (old, new)] == [404, 200]
    await ravi.submit_and_follow(await ravi.visit("/jobs/calendar"), "/jobs/calendar/end")
    assert (await ravi.get(new)).status_code == 404
    assert (await ravi.get(new.removesuffix(".ics")[:-1])).status_code == 404


async def test_a_block_ends_the_address_for_ever(scene, ravi):
    address = await address_of(ravi)
    async with scene.database.work() as db:
        block = await a_block(db, scene.ravi, await an_admin(db))
    assert (await ravi.get(address)).status_code == 404
    async with scene.database.work() as db:
        block = await db.merge(block)
        block.lifted_at, block.lifted_by_id, block.lifted_reason = clock.now(), block.blocked_by_id, "Explained."
    assert (await ravi.get(address)).status_code == 404


async def test_a_new_password_ends_the_address(scene, ravi):
    address = await address_of(ravi)
    async with scene.database.work() as db:
        await set_password(db, Sessions(scene.database), await db.get(User, scene.ravi.id), "hashed")
    assert (await ravi.get(address)).status_code == 404


async def test_who_asks_too_often_waits(scene, ravi):
    address = await address_of(ravi)
    answers = [(await ravi.get(address)) for _ in range(61)]
    assert {answer.status_code for answer in answers[:60]} == {200}
    assert answers[60].status_code == 429
    assert int(answers[60].headers["retry-after"]) > 0
