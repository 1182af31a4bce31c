"""Customer and professional write to each other from acceptance until 24 h after the job; both see what was read."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from app.accounts.session import Sessions
from app.bookings.repository import Bookings
from app.check.run import find_violations
from app.core import clock
from app.core.rate_limiter import RateLimitPolicy
from app.core.storage import Storage
from app.jobs.acceptance import hand_back
from app.messages import limits
from app.messages.repository import QUIET_PERIOD, THREAD_LENGTH
from app.messages.thread import delete_old_messages, send_message
from app.privacy.deletion import delete_account
from tests.bookings.scenes import later
from tests.factories import an_admin
from tests.messages.sending import on_one_line, says, sends
from tests.person import Person
from tests.vetting.samples import a_picture, on_disk

WORDS = "The blue gate, please. Zaphira is at home."
READ = re.compile(r"Read \d+:\d\d [ap]m")


async def notified(scene, kind):
    return await scene.scalar("SELECT count(*) FROM outbox WHERE kind = :kind AND channel = 'email'", kind=kind)


async def test_both_sides_write_and_see_what_was_read(scene, asha, ravi, ref):
    booking, job = f"/bookings/{ref}", f"/jobs/{ref}"
    page = await says(asha, booking, WORDS)
    assert WORDS in page.text
    assert not READ.search(on_one_line(page))
    assert "1 unread message" in (await ravi.visit(job)).text
    seen = await ravi.visit(f"{job}/messages")
    assert WORDS in seen.text
    assert "Messages with Asha" in on_one_line(seen)
    assert "unread message" not in (await ravi.visit(job)).text
    assert READ.search(on_one_line(await asha.visit(f"{booking}/messages")))
    await says(ravi, job, "Ten minutes.")
    assert "1 unread message" in (await asha.visit(booking)).text
    answered = await asha.visit(f"{booking}/messages")
    assert answered.text.index(WORDS) < answered.text.index("Ten minutes.")
    assert f"{booking}/messages#write" in (await asha.visit(booking)).links
    async with scene.database.work() as db:
        assert await find_violations(db) == []


@pytest.mark.parametrize("text", ["", "   \n ", "\u200b"])
async def test_a_message_has_text_or_a_photo(asha, ref, text):
    sent = await sends(asha, f"/bookings/{ref}", text)
    assert (sent.status, "Write a message, or add a photo." in sent.text) == (422, True)


async def test_a_message_is_as_long_as_it_may_be(asha, ref):
    assert "x" * 2_000 in (await says(asha, f"/bookings/{ref}", "x" * 2_000)).text
    sent = await sends(asha, f"/bookings/{ref}", "x" * 2_001)
    assert (sent.status, "Use 2,000 characters or fewer." in sent.text) == (422, True)
    assert "x" * 2_001 in sent.text, "what was typed is still there"
    sent = await sends(asha, f"/bookings/{ref}", "4242 4242 4242 4242")
    assert sent.status == 422


async def test_they_write_from_acceptance_until_a_day_after_the_job(scene, asha, ravi):
    reference = await scene.paid(asha)
    early = await sends(asha, f"/bookings/{reference}", "Hello?")
    assert (early.status, "once a professional has accepted" in early.text) == (409, True)
    await scene.accepted(reference)
    await says(asha, f"/bookings/{reference}", "Hello.")
    await scene.started(reference)
    await scene.completed(reference)
    with later(hours=23):
        await says(ravi, f"/jobs/{reference}", "I left a screwdriver.")
    with later(hours=25):
        late = await sends(ravi, f"/jobs/{reference}", "Did you find it?")
        assert (late.status, "Messages end 24 hours after the job." in late.text) == (409, True)
        page = await asha.visit(f"/bookings/{reference}/messages")
        assert "I left a screwdriver." in page.text
        assert "<textarea" not in page.text
        assert f"/bookings/{reference}/messages#write" in (await asha.visit(f"/bookings/{reference}")).links


async def test_strangers_find_no_messages_and_no_photos(scene, asha, ravi, ref):
    await says(asha, f"/bookings/{ref}", WORDS, [("tap.png", a_picture())])
    photo = f"/messages/photos/{await scene.scalar('SELECT max(id) FROM photos')}"
    async with scene.database.work() as db:
        meena = await an_admin(db)
    for user, status in ((scene.asha, 200), (scene.ravi, 200), (meena, 200), (scene.omar, 404), (scene.kumar, 404)):
        person = await scene.browser(user)
        for path in (photo, f"{photo}/thumbnail"):
            got = await person.get(path)
            assert got.status_code == status, (user.full_name, path)
        if status == 200:
            assert got.headers["cache-control"] == "private, max-age=3600"
            assert got.headers["content-type"] == "image/jpeg"
            assert "sandbox" in got.headers["content-security-policy"]
    omar, kumar = await scene.browser(scene.omar), await scene.browser(scene.kumar)
    assert (await sends(omar, f"/bookings/{ref}", "Hello.")).status == 404
    assert (await sends(kumar, f"/jobs/{ref}", "Hello.")).status == 404
    async with Person(scene.app) as visitor:
        assert (await visitor.get(photo)).status_code == 303
    assert (await asha.get("/messages/photos/9223372036854775808")).status_code == 404
    record = await (await scene.browser(meena)).visit(f"/admin/bookings/{ref}")
    assert WORDS in record.text
    assert f'src="{photo}/thumbnail"' in record.text
    read = await scene.scalar("SELECT count(*) FROM booking_messages WHERE read_at IS NOT NULL")
    assert read == 0, "a look of an admin is no mark"


async def test_the_next_professional_sees_nothing_of_before(scene, asha, ravi, ref):
    await says(asha, f"/bookings/{ref}", WORDS)
    await says(ravi, f"/jobs/{ref}", "On my way.", [("van.png", a_picture())])
    photo = f"/messages/photos/{await scene.scalar('SELECT max(id) FROM photos')}"
    async with scene.database.work() as db:
        await hand_back(db, scene.ravi, ref, "The van broke down.")
    assert "once a professional has accepted" in (await asha.visit(f"/bookings/{ref}/messages")).text
    await scene.accepted(ref, scene.kumar)
    kumar = await scene.browser(scene.kumar)
    page = await kumar.visit(f"/jobs/{ref}/messages")
    assert (page.status, WORDS in page.text, "On my way." in page.text) == (200, False, False)
    assert (await kumar.get(photo)).status_code == 404
    assert (await ravi.get(f"/jobs/{ref}/messages")).status_code == 404
    assert (await ravi.get(photo)).status_code == 404
    page = await asha.visit(f"/bookings/{ref}/messages")
    assert (WORDS in page.text, "On my way." in page.text) == (True, True)
    await says(asha, f"/bookings/{ref}", "Hello, Kumar.")
    assert "Hello, Kumar." in (await kumar.visit(f"/jobs/{ref}/messages")).text


async def test_a_long_thread_comes_in_parts(scene, asha, ref):
    async with scene.database.work() as db:
        for number in range(THREAD_LENGTH + 2):
            await send_message(db, Storage(Path("unused")), scene.ravi, ref, f"Message number {number}.")
    latest = await asha.visit(f"/bookings/{ref}/messages")
    assert ("number 2." in latest.text, "number 1." in latest.text) == (True, False)
    (earlier,) = [link for link in latest.links if "before=" in link]
    before = await asha.visit(earlier)
    assert ("number 1." in before.text, "number 2." in before.text) == (True, False)
    assert not [link for link in before.links if "before=" in link]


async def test_a_notification_says_that_there_is_a_message_and_never_what(scene, asha, ravi, ref):
    await says(asha, f"/bookings/{ref}", WORDS)
    await says(asha, f"/bookings/{ref}", "And mind the dog.")
    assert await notified(scene, "job_message") == 1, "one, until it is looked at"
    assert "The customer sent a message" in (await ravi.visit("/notices")).text
    with clock.freeze(clock.now() + QUIET_PERIOD + timedelta(seconds=1)):
        await says(asha, f"/bookings/{ref}", "Are you there?")
    assert await notified(scene, "job_message") == 2, "and again after a while"
    await ravi.visit(f"/jobs/{ref}/messages")
    await says(asha, f"/bookings/{ref}", "Good.")
    assert await notified(scene, "job_message") == 3
    await says(ravi, f"/jobs/{ref}", "Here I am.")
    assert await notified(scene, "booking_message") == 1
    for table in ("outbox", "inbox_items", "events", "event_values"):
        found = await scene.scalar(
            f"SELECT count(*) FROM {table} t WHERE t::text ~ 'Zaphira|dog|Are you there|Here I am'"
        )
        assert found == 0, table


async def test_too_many_messages_a_minute_are_refused_in_words(asha, ref, monkeypatch):
    monkeypatch.setattr(limits, "MESSAGE_LIMIT", RateLimitPolicy("messages-test", 2, 60))
    for _ in range(2):
        await says(asha, f"/bookings/{ref}", "Hello.")
    refused = await sends(asha, f"/bookings/{ref}", "Hello again.")
    assert (refused.status, "Wait a minute" in refused.text) == (429, True)
    assert 0 < int(refused.response.headers["retry-after"]) <= 60
    assert "Hello again." in refused.text, "what was typed is still there"


async def test_old_messages_and_their_photos_are_deleted(scene, asha, ravi, ref, own_storage):
    await says(asha, f"/bookings/{ref}", WORDS, [("tap.png", a_picture())])
    await scene.started(ref)
    await scene.completed(ref)
    for days, left in ((179, 1), (181, 0)):
        with later(days=days):
            async with scene.database.work() as db:
                assert await delete_old_messages(db, own_storage) == 1 - left
            assert await scene.scalar("SELECT count(*) FROM booking_messages") == left
            assert await scene.scalar("SELECT count(*) FROM photos") == left
            assert len(on_disk(own_storage)) == 2 * left, "the photo and its thumbnail"


async def test_the_words_and_photos_of_an_erased_person_are_gone(scene, asha, ravi, ref, own_storage):
    await says(asha, f"/bookings/{ref}", WORDS, [("tap.png", a_picture())])
    await says(ravi, f"/jobs/{ref}", "Thank you.")
    await scene.started(ref)
    await scene.completed(ref)
    async with scene.database.work() as db:
        booking = await Bookings(db).by_reference(ref)
        assert booking.professional_id == scene.ravi.id
        await delete_account(db, own_storage, Sessions(scene.database), scene.asha)
    tables = await scene.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
    for (table,) in tables:
        found = await scene.scalar(f"SELECT count(*) FROM \"{table}\" t WHERE t::text LIKE '%Zaphira%'")
        assert found == 0, table
    assert on_disk(own_storage) == []
    page = await ravi.visit(f"/jobs/{ref}/messages")
    assert ("Thank you." in page.text, "<img" in page.text) == (True, False)
    async with scene.database.work() as db:
        assert await find_violations(db, own_storage) == []


async def test_the_bell_says_nothing_more_of_messages_that_were_read(scene, asha, ravi, ref):
    await says(ravi, f"/jobs/{ref}", "On my way.")
    unread = (
        f"SELECT kind FROM inbox_items WHERE user_id = {scene.asha.id} AND read_at IS NULL AND kind = 'booking_message'"
    )
    assert await scene.rows(unread) == [("booking_message",)]
    others = "SELECT count(*) FROM inbox_items WHERE read_at IS NOT NULL AND kind <> 'booking_message'"
    before = await scene.scalar(others)
    await asha.visit(f"/bookings/{ref}/messages")
    assert await scene.rows(unread) == []
    assert await scene.scalar(others) == before
