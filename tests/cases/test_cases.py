"""W27: both sides open cases and write in them, admins answer by the clock."""

import zipfile
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.bookings.customer_decisions import dispute_no_show
from app.cases.case import CASE_RETENTION, MAX_MESSAGES_PER_HOUR
from app.cases.repository import prune
from app.core import clock
from app.jobs.acceptance import hand_back
from app.privacy.own_data import build_archive
from tests.bookings.scenes import later
from tests.cases.steps import STORY, asks_for_help, decides, done_later, is_sound
from tests.factories import a_customer, a_start

ANSWER = "We call you this afternoon."


@pytest.fixture
async def asha(scene):
    return await scene.browser(scene.asha)


@pytest.fixture
async def ravi(scene):
    return await scene.browser(scene.ravi)


@pytest.fixture
async def admin(scene, meena):
    return await scene.browser(meena)


async def test_a_customer_opens_a_case_and_all_three_write(scene, asha, ravi, admin):
    booking = await scene.done(asha)
    page = await asha.visit(f"/bookings/{booking}")
    assert "Get help with this booking" in page.text
    case = await asks_for_help(asha, f"/bookings/{booking}")
    here = f"/cases/{case}"
    for person, place in ((asha, here), (ravi, here), (admin, f"/admin{here}")):
        page = await person.visit(place)
        assert STORY in page.text
    assert "We answer by" in (await asha.visit(here)).text
    assert "The customer" in (await ravi.visit(here)).text
    sent = await ravi.submit(await ravi.visit(here), "/messages", message="I come again tomorrow.")
    assert (sent.status, sent.location) == (303, here)
    sent = await admin.submit(await admin.visit(f"/admin{here}"), "/messages", message=ANSWER)
    assert (sent.status, sent.location) == (303, f"/admin{here}")
    for person in (asha, ravi):
        page = await person.visit(here)
        assert (ANSWER in page.text, "Doorstep" in page.text, "We decide by" in page.text) == (True, True, True)
    assert "Meena" not in (await asha.visit(here)).text
    assert await scene.scalar("SELECT first_answer_at IS NOT NULL FROM cases")
    assert here in (await asha.visit("/cases")).links
    assert here in (await ravi.visit("/cases")).links
    assert here in (await ravi.visit(f"/jobs/{booking}")).links
    assert here in (await asha.visit(f"/bookings/{booking}")).links
    notices = await scene.rows("SELECT user_id, kind FROM inbox_items WHERE kind LIKE 'case%' ORDER BY id")
    assert notices == [
        (scene.asha.id, "case_opened"),
        (scene.ravi.id, "case_opened"),
        (scene.asha.id, "case_message"),
        (scene.asha.id, "case_message"),
        (scene.ravi.id, "case_message"),
    ]
    await is_sound(scene)


async def test_help_is_there_in_every_state_of_a_booking(scene, asha, ravi):
    booking = await scene.held(asha)
    steps = [
        lambda: scene.pay(asha, booking),
        lambda: scene.accepted(booking),
        lambda: scene.started(booking),
        lambda: scene.completed(booking),
    ]
    for step in [*steps, None]:
        assert (await asha.visit(f"/bookings/{booking}/help")).status == 200
        assert f"/bookings/{booking}/help" in (await asha.visit(f"/bookings/{booking}")).links
        if step is not None:
            await step()
    assert f"/jobs/{booking}/help" in (await ravi.visit(f"/jobs/{booking}")).links
    case = await asks_for_help(ravi, f"/jobs/{booking}", "unpaid", "The customer has not paid yet.")
    assert (await asha.visit(f"/cases/{case}")).status == 200
    await is_sound(scene)


async def test_a_side_has_one_open_case_of_a_booking(scene, asha, ravi):
    booking = await scene.done(asha)
    form = await asha.visit(f"/bookings/{booking}/help")
    case = await asks_for_help(asha, f"/bookings/{booking}")
    assert (await asha.visit(f"/bookings/{booking}/help")).path == f"/cases/{case}"
    again = await asha.submit(form, "/help", topic="price", message="And it was too expensive.")
    assert again.status == 409
    assert "You already have an open case" in again.text
    assert "too expensive" in again.text
    other = await asks_for_help(ravi, f"/jobs/{booking}", "damage", "The customer's dog bit my bag.")
    assert other != case
    assert await scene.scalar("SELECT count(*) FROM cases") == 2


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"topic": "quality", "message": " "}, "message-error"),
        ({"topic": "quality", "message": "x" * 2_001}, "message-error"),
        ({"topic": "unpaid", "message": STORY}, "topic-error"),
        ({"message": STORY}, "topic-error"),
    ],
)
async def test_a_case_needs_a_topic_of_its_side_and_words(scene, asha, fields, field):
    booking = await scene.paid(asha)
    sent = await asha.post_fields(f"/bookings/{booking}/help", fields, referer=f"/bookings/{booking}/help")
    assert sent.status == 422
    assert f'id="{field}"' in sent.text
    assert await scene.scalar("SELECT count(*) FROM cases") == 0
    assert (
        await asha.post_fields(f"/bookings/{booking}/help", {"topic": "late", "message": "x" * 2_000})
    ).status == 303


async def test_a_case_belongs_to_its_two_sides(scene, asha, ravi, admin):
    booking = await scene.done(asha)
    case = await asks_for_help(asha, f"/bookings/{booking}")
    omar, kumar = await scene.browser(scene.omar), await scene.browser(scene.kumar)
    for person in (omar, kumar):
        assert (await person.visit(f"/cases/{case}")).status == 404
        assert (await person.post_fields(f"/cases/{case}/messages", {"message": "Hello."})).status == 404
        assert f"/cases/{case}" not in (await person.visit("/cases")).links
        assert "No cases" in (await person.visit("/cases")).text
    assert (await omar.post_fields(f"/bookings/{booking}/help", {"topic": "price", "message": STORY})).status == 404
    assert (await kumar.post_fields(f"/jobs/{booking}/help", {"topic": "other", "message": STORY})).status == 404
    for place in ("/cases/ZZZZZZZZ", "/cases/x", "/admin/cases/ZZZZZZZZ"):
        person = admin if place.startswith("/admin") else asha
        assert (await person.visit(place)).status == 404
        assert (await person.post_fields(f"{place}/messages", {"message": "Hello."})).status == 404


async def test_safety_is_first_and_the_sides_do_not_read_each_other(scene, asha, ravi, admin):
    first = await asks_for_help(asha, f"/bookings/{await scene.done(asha)}")
    with later(hours=1):
        booking = await done_later(scene, asha)
        case = await asks_for_help(asha, f"/bookings/{booking}", "safety", "He shouted at my mother.")
        assert "call 112" in (await asha.visit(f"/cases/{case}")).text
        for place in (f"/cases/{case}", "/cases", f"/jobs/{booking}"):
            page = await ravi.visit(place)
            assert ("shouted" in page.text, "safe" in page.text) == (False, False), place
        await ravi.submit(await ravi.visit(f"/cases/{case}"), "/messages", message="I was only tired.")
        assert "tired" not in (await asha.visit(f"/cases/{case}")).text
        await admin.submit(await admin.visit(f"/admin/cases/{case}"), "/messages", message=ANSWER)
        for person in (asha, ravi):
            assert ANSWER in (await person.visit(f"/cases/{case}")).text
        queue = await admin.visit("/admin/cases")
        links = [link for link in queue.links if link.startswith("/admin/cases/")]
        assert links == [f"/admin/cases/{case}", f"/admin/cases/{first}"]
        record = (await admin.visit(f"/admin/cases/{case}")).text
        assert ("shouted" in record, "tired" in record) == (True, True)
    messages = "SELECT user_id FROM inbox_items WHERE kind = 'case_message' ORDER BY user_id"
    assert await scene.rows(messages) == [(user,) for user in sorted((scene.asha.id, scene.ravi.id))]
    await is_sound(scene)


async def test_a_case_of_safety_ends_contact_between_the_sides(scene, asha, ravi):
    booking = await scene.paid(asha)
    await scene.accepted(booking)
    phone = scene.ravi.phone
    digits = phone[-5:]
    assert "Flat 3B" in (await ravi.visit(f"/jobs/{booking}")).text
    assert digits in (await asha.visit(f"/bookings/{booking}")).text
    await asks_for_help(asha, f"/bookings/{booking}", "safety", "He waits in front of the house.")
    assert "Flat 3B" not in (await ravi.visit(f"/jobs/{booking}")).text
    assert digits not in (await asha.visit(f"/bookings/{booking}")).text
    async with scene.database.work() as db:
        await hand_back(db, scene.ravi, booking, "I can't come.")
    await scene.accepted(booking, scene.kumar)
    kumar = await scene.browser(scene.kumar)
    assert "Flat 3B" in (await kumar.visit(f"/jobs/{booking}")).text


async def test_the_queue_goes_by_the_clock_and_is_red_when_late(scene, asha, admin, lekha):
    case = await asks_for_help(asha, f"/bookings/{await scene.done(asha)}")
    place = f"/admin/cases/{case}"
    queue = await admin.visit("/admin/cases")
    assert "overdue" not in queue.text
    assert '<span class="count">1</span>' in queue.text
    assert "Cases of bookings" in (await admin.visit("/admin")).text
    assert place not in (await admin.visit("/admin/cases?tab=mine")).links
    sent = await admin.submit(await admin.visit(place), "/assignment")
    assert (sent.status, sent.location) == (303, place)
    assert place in (await admin.visit("/admin/cases?tab=mine")).links
    other = await scene.browser(lekha)
    assert place not in (await other.visit("/admin/cases?tab=mine")).links
    assert "Assigned to Meena Iyer" in (await other.visit(place)).text
    with later(hours=24, minutes=1):
        admin = await scene.browser(lekha)
        assert "overdue" in (await admin.visit("/admin/cases")).text
        await admin.submit(await admin.visit(place), "/messages", message=ANSWER)
        assert "overdue" not in (await admin.visit("/admin/cases")).text
    with later(hours=72, minutes=1):
        admin = await scene.browser(lekha)
        assert "overdue" in (await admin.visit("/admin/cases")).text
        assert (await decides(admin, case, "none")).status == 303
        assert place not in (await admin.visit("/admin/cases")).links
        assert place in (await admin.visit("/admin/cases?tab=decided")).links


async def test_messages_have_a_budget_for_each_hour(scene, asha):
    case = await asks_for_help(asha, f"/bookings/{await scene.done(asha)}")
    page = await asha.visit(f"/cases/{case}")
    for _ in range(MAX_MESSAGES_PER_HOUR - 1):
        assert (await asha.submit(page, "/messages", message="And another thing.")).status == 303
    sent = await asha.submit(page, "/messages", message="This one is too many.")
    assert sent.status == 429
    assert "You can write again in" in sent.text
    assert "too many." in sent.text
    with later(hours=1, minutes=1):
        asha = await scene.browser(scene.asha)
        assert (await asha.submit(await asha.visit(f"/cases/{case}"), "/messages", message="Now.")).status == 303


async def test_a_disputed_fee_is_a_case(scene, asha, admin):
    booking = await scene.paid(asha)
    await scene.accepted(booking)
    with later(days=2):
        async with scene.database.work() as db:
            booking_row = await scene.booking(booking)
            booking_row = await db.merge(booking_row)
            booking_row.cancelled_as, booking_row.state = "no_show", "cancelled"
            booking_row.cancelled_at = clock.now()
        asha = await scene.browser(scene.asha)
        page = await asha.visit(f"/bookings/{booking}")
        sent = await asha.submit(page, "/dispute", text="I was at home.")
        assert sent.status == 303
        async with scene.database.work() as db:
            await dispute_no_show(db, scene.asha, booking, "Again.")
    rows = await scene.rows("SELECT topic, side, state FROM cases")
    assert rows == [("no_show_fee", "customer", "open")]
    assert await scene.rows("SELECT text FROM case_messages") == [("I was at home.",)]


async def test_a_contested_arrival_is_a_case_whichever_form_it_comes_by(scene, asha):
    for days, way in enumerate(("absence", "help"), 1):
        booking = await scene.paid(asha, a_start(days))
        await scene.accepted(booking)
        starts_at = (await scene.booking(booking)).starts_at
        with clock.freeze(starts_at):
            async with scene.database.work() as db:
                row = await db.merge(await scene.booking(booking))
                row.arrived_at = clock.now()
        with clock.freeze(starts_at + timedelta(minutes=31)):
            asha = await scene.browser(scene.asha)
            if way == "absence":
                await asha.submit(await asha.visit(f"/bookings/{booking}"), "/absence", answer="refund")
            else:
                await asks_for_help(asha, f"/bookings/{booking}", "absent", "No one is here.")
            topics = "SELECT c.topic FROM cases c JOIN bookings b ON b.id = c.booking_id WHERE b.reference = :ref"
            assert await scene.rows(topics, ref=booking) == [("absent",)]
            assert "No money moves until it is settled" in (await asha.visit(f"/bookings/{booking}")).text
            cancelled = await asha.post_fields(f"/bookings/{booking}/cancellation", {})
            assert cancelled.status == 409


async def test_own_data_hold_cases_and_old_ones_are_deleted(scene, own_storage, asha, admin):
    case = await asks_for_help(asha, f"/bookings/{await scene.done(asha)}")
    assert (await decides(admin, case, "none", reason="All was done as booked.")).status == 303
    async with scene.database.work() as db:
        with zipfile.ZipFile(await build_archive(db, own_storage, scene.asha)) as archive:
            texts = [archive.read(name) for name in archive.namelist()]
        assert any(STORY.encode() in data for data in texts)
        assert any(b"All was done as booked." in data for data in texts)
        assert await prune(db, clock.now() + CASE_RETENTION - timedelta(hours=1)) == 0
        assert await prune(db, clock.now() + CASE_RETENTION + timedelta(hours=1)) == 1
        assert await db.scalar(text("SELECT count(*) FROM case_messages")) == 0


async def test_the_thread_of_a_page_is_redrawn_when_the_other_side_writes(scene, asha, ravi):
    case = await asks_for_help(asha, f"/bookings/{await scene.done(asha)}")
    page = await ravi.visit(f"/cases/{case}")
    assert f"case-{case} from:body" in page.text
    fragment = await ravi.visit(f"/cases/{case}", **{"hx-request": "true", "hx-request-type": "partial"})
    assert fragment.text.lstrip().startswith(f'<article id="case-{case}"')


async def test_a_customer_without_bookings_reads_how_to_open_a_case(scene):
    async with scene.database.work() as db:
        deepa = await a_customer(db, "Deepa Nair")
    page = await (await scene.browser(deepa)).visit("/cases")
    assert "Get help with this booking" in page.text
