"""What the customer's pages say and do when no one accepts or comes, and about a no-show fee."""

import html
from datetime import timedelta

from sqlalchemy import update

from app.bookings.expiry import cancel_unfilled, complete_overdue_jobs
from app.bookings.repository import Bookings
from app.catalog.service import Service
from app.core import clock
from app.jobs.acceptance import hand_back
from app.jobs.handover import report_no_show
from tests.bookings.scenes import START, at
from tests.factories import a_start


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
