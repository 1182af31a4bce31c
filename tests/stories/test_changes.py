"""Jobs that are passed, handed back, cancelled and rescheduled."""

from tests.story_app import at, frozen_at
from tests.town import LEAKS


async def test_who_was_offered_first_passes_and_the_second_one_comes(story):
    asha, ravi, kumar = (
        await story.sign_up(),
        await story.sign_in("ravi@example.com"),
        await story.sign_in("kumar@example.com"),
    )
    page = await story.book(asha, at(15), named=story.town.ravi)
    reference = page.path.split("/")[2]
    assert "We've asked Ravi" in page.text
    assert reference not in (await kumar.visit("/jobs")).text
    await ravi.submit_and_follow(await ravi.visit("/jobs"), f"/jobs/{reference}/pass")
    assert reference not in (await ravi.visit("/jobs")).text
    await story.accept(kumar, reference)
    assert "Kumar is coming" in (await asha.visit(page.path)).text
    assert (await ravi.visit(f"/jobs/{reference}")).status == 404
    await story.start(asha, kumar, reference)
    assert "you earned ₹126.65" in (await story.finish(asha, kumar, reference)).text


async def test_a_job_handed_back_goes_to_another_and_the_old_code_is_dead(story):
    asha, ravi, kumar = (
        await story.sign_up(),
        await story.sign_in("ravi@example.com"),
        await story.sign_in("kumar@example.com"),
    )
    page = await story.book(asha, at(15))
    reference = page.path.split("/")[2]
    await story.accept(ravi, reference)
    old = (await asha.visit(page.path)).data["start-code"]
    confirmation = await ravi.visit(f"/jobs/{reference}?do=return")
    await ravi.submit_and_follow(confirmation, "/return", reason="My scooter broke down.")
    waiting = await asha.visit(page.path)
    assert "start-code" not in waiting.data
    job = await story.accept(kumar, reference)
    new = (await asha.visit(page.path)).data["start-code"]
    refused = await kumar.submit(job, "/start", early="yes", code=old)
    assert refused.status == 422
    kumar.pages.remove(refused)  # it repeats what he typed
    await kumar.submit_and_follow(job, "/start", early="yes", code=new)


async def test_cancelling_late_costs_what_was_shown_and_frees_the_time(story):
    asha, ravi = await story.sign_up(), await story.sign_in("ravi@example.com")
    page = await story.book(asha, at(14), named=story.town.ravi)
    reference = page.path.split("/")[2]
    await story.accept(ravi, reference)
    assert "Free, you get ₹149 back" in (await asha.visit(page.path)).text
    with frozen_at(11, 30):
        assert "₹100 fee, you get ₹49 back" in (await asha.visit(page.path)).text
        confirmation = await asha.visit(f"{page.path}/cancellation")
        assert "₹100" in confirmation.text
        cancelled = await asha.submit_and_follow(confirmation, "/cancellation", reason="We are away after all.")
        assert "You cancelled this booking" in cancelled.text
        assert "start-code" not in cancelled.data
        job = await ravi.visit(f"/jobs/{reference}")
        assert "Flat 3B" not in job.text
        assert "₹70" in (await ravi.visit("/earnings")).text
        named = f"/services/{LEAKS}?pincode=600020&professional={story.town.ravi.id}"
        assert f"{at(14):%Y-%m-%dT%H:%M}" in (await asha.visit(named)).form("/bookings/new").choices["start"]


async def test_cancelling_in_time_costs_nothing(story):
    asha, ravi = await story.sign_up(), await story.sign_in("ravi@example.com")
    page = await story.book(asha, at(14))
    await story.accept(ravi, page.path.split("/")[2])
    cancelled = await asha.submit_and_follow(await asha.visit(f"{page.path}/cancellation"), "/cancellation", reason="")
    assert "You cancelled this booking" in cancelled.text
    assert "₹149" in (await asha.visit(f"{page.path}/receipt")).text


async def test_a_moved_booking_asks_the_same_person_first_and_has_a_new_code(story):
    asha, ravi, kumar = (
        await story.sign_up(),
        await story.sign_in("ravi@example.com"),
        await story.sign_in("kumar@example.com"),
    )
    page = await story.book(asha, at(15), named=story.town.ravi)
    reference = page.path.split("/")[2]
    await story.accept(ravi, reference)
    confirmation = await asha.visit(f"{page.path}/reschedule")
    assert "Rescheduling is free" in confirmation.text
    moved = await asha.submit_and_follow(confirmation, "/reschedule", start=f"{at(10, days=1):%Y-%m-%dT%H:%M}")
    assert "We've asked Ravi" in moved.text
    assert "start-code" not in moved.data
    assert reference not in (await kumar.visit("/jobs")).text
    await story.accept(ravi, reference)
    with frozen_at(10, days=1):
        await story.start(asha, ravi, reference)
        assert "you earned ₹126.65" in (await story.finish(asha, ravi, reference)).text


async def test_what_no_one_accepts_in_ten_minutes_is_offered_to_everyone(story):
    asha, kumar = await story.sign_up(), await story.sign_in("kumar@example.com")
    page = await story.book(asha, at(15), named=story.town.ravi)
    reference = page.path.split("/")[2]
    assert reference not in (await kumar.visit("/jobs")).text
    with frozen_at(9, 11):
        await story.accept(kumar, reference)
        assert "Kumar is coming" in (await asha.visit(page.path)).text
