"""The customer's page of a booking, by plain forms; Omar gets 404 at each of its addresses."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import update

from app.bookings.extra import propose_extra
from app.bookings.repository import Bookings
from app.catalog.service import Service
from app.core import clock
from app.scheduling.working_hours import WorkingHours
from tests.bookings.scenes import later
from tests.factories import ADYAR, a_start
from tests.statements import count_statements


async def test_the_start_code_shows_once_ravi_has_accepted_and_then_the_finish_code(scene, asha):
    reference = await scene.paid(asha)
    here = f"/bookings/{reference}"
    assert "start-code" not in (await asha.visit(here)).text
    await scene.accepted(reference)
    page = await asha.visit(here)
    assert re.fullmatch(r"\d{6}", page.data["start-code"])
    assert f"{page.data['start-code'][:3]} {page.data['start-code'][3:]}" in page.text
    assert "Ravi is coming on" in page.text
    assert "Share this with Ravi at the door." in page.text
    await scene.started(reference)
    page = await asha.visit(here)
    assert set(page.data) == {"finish-code"}
    assert "Ravi is at work" in page.text
    await scene.completed(reference)
    page = await asha.visit(here)
    assert not page.data
    assert "Ravi finished" in page.text


async def test_ravis_phone_is_there_from_accepted_until_a_day_after_the_work(scene, asha):
    reference = await scene.paid(asha)
    here = f"/bookings/{reference}"
    assert scene.ravi.phone not in (await asha.visit(here)).text
    await scene.accepted(reference)
    assert f"tel:{scene.ravi.phone}" in (await asha.visit(here)).text
    await scene.started(reference)
    await scene.completed(reference)
    assert f"tel:{scene.ravi.phone}" in (await asha.visit(here)).text
    with later(hours=25):
        assert scene.ravi.phone not in (await asha.visit(here)).text


async def test_ravis_family_name_is_never_shown(scene, asha):
    reference = await scene.done(asha)
    page = await asha.visit(f"/bookings/{reference}")
    assert "Ravi K." in page.text
    assert "Kumar" not in page.text


async def test_the_thread_draws_each_step_as_it_happens(scene, asha):
    reference = await scene.paid(asha)

    async def states():
        text = (await asha.visit(f"/bookings/{reference}?steps=1")).text
        return re.findall(r'timeline__step"\s+data-state="(\w+)"', text)

    assert await states() == ["done", "done", "now", "next", "next", "next"]
    await scene.accepted(reference)
    assert await states() == ["done", "done", "now", "next", "next", "next"]
    async with scene.database.work() as db:
        (await Bookings(db).for_professional(scene.ravi, reference, lock=True)).depart(scene.ravi)
    assert await states() == ["done", "done", "done", "now", "next", "next"]
    await scene.started(reference)
    assert await states() == ["done", "done", "done", "done", "now", "next"]
    await scene.completed(reference)
    assert await states() == ["done"] * 6


async def test_htmx_gets_the_booking_alone_and_a_browser_the_page(scene, asha):
    reference = await scene.paid(asha)
    alone = (await asha.visit(f"/bookings/{reference}", **{"HX-Request": "true"})).text
    assert alone.partition("</title>")[2].lstrip().startswith("<article")
    assert "<html" not in alone
    assert f'id="booking-{reference}"' in alone
    assert f"booking-{reference} from:body" in alone
    assert "<html" in (await asha.visit(f"/bookings/{reference}")).text


async def test_omar_finds_nothing_at_any_address_of_ashas_booking(scene, asha, omar):
    reference = await scene.done(asha)
    for page in ("", "/payment", "/cancellation", "/reschedule", "/receipt", "/review", "/extras/1"):
        assert (await omar.visit(f"/bookings/{reference}{page}")).status == 404, page
    sent = {"address": "12 Beach Road", "answer": "refund", "text": "x", "reason": "x", "start": "2026-01-01T10:00"}
    for page in (
        "",
        "/payment",
        "/cancellation",
        "/reschedule",
        "/review",
        "/codes",
        "/absence",
        "/dispute",
        "/extras/1",
    ):
        answer = await omar.post_fields(f"/bookings/{reference}{page}", sent | {"method": "after", "rating": "1"})
        assert answer.status in (404, 422), page
        assert reference not in answer.text, page
    assert (await scene.booking(reference)).state == "completed"


async def test_ravi_and_a_visitor_cannot_open_ashas_pages(scene, asha):
    reference = await scene.paid(asha)
    ravi = await scene.browser(scene.ravi)
    assert (await ravi.visit(f"/bookings/{reference}")).status == 403
    asha.cookies.clear()
    assert (await asha.get(f"/bookings/{reference}")).status_code == 303


@pytest.mark.parametrize("reference", ["ZZZZZZZZ", "zzzz", "%00", "7K3MQ9WD'--", "9" * 300])
async def test_a_reference_that_is_none_is_not_found(asha, reference):
    assert (await asha.visit(f"/bookings/{reference}")).status in (404, 422)


async def test_address_and_note_may_change_until_someone_has_accepted(scene, asha):
    reference = await scene.paid(asha)
    page = await asha.visit(f"/bookings/{reference}")
    changed = await asha.submit_and_follow(
        page, f"/{reference}", having="note", address="12 Beach Road, Adyar", note="Ring once."
    )
    assert "12 Beach Road, Adyar" in changed.text
    await scene.accepted(reference)
    refused = await asha.submit(page, f"/{reference}", having="note", address="Somewhere else", note="")
    assert refused.status == 409
    assert "A professional has already accepted" in refused.text
    assert (await scene.booking(reference)).address == "12 Beach Road, Adyar"


@pytest.mark.parametrize(("field", "typed"), [("address", ""), ("address", "x" * 400), ("note", "n" * 501)])
async def test_a_wrong_change_is_shown_beside_its_field(scene, asha, field, typed):
    reference = await scene.paid(asha)
    page = await asha.visit(f"/bookings/{reference}")
    rejected = await asha.submit(page, f"/{reference}", having="note", **{field: typed})
    assert rejected.status == 422
    assert f'id="{field}-error"' in rejected.text


async def test_asha_gets_a_new_code_three_times_an_hour(scene, asha):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    page = await asha.visit(f"/bookings/{reference}")
    first = page.data["start-code"]
    codes = [(await asha.submit_and_follow(page, "/codes")).data["start-code"] for _ in range(3)]
    assert len({first, *codes}) > 1
    refused = await asha.submit(page, "/codes")
    assert refused.status == 409
    assert "up to 3 new codes an hour" in refused.text
    with later(minutes=61):
        assert (await asha.submit(page, "/codes")).status == 303


async def test_a_locked_code_is_reported_and_a_new_one_lifts_the_lock(scene, asha):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    async with scene.database.work() as db:
        code = (await Bookings(db).by_reference(reference, lock=True)).live_code("start")
        code.attempts, code.locked_until = 5, clock.now() + timedelta(minutes=15)
    page = await asha.visit(f"/bookings/{reference}")
    assert "entered wrong 5 times" in page.text
    assert "entered wrong" not in (await asha.submit_and_follow(page, "/codes")).text


async def test_no_code_before_anybody_has_accepted(scene, asha):
    reference = await scene.paid(asha)
    assert (await asha.post_fields(f"/bookings/{reference}/codes", {})).status == 409


async def proposed(scene, reference, what="Brass tap, half an inch", price="260"):
    async with scene.database.work() as db:
        booking = await Bookings(db).for_professional(scene.ravi, reference, lock=True)
        extra = propose_extra(booking, scene.ravi, what, price)
        await db.flush()
        return extra.id


async def test_extra_work_is_billed_when_asha_agrees_and_by_the_same_card(scene, asha):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    await scene.started(reference)
    yes, rejected_extra = await proposed(scene, reference), await proposed(scene, reference, "New sink", "5,000")
    page = await asha.visit(f"/bookings/{reference}")
    assert "Approve ₹260" in page.text
    await asha.submit_and_follow(page, f"/extras/{yes}", answer="approve")
    for _ in range(2):
        assert (await asha.submit(page, f"/extras/{yes}", answer="approve")).status == 303
    await asha.submit_and_follow(page, f"/extras/{rejected_extra}", answer="refuse")
    assert (await asha.submit(page, f"/extras/{rejected_extra}", answer="approve")).status == 409
    assert await scene.charges(reference) == [("authorised", 149_00, 0), ("authorised", 260_00, 0)]
    await scene.completed(reference)
    done = await asha.visit(f"/bookings/{reference}")
    assert "Paid ₹409" in done.text
    assert "Extra: Brass tap, half an inch" in done.text
    assert await scene.money(reference) == {"gateway": 409_00, "commission": -61_35, "earnings": -347_65}


async def test_extra_work_after_the_work_is_paid_with_the_rest(scene, asha):
    reference = await scene.paid(asha, method="after")
    await scene.accepted(reference)
    await scene.started(reference)
    extra = await proposed(scene, reference)
    page = await asha.visit(f"/bookings/{reference}/extras/{extra}")
    await asha.submit_and_follow(page, f"/extras/{extra}", answer="approve")
    await scene.completed(reference)
    assert await scene.charges(reference) == [("due", 409_00, 0)]


@pytest.mark.parametrize("answer", ["", "maybe", "x" * 50])
async def test_an_answer_that_is_none_changes_nothing(scene, asha, answer):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    await scene.started(reference)
    extra = await proposed(scene, reference)
    assert (await asha.post_fields(f"/bookings/{reference}/extras/{extra}", {"answer": answer})).status == 422
    assert (await asha.post_fields(f"/bookings/{reference}/extras/{extra + 99}", {"answer": "approve"})).status == 404
    assert await scene.charges(reference) == [("authorised", 149_00, 0)]


async def test_a_done_bookings_page_asks_three_times_at_most(scene, asha):
    reference = await scene.done(asha)
    with count_statements(scene.database) as statements:
        page = await asha.visit(f"/bookings/{reference}")
    assert (page.status, "Get help with this booking" in page.text) == (200, True)
    assert len(statements) <= 3, statements  # for the session, and for the booking with what its panels show


async def test_the_receipt_is_the_same_bytes_whatever_becomes_of_the_catalogue(scene, asha):
    reference = await scene.done(asha)
    before = (await asha.get(f"/bookings/{reference}/receipt")).content
    assert b"Visa ending 4242" in before
    assert "₹149" in before.decode()
    async with scene.database.work() as db:
        change = {"price": 999_00, "name": f"Renamed {reference}", "minutes": 120, "retired_at": clock.now()}
        await db.execute(update(Service).where(Service.id == scene.service.id).values(**change))
    with later(days=10):
        assert (await asha.get(f"/bookings/{reference}/receipt")).content == before


async def test_an_unpaid_booking_has_no_receipt(scene, asha):
    assert (await asha.visit(f"/bookings/{await scene.held(asha)}/receipt")).status == 404


async def test_booking_again_takes_two_presses(scene, asha):
    reference = await scene.done(asha)
    page = await asha.visit(f"/bookings/{reference}")
    link = next(link for link in page.links if "again=" in link)
    repeated = await asha.visit(link)
    assert "Ravi K." in repeated.text
    corrected = await asha.submit(repeated, "/bookings")
    assert corrected.status == 303
    booking, before = await scene.booking(corrected.location.split("/")[2]), await scene.booking(reference)
    assert (booking.service_id, booking.requested_professional_id, booking.address) == (
        before.service_id,
        scene.ravi.id,
        before.address,
    )


async def test_the_pages_ask_the_database_a_fixed_number_of_questions(scene, asha):
    reference = await scene.done(asha)
    for day in (2, 3, 4):
        await scene.paid(asha, a_start(days=day))
    with count_statements(scene.database) as statements:
        await asha.get("/bookings")
    assert len(statements) <= 3, statements  # one for the session, one for each list
    with count_statements(scene.database) as statements:
        await asha.get(f"/bookings/{reference}")
    # One each for the session, the booking, its review, whether its professional is a favourite, messages and cases.
    assert len(statements) <= 6, statements


async def test_book_again_preselects_the_usual_hour_and_nothing_at_night(scene, asha):
    async with scene.database.work() as db:
        await db.execute(update(WorkingHours).values(opens=0, closes=24 * 60))
    usual = await scene.paid(asha, a_start(hour=16.5))
    picker = await asha.visit(f"/bookings/new?again={usual}")
    assert picker.form("/bookings").fields["start"].endswith("T16:30")
    first = await asha.visit(f"/bookings/new?service={scene.service.id}&pincode={ADYAR}")
    assert "07:00" <= first.form("/bookings").fields["start"][11:] < "21:00"
    async with scene.database.work() as db:
        await db.execute(update(WorkingHours).values(opens=60, closes=3 * 60))
    at_night = await asha.visit(f"/bookings/new?service={scene.service.id}&pincode={ADYAR}")
    assert "start" in at_night.form("/bookings").choices
    assert "start" not in at_night.form("/bookings").fields


async def test_extra_work_stands_in_gold_above_the_code_and_is_announced(scene, asha):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    await scene.started(reference)
    await proposed(scene, reference)
    page = await asha.visit(f"/bookings/{reference}")
    assert 0 < page.text.index('class="card note" data-kind="waiting"') < page.text.index('id="finish-code"')
    card = page.text.partition('class="card note" data-kind="waiting"')[2].partition(">")[0]
    assert "Ravi proposes extra work" in card.partition("data-announce")[2]


async def test_the_title_of_a_booking_says_its_state_also_after_an_update(scene, asha):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    await scene.started(reference)
    for headers in ({}, {"hx-request": "true", "hx-request-type": "partial"}):
        page = await asha.visit(f"/bookings/{reference}", **headers)
        title = page.text.partition("<title>")[2].partition("</title>")[0]
        assert title.startswith("Ravi is at work · Fixing leaks")
