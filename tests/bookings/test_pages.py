"""The customer's pages of a booking, by plain forms; Omar gets 404 at each of them."""

import html
import re
from datetime import timedelta

import pytest
from sqlalchemy import update

from app.bookings.expiry import cancel_unfilled, complete_overdue_jobs
from app.bookings.extra import propose_extra
from app.bookings.repository import Bookings
from app.catalog.service import Service
from app.core import clock
from app.jobs.acceptance import hand_back
from app.jobs.handover import report_no_show
from app.scheduling.working_hours import WorkingHours
from app.web.templating import month_of
from tests.bookings.scenes import START, Scene, later
from tests.factories import ADYAR, a_customer, a_hold, a_start, past_visits
from tests.statements import count_statements, returned_rows


@pytest.fixture
async def scene(app):
    scene = await Scene.set(app)
    yield scene
    await scene.close()


@pytest.fixture
async def asha(scene):
    return await scene.browser(scene.asha)


@pytest.fixture
async def omar(scene):
    return await scene.browser(scene.omar)


def at(booking, **more: int):
    """Stop the clock so long after the booking's start."""
    return clock.freeze(booking.starts_at + timedelta(**more))


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


async def test_cancelling_in_time_costs_nothing_and_frees_the_slot(scene, asha):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    page = await asha.visit(f"/bookings/{reference}/cancellation")
    assert "Cancelling is free" in page.text
    assert "₹149" in page.text
    over = await asha.submit_and_follow(page, "/cancellation", reason="Not needed.")
    assert "You cancelled this booking" in over.text
    assert await scene.charges(reference) == [("released", 149_00, 0)]
    assert await scene.money(reference) == {}
    booking = await scene.booking(reference)
    assert (booking.cancelled_as, booking.cancel_reason, booking.fee) == ("customer", "Not needed.", 0)
    assert all(not code.is_live for code in booking.codes)
    assert (await asha.submit(await asha.visit(scene.new_booking_url()), "/bookings")).status == 303


async def test_cancelling_late_costs_a_hundred_which_is_shown_before(scene, asha):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    with at(await scene.booking(reference), hours=-2):
        assert "₹100 fee, you get ₹49 back" in (await asha.visit(f"/bookings/{reference}")).text
        page = await asha.visit(f"/bookings/{reference}/cancellation")
        assert "Cancel, pay ₹100" in page.text
        assert "Ravi has reserved this time for you" in page.text
        over = await asha.submit_and_follow(page, "/cancellation")
        assert "Cancellation fee: ₹100" in over.text
        assert "You get a refund of ₹49" in over.text
    assert await scene.money(reference) == {"gateway": 100_00, "commission": -30_00, "earnings": -70_00}


async def test_a_fee_of_all_that_was_paid_is_shown_in_figures(scene, asha):
    async with scene.database.work() as db:
        await db.execute(update(Service).where(Service.id == scene.service.id).values(price=99_99))
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    with at(await scene.booking(reference), hours=-2):
        page = await asha.visit(f"/bookings/{reference}/cancellation")
        assert re.search(r"all of the <b[^>]*>₹99.99</b> you paid, so you get\s+nothing back", page.text)
        over = await asha.submit_and_follow(page, "/cancellation")
        assert "Cancellation fee: ₹99.99" in over.text
        assert "You paid ₹99.99 and get nothing back." in over.text
        for shown in (page, over):
            assert "been charged" not in shown.text
            assert "weren't charged" not in shown.text
    assert sum((await scene.money(reference)).values()) == 0


async def test_a_fee_that_has_grown_since_it_was_shown_is_shown_again(scene, asha):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    page = await asha.visit(f"/bookings/{reference}/cancellation")
    with at(await scene.booking(reference), hours=-2):
        refused = await asha.submit(page, "/cancellation")
        assert refused.status == 409
        assert "Cancel, pay ₹100" in refused.text
    assert (await scene.booking(reference)).state == "assigned"


async def test_cancelling_twice_is_cancelling_once_and_started_work_cannot_be_cancelled(scene, asha):
    reference = await scene.paid(asha)
    page = await asha.visit(f"/bookings/{reference}/cancellation")
    for _ in range(2):
        assert (await asha.submit(page, "/cancellation")).status == 303
    other = await scene.paid(asha, a_start(days=2))
    await scene.accepted(other)
    await scene.started(other)
    assert (await asha.visit(f"/bookings/{other}/cancellation")).status == 409
    assert (await asha.post_fields(f"/bookings/{other}/cancellation", {})).status == 409


async def test_moving_keeps_the_price_and_asks_ravi_first(scene, asha):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    async with scene.database.work() as db:
        await db.execute(update(Service).where(Service.id == scene.service.id).values(price=500_00))
    page = await asha.visit(f"/bookings/{reference}/reschedule")
    assert "Rescheduling is free" in page.text
    moved = await asha.submit_and_follow(page, "/reschedule", start=a_start(days=2, hour=11).strftime(START))
    assert "We've asked Ravi" in moved.text
    booking = await scene.booking(reference)
    assert (booking.price, booking.state, booking.starts_at) == (149_00, "requested", a_start(days=2, hour=11))


async def test_moving_late_costs_a_fee_beside_the_price(scene, asha):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    with at(await scene.booking(reference), hours=-2):
        page = await asha.visit(f"/bookings/{reference}/reschedule")
        assert "The rescheduling fee is ₹100" in page.text
        await asha.submit_and_follow(page, "/reschedule", start=a_start(days=2, hour=11).strftime(START))
    assert await scene.charges(reference) == [("authorised", 149_00, 0), ("captured", 100_00, 100_00)]


@pytest.mark.parametrize("start", ["banana", "", "2020-01-01T10:00", "9999-01-01T10:00"])
async def test_an_impossible_new_start_is_explained_and_free_ones_shown(scene, asha, start):
    reference = await scene.paid(asha)
    rejected = await asha.post_fields(f"/bookings/{reference}/reschedule", {"start": start})
    assert rejected.status == 422
    assert 'name="start"' in rejected.text


async def test_a_new_start_that_was_taken_offers_three_others(scene, asha, omar):
    reference, start = await scene.paid(asha), a_start(days=3)
    await scene.paid(omar, start)
    async with scene.database.work() as db:
        await a_hold(db, await a_customer(db, "Guna S"), scene.service, start)
    taken = await asha.post_fields(f"/bookings/{reference}/reschedule", {"start": start.strftime(START)})
    assert taken.status == 409
    assert len(re.findall(r'<button[^>]* name="start"', taken.text)) == 3


async def test_to_the_time_it_has_a_booking_does_not_move(scene, asha):
    reference = await scene.paid(asha)
    same = await asha.post_fields(f"/bookings/{reference}/reschedule", {"start": a_start().strftime(START)})
    assert same.status == 422
    assert "You already have this time" in same.text


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


async def test_when_ravi_does_not_come_asha_is_refunded(scene, asha):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    booking = await scene.booking(reference)
    assert (await asha.post_fields(f"/bookings/{reference}/absence", {"answer": "refund"})).status == 409
    with at(booking, minutes=31):
        page = await asha.visit(f"/bookings/{reference}")
        assert "Ravi hasn't arrived" in page.text
        over = await asha.submit_and_follow(page, "/absence", answer="refund")
        assert "Professional didn't arrive" in over.text
    assert (await scene.booking(reference)).cancelled_as == "professional_absent"
    assert await scene.money(reference) == {}


async def test_cancelling_when_no_one_came_costs_as_little_as_taking_the_money_back(scene, asha):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    with at(await scene.booking(reference), minutes=29):
        assert "₹100" in (await asha.visit(f"/bookings/{reference}/cancellation")).text
    with at(await scene.booking(reference), minutes=31):
        page = await asha.visit(f"/bookings/{reference}/cancellation")
        assert "₹100" not in page.text
        await asha.submit_and_follow(page, "/cancellation")
    assert (await scene.booking(reference)).cancelled_as == "professional_absent"
    assert await scene.money(reference) == {}


async def test_or_has_it_offered_to_the_others_at_a_new_time(scene, asha):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    with at(await scene.booking(reference), minutes=31):
        picking = await asha.submit_and_follow(await asha.visit(f"/bookings/{reference}"), "/absence", answer="again")
        assert "Change the time" in picking.text
        assert "Rescheduling is free" in picking.text
        moved = await asha.submit_and_follow(picking, "/reschedule", start=a_start(days=1, hour=11).strftime(START))
        assert "We're finding you a professional" in moved.text
        await scene.accepted(reference, by=scene.kumar)
    assert (await scene.booking(reference)).professional_id == scene.kumar.id


async def test_when_no_one_accepts_in_time_the_money_goes_back_by_itself(scene, asha):
    reference = await scene.paid(asha)
    with at(await scene.booking(reference), minutes=-55):
        async with scene.database.work() as db:
            await cancel_unfilled(db)
        assert "No professional was available" in (await asha.visit(f"/bookings/{reference}")).text
    assert await scene.money(reference) == {"guarantee": 14_90, "credit": -14_90}  # the apology (W26)


async def test_when_no_one_accepts_the_three_nearest_free_starts_are_on_the_page(scene, asha):
    reference = await scene.paid(asha, a_start(2, 10))
    booking = await scene.booking(reference)
    with at(booking, minutes=-55):
        async with scene.database.work() as db:
            await cancel_unfilled(db)
        page = await asha.visit(f"/bookings/{reference}")
        links = [html.unescape(link) for link in page.links if "start=" in link]
        starts = [booking.starts_at + timedelta(minutes=more) for more in (90, 120, 150)]  # two hours of notice
        assert [link.rpartition("start=")[2] for link in links] == [
            start.astimezone(clock.IST).strftime(START) for start in starts
        ]
        form = await asha.visit(links[0])
        assert booking.address in form.text
        held = await asha.submit(form, "/bookings")
        assert held.status == 303, held.text
    again = await scene.booking(held.location.split("/")[2])
    assert (again.starts_at, again.note) == (starts[0], booking.note)


async def test_a_booking_unfilled_for_a_retired_service_suggests_nothing(scene, asha):
    reference = await scene.paid(asha)
    with at(await scene.booking(reference), minutes=-55):
        async with scene.database.work() as db:
            await cancel_unfilled(db)
            await db.execute(update(Service).values(retired_at=clock.now()))
        page = await asha.visit(f"/bookings/{reference}")
        assert "No professional was available" in page.text
        assert "Nearest free times" not in page.text


async def test_opened_again_late_the_customer_chooses_when_the_time_has_come(scene, asha):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    booking = await scene.booking(reference)
    with at(booking, minutes=-40):
        async with scene.database.work() as db:
            await hand_back(db, scene.ravi, reference, "The scooter broke down.")
    with at(booking, minutes=1):
        page = await asha.visit(f"/bookings/{reference}")
        assert "Pick a new time" in page.text
        over = await asha.submit_and_follow(page, "/absence", answer="refund")
        assert "No charge" in over.text
    assert (await scene.booking(reference)).cancelled_as == "unfilled"


async def test_asha_objects_to_a_no_show_fee_once_within_two_days(scene, asha):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    booking = await scene.booking(reference)
    with at(booking, minutes=1):
        async with scene.database.work() as db:
            (await Bookings(db).for_professional(scene.ravi, reference, lock=True)).arrive(scene.ravi)
    with at(booking, minutes=20):
        async with scene.database.work() as db:
            await report_no_show(db, scene.ravi, reference)
        page = await asha.visit(f"/bookings/{reference}")
        assert "Were you at home?" in page.text
        assert (await asha.submit(page, "/dispute", text="")).status == 422
        after = await asha.submit_and_follow(page, "/dispute", text="I was at home, the bell is broken.")
        assert "You disputed the fee" in after.text
        assert (await asha.submit(page, "/dispute", text="Again.")).status == 303
    with at(booking, hours=49):
        assert (await asha.submit(page, "/dispute", text="Late.")).status == 409
    rows = await scene.rows(
        "SELECT text FROM disputes d JOIN bookings b ON b.id = d.booking_id WHERE b.reference = :ref", ref=reference
    )
    assert rows == [("I was at home, the bell is broken.",)]


async def test_a_job_completed_by_the_clock_says_so(scene, asha):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    await scene.started(reference)
    with at(await scene.booking(reference), hours=14):
        async with scene.database.work() as db:
            await complete_overdue_jobs(db)
        assert "Completed automatically on" in (await asha.visit(f"/bookings/{reference}")).text
    assert await scene.money(reference) == {"gateway": 149_00, "commission": -22_35, "payout_held": -126_65}


async def test_the_list_shows_what_is_coming_and_what_was_page_by_page(scene, asha):
    empty = await asha.visit("/bookings")
    assert "No bookings yet" in empty.text
    upcoming = await scene.paid(asha)
    cancelled = [await scene.paid(asha, a_start(days=2, hour=hour)) for hour in (9, 11)]
    for reference in cancelled:
        await asha.submit(await asha.visit(f"/bookings/{reference}/cancellation"), "/cancellation")
    lapsed = await scene.held(asha, a_start(days=3))
    with later(minutes=10):
        page = await asha.visit("/bookings")
    assert page.text.index(upcoming) < page.text.index(cancelled[1]) < page.text.index(cancelled[0])
    assert lapsed not in page.text


async def test_past_bookings_stand_by_month_and_can_be_searched_and_filtered(scene, asha, omar):
    async with scene.database.work() as db:
        await past_visits(db, scene.asha, scene.service, scene.ravi, 60)
        await past_visits(db, scene.omar, scene.service, scene.kumar, 1)
    cancelled = await scene.paid(asha, a_start(days=2, hour=9))
    await asha.submit(await asha.visit(f"/bookings/{cancelled}/cancellation"), "/cancellation")
    page = await asha.visit("/bookings")
    months = {month_of((a_start(days=-8 - day)).date()) for day in range(60)}
    pages, references = [page], []
    while following := [link for link in pages[-1].links if "after=" in link]:
        pages.append(await asha.visit(following[0]))
    assert all(any(f'<h3 class="t2 up-3">{month}</h3>' in page.text for page in pages) for month in months)
    references = [link for page in pages for link in page.links if re.fullmatch(r"/bookings/\w{8}", link)]
    assert len(references) == len(set(references)) == 61
    done = await asha.visit("/bookings?state=done")
    assert cancelled not in done.text
    only = await asha.visit("/bookings?state=cancelled")
    assert [link for link in only.links if re.fullmatch(r"/bookings/\w{8}", link)] == [f"/bookings/{cancelled}"]
    for typed in ("ravi", scene.service.name.split()[0].upper(), references[5].rsplit("/", 1)[1].lower()):
        assert references[5] in (await asha.visit(f"/bookings?q={typed}")).links, typed
    for typed in ("kumar", "%25", "_", "%00zz", "zzz"):
        page = await asha.visit(f"/bookings?q={typed}")
        assert page.status == 200, typed
        assert "No bookings found." in page.text, typed


async def test_a_done_booking_is_rated_from_the_list(scene, asha):
    reference = await scene.done(asha)
    page = await asha.visit("/bookings")
    assert f"/bookings/{reference}#review" in page.links
    assert ">Rate<" in page.text


async def test_a_done_bookings_page_asks_three_times_at_most(scene, asha):
    reference = await scene.done(asha)
    with count_statements(scene.database) as statements:
        page = await asha.visit(f"/bookings/{reference}")
    assert (page.status, "Get help with this booking" in page.text) == (200, True)
    assert len(statements) <= 3, statements  # for the session, and for the booking with what its panels show


async def test_a_list_of_300_bookings_asks_as_much_as_a_short_one(scene, asha):
    async with scene.database.work() as db:
        await past_visits(db, scene.asha, scene.service, scene.ravi, 300)
    with returned_rows(scene.database) as rows, count_statements(scene.database) as statements:
        page = await asha.get("/bookings")
    assert len(statements) <= 3, statements
    assert sum(rows) <= 25
    assert len(page.content) <= 60_000


async def test_of_300_bookings_the_oldest_is_found_by_pages_search_and_filter(scene, asha):
    async with scene.database.work() as db:
        await past_visits(db, scene.asha, scene.service, scene.ravi, 300)
    oldest = "SELECT reference FROM bookings WHERE customer_id = :id ORDER BY starts_at LIMIT 1"
    path = "/bookings/" + await scene.scalar(oldest, id=scene.asha.id)
    assert path in (await asha.visit("/bookings?q=" + path.rsplit("/", 1)[1])).links
    pages = [await asha.visit("/bookings?state=done&q=ravi")]
    while following := [link for link in pages[-1].links if "after=" in link]:
        with count_statements(scene.database) as statements:
            pages.append(await asha.visit(following[0]))
        assert len(statements) <= 4, statements
    assert len(pages) == 15
    assert path in pages[-1].links
    assert "/reports" in (await asha.visit("/bookings")).links
    months = await asha.visit("/reports")
    assert "No month yet" not in months.text
    first = f"/reports/{a_start(days=-307):%Y-%m}"
    assert first in months.links
    assert (await asha.visit(first)).status == 200


async def test_a_cursor_that_was_not_ours_is_not_found(asha):
    for cursor in ("x", "WyJhIl0", "W10", "WyJiYW5hbmEiLDFd"):
        assert (await asha.visit(f"/bookings?after={cursor}")).status == 404


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


async def test_an_arrival_from_afar_does_not_shut_the_customers_way(scene, asha):
    reference = await scene.paid(asha)
    here = f"/bookings/{reference}"
    await scene.accepted(reference)
    booking = await scene.booking(reference)
    ravi = await scene.browser(scene.ravi)
    with at(booking, minutes=-60):
        await ravi.submit_and_follow(await ravi.visit(f"/jobs/{reference}"), "/departure")
        await ravi.submit_and_follow(await ravi.visit(f"/jobs/{reference}"), "/arrival")
    before = await scene.scalar("SELECT md5(json_agg(l ORDER BY l.id)::text) FROM ledger_entries l")
    with at(booking, minutes=29):
        assert (await asha.post_fields(f"{here}/absence", {"answer": "refund"})).status == 409
    with at(booking, minutes=30):
        for _ in range(2):
            sent = await asha.post_fields(f"{here}/absence", {"answer": "refund"})
            assert (sent.status, sent.location) == (303, here)
        page = await asha.visit(here)
        assert "No money moves until it is settled." in page.text
        assert (await ravi.post_fields(f"/jobs/{reference}/absence", {})).status == 409
        assert "No money moves until it is settled." in (await ravi.visit(f"/jobs/{reference}")).text
        for address in ("cancellation", "reschedule"):
            start = a_start(days=3).strftime(START)
            assert (await asha.post_fields(f"{here}/{address}", {"start": start})).status == 409
        assert (await scene.booking(reference)).state == "assigned"
        assert await scene.scalar("SELECT md5(json_agg(l ORDER BY l.id)::text) FROM ledger_entries l") == before
        events = "SELECT count(*) FROM events WHERE name = 'booking.arrival_contested' AND subject = :subject"
        assert await scene.scalar(events, subject=f"booking-{reference}") == 1
        async with scene.database.work() as db:
            await hand_back(db, scene.ravi, reference, "I was not there.")
        page = await asha.submit_and_follow(await asha.visit(here), "/absence", answer="refund")
        assert (await scene.booking(reference)).fee == 0


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
