"""At the job: wrong codes, no-shows of both sides, extra work, and payment afterwards."""

from tests.story_app import at, frozen_at
from tests.town import LEAKS, VISA


async def a_job(story, **payment):
    """Asha's booking for twelve o'clock, accepted by Ravi."""
    asha, ravi = await story.sign_up(), await story.sign_in("ravi@example.com")
    page = await story.book(asha, at(12), **payment)
    reference = page.path.split("/")[2]
    await story.accept(ravi, reference)
    return asha, ravi, reference


async def test_five_wrong_codes_lock_entry_and_a_new_code_opens_it(story):
    asha, ravi, reference = await a_job(story)
    code = (await asha.visit(f"/bookings/{reference}")).data["start-code"]
    invalid = f"{(int(code) + 1) % 1_000_000:06d}"
    job = await ravi.visit(f"/jobs/{reference}")
    assert [(await ravi.submit(job, "/start", early="yes", code=invalid)).status for _ in range(5)] == [422] * 5
    locked = await ravi.submit(job, "/start", early="yes", code=code)
    assert locked.status == 409
    assert "Locked until 9:15\xa0am" in locked.text
    page = await asha.visit(f"/bookings/{reference}")
    assert "wrong 5 times" in page.text
    page = await asha.submit_and_follow(page, "/codes")
    job = await ravi.visit(f"/jobs/{reference}")
    await ravi.submit_and_follow(job, "/start", early="yes", code=page.data["start-code"])
    assert "Ravi is at work" in (await asha.visit(f"/bookings/{reference}")).text


async def test_no_one_opens_and_asha_may_object(story):
    asha, ravi, reference = await a_job(story)
    with frozen_at(12):
        job = await ravi.submit_and_follow(await ravi.visit(f"/jobs/{reference}"), "/departure")
        await ravi.submit_and_follow(job, "/arrival")
    with frozen_at(12, 15):
        confirmation = await ravi.visit(f"/jobs/{reference}?do=absence")
        await ravi.submit_and_follow(confirmation, "/absence")
        page = await asha.visit(f"/bookings/{reference}")
        assert "No answer at the door" in page.text
        assert "₹70" in (await ravi.visit("/earnings")).text
        page = await asha.submit_and_follow(page, "/dispute", text="I was at home all morning.")
        assert "You disputed the fee" in page.text


async def test_no_one_comes_and_asha_takes_her_money_back(story):
    asha, ravi, reference = await a_job(story)
    with frozen_at(12, 29):
        assert "hasn't arrived" not in (await asha.visit(f"/bookings/{reference}")).text
    with frozen_at(12, 30):
        page = await asha.visit(f"/bookings/{reference}")
        assert "Ravi hasn't arrived" in page.text
        page = await asha.submit_and_follow(page, "/absence", answer="refund")
        assert "Professional didn't arrive" in page.text
        assert "₹149" in (await asha.visit(f"/bookings/{reference}/receipt")).text
        assert "Flat 3B" not in (await ravi.visit(f"/jobs/{reference}")).text


async def test_no_one_comes_and_another_gets_the_offer(story):
    asha, _, reference = await a_job(story)
    kumar = await story.sign_in("kumar@example.com")
    with frozen_at(12, 30):
        page = await asha.submit_and_follow(await asha.visit(f"/bookings/{reference}"), "/absence", answer="again")
        assert page.path == f"/bookings/{reference}/reschedule"
        await asha.submit_and_follow(page, "/reschedule", start=f"{at(16):%Y-%m-%dT%H:%M}")
        await story.accept(kumar, reference)
        assert "Kumar is coming" in (await asha.visit(f"/bookings/{reference}")).text


async def test_more_work_is_billed_only_when_asha_agrees(story):
    asha, ravi, reference = await a_job(story)
    await story.start(asha, ravi, reference)
    for what, price, answer in (("A new tap", "250", "approve"), ("A golden tap", "9000", "refuse")):
        await ravi.submit_and_follow(await ravi.visit(f"/jobs/{reference}?do=extra"), "/extras", text=what, price=price)
        page = await asha.visit(f"/bookings/{reference}")
        assert what in page.text
        form = next(form for form in page.forms if "/extras/" in form.action)
        page = await asha.submit_and_follow(page, form.action, answer=answer)
        assert "/extras/" not in "".join(form.action for form in page.forms)
    await story.finish(asha, ravi, reference)
    receipt = await asha.visit(f"/bookings/{reference}/receipt")
    assert "₹399" in receipt.text
    assert "golden" not in receipt.text
    assert "₹339.15" in (await ravi.visit("/earnings")).text


async def test_a_job_to_be_paid_afterwards_is_paid_before_the_next_one(story):
    asha, ravi, reference = await a_job(story, method="after")
    await story.start(asha, ravi, reference)
    await story.finish(asha, ravi, reference)
    with frozen_at(10, days=1):  # a day later it is overdue
        page = await asha.visit(f"/services/{LEAKS}?pincode=600020")
        page = await asha.submit_and_follow(page, "/bookings/new", start=f"{at(17, days=1):%Y-%m-%dT%H:%M}")
        assert "Your last job isn't paid yet" in page.text
        assert (await asha.submit(page, "/bookings")).status == 409
        page = await asha.visit(f"/bookings/{reference}/payment")
        page = await asha.submit_and_follow(page, "/payment", method="upi", upi_id="success@doorstep")
        assert "Paid. Thank you." in page.text
        await story.book(asha, at(17, days=1), **VISA)
