"""Second thoughts and second people: passed, handed back, cancelled, moved."""

from tests.stage import at, stopped
from tests.town import LEAKS


async def test_who_was_asked_first_passes_and_the_second_one_comes(stage):
    asha, ravi, kumar = (
        await stage.signs_up(),
        await stage.comes("ravi@example.com"),
        await stage.comes("kumar@example.com"),
    )
    page = await stage.books(asha, at(15), named=stage.town.ravi)
    reference = page.path.split("/")[2]
    assert "We have asked Ravi" in page.text
    assert reference not in (await kumar.visit("/jobs")).text
    await ravi.go(await ravi.visit("/jobs"), f"/jobs/{reference}/pass")
    assert reference not in (await ravi.visit("/jobs")).text
    await stage.accepted(kumar, reference)
    assert "Kumar comes" in (await asha.visit(page.path)).text
    assert (await ravi.visit(f"/jobs/{reference}")).status == 404
    await stage.started(asha, kumar, reference)
    assert "you earned ₹126.65" in (await stage.finished(asha, kumar, reference)).text


async def test_a_job_handed_back_goes_to_another_and_the_old_code_is_dead(stage):
    asha, ravi, kumar = (
        await stage.signs_up(),
        await stage.comes("ravi@example.com"),
        await stage.comes("kumar@example.com"),
    )
    page = await stage.books(asha, at(15))
    reference = page.path.split("/")[2]
    await stage.accepted(ravi, reference)
    old = (await asha.visit(page.path)).data["start-code"]
    asking = await ravi.visit(f"/jobs/{reference}?do=return")
    await ravi.go(asking, "/return", reason="My scooter broke down.")
    waiting = await asha.visit(page.path)
    assert "start-code" not in waiting.data
    job = await stage.accepted(kumar, reference)
    new = (await asha.visit(page.path)).data["start-code"]
    refused = await kumar.submit(job, "/start", code=old)
    assert refused.status == 422
    kumar.pages.remove(refused)  # it repeats what he typed
    await kumar.go(job, "/start", code=new)


async def test_cancelling_late_costs_what_was_shown_and_frees_the_time(stage):
    asha, ravi = await stage.signs_up(), await stage.comes("ravi@example.com")
    page = await stage.books(asha, at(14), named=stage.town.ravi)
    reference = page.path.split("/")[2]
    await stage.accepted(ravi, reference)
    assert "Free, you get ₹149 back" in (await asha.visit(page.path)).text
    with stopped(11, 30):
        assert "Costs ₹100, you get ₹49 back" in (await asha.visit(page.path)).text
        asking = await asha.visit(f"{page.path}/cancellation")
        assert "₹100" in asking.text
        gone = await asha.go(asking, "/cancellation", reason="We are away after all.")
        assert "You cancelled" in gone.text
        assert "start-code" not in gone.data
        job = await ravi.visit(f"/jobs/{reference}")
        assert "Flat 3B" not in job.text
        assert "₹70" in (await ravi.visit("/earnings")).text
        named = f"/services/{LEAKS}?pincode=600020&professional={stage.town.ravi.id}"
        assert f"{at(14):%Y-%m-%dT%H:%M}" in (await asha.visit(named)).form("/bookings/new").choices["start"]


async def test_cancelling_in_time_costs_nothing(stage):
    asha, ravi = await stage.signs_up(), await stage.comes("ravi@example.com")
    page = await stage.books(asha, at(14))
    await stage.accepted(ravi, page.path.split("/")[2])
    gone = await asha.go(await asha.visit(f"{page.path}/cancellation"), "/cancellation", reason="")
    assert "You cancelled" in gone.text
    assert "₹149" in (await asha.visit(f"{page.path}/receipt")).text


async def test_a_moved_booking_asks_the_same_person_first_and_has_a_new_code(stage):
    asha, ravi, kumar = (
        await stage.signs_up(),
        await stage.comes("ravi@example.com"),
        await stage.comes("kumar@example.com"),
    )
    page = await stage.books(asha, at(15), named=stage.town.ravi)
    reference = page.path.split("/")[2]
    await stage.accepted(ravi, reference)
    asking = await asha.visit(f"{page.path}/reschedule")
    assert "Moving is free" in asking.text
    moved = await asha.go(asking, "/reschedule", start=f"{at(10, days=1):%Y-%m-%dT%H:%M}")
    assert "We have asked Ravi" in moved.text
    assert "start-code" not in moved.data
    assert reference not in (await kumar.visit("/jobs")).text
    await stage.accepted(ravi, reference)
    with stopped(10, days=1):
        await stage.started(asha, ravi, reference)
        assert "you earned ₹126.65" in (await stage.finished(asha, ravi, reference)).text


async def test_what_nobody_accepts_in_ten_minutes_is_offered_to_everybody(stage):
    asha, kumar = await stage.signs_up(), await stage.comes("kumar@example.com")
    page = await stage.books(asha, at(15), named=stage.town.ravi)
    reference = page.path.split("/")[2]
    assert reference not in (await kumar.visit("/jobs")).text
    with stopped(9, 11):
        await stage.accepted(kumar, reference)
        assert "Kumar comes" in (await asha.visit(page.path)).text
