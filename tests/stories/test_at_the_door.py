"""What may happen at the door: wrong codes, nobody in, nobody there, more work, and money afterwards."""

from tests.stage import at, stopped
from tests.town import LEAKS, VISA


async def a_job(stage, **way):
    """Asha's booking for twelve o'clock, accepted by Ravi."""
    asha, ravi = await stage.signs_up(), await stage.comes("ravi@example.com")
    page = await stage.books(asha, at(12), **way)
    reference = page.path.split("/")[2]
    await stage.accepted(ravi, reference)
    return asha, ravi, reference


async def test_five_wrong_codes_lock_entry_and_a_new_code_opens_it(stage):
    asha, ravi, reference = await a_job(stage)
    code = (await asha.visit(f"/bookings/{reference}")).data["start-code"]
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    job = await ravi.visit(f"/jobs/{reference}")
    assert [(await ravi.submit(job, "/start", code=wrong)).status for _ in range(5)] == [422] * 5
    locked = await ravi.submit(job, "/start", code=code)
    assert locked.status == 409
    assert "Locked until 09:15" in locked.text
    page = await asha.visit(f"/bookings/{reference}")
    assert "wrong five times" in page.text
    page = await asha.go(page, "/codes")
    await ravi.go(await ravi.visit(f"/jobs/{reference}"), "/start", code=page.data["start-code"])
    assert "Ravi is at work" in (await asha.visit(f"/bookings/{reference}")).text


async def test_nobody_opens_and_asha_may_object(stage):
    asha, ravi, reference = await a_job(stage)
    with stopped(12):
        job = await ravi.go(await ravi.visit(f"/jobs/{reference}"), "/departure")
        await ravi.go(job, "/arrival")
    with stopped(12, 15):
        asking = await ravi.visit(f"/jobs/{reference}?do=absence")
        await ravi.go(asking, "/absence")
        page = await asha.visit(f"/bookings/{reference}")
        assert "Nobody opened the door" in page.text
        assert "₹70" in (await ravi.visit("/earnings")).text
        page = await asha.go(page, "/dispute", text="I was at home all morning.")
        assert "You objected to the fee" in page.text


async def test_nobody_comes_and_asha_takes_her_money_back(stage):
    asha, ravi, reference = await a_job(stage)
    with stopped(12, 29):
        assert "has not come" not in (await asha.visit(f"/bookings/{reference}")).text
    with stopped(12, 30):
        page = await asha.visit(f"/bookings/{reference}")
        assert "Ravi has not come" in page.text
        page = await asha.go(page, "/absence", answer="refund")
        assert "Nobody came" in page.text
        assert "₹149" in (await asha.visit(f"/bookings/{reference}/receipt")).text
        assert "Flat 3B" not in (await ravi.visit(f"/jobs/{reference}")).text


async def test_nobody_comes_and_somebody_else_is_asked(stage):
    asha, _, reference = await a_job(stage)
    kumar = await stage.comes("kumar@example.com")
    with stopped(12, 30):
        page = await asha.go(await asha.visit(f"/bookings/{reference}"), "/absence", answer="again")
        assert page.path == f"/bookings/{reference}/reschedule"
        await asha.go(page, "/reschedule", start=f"{at(16):%Y-%m-%dT%H:%M}")
        await stage.accepted(kumar, reference)
        assert "Kumar comes" in (await asha.visit(f"/bookings/{reference}")).text


async def test_more_work_is_billed_only_when_asha_agrees(stage):
    asha, ravi, reference = await a_job(stage)
    await stage.started(asha, ravi, reference)
    for what, price, answer in (("A new tap", "250", "approve"), ("A golden tap", "9000", "refuse")):
        await ravi.go(await ravi.visit(f"/jobs/{reference}?do=extra"), "/extras", text=what, price=price)
        page = await asha.visit(f"/bookings/{reference}")
        assert what in page.text
        form = next(form for form in page.forms if "/extras/" in form.action)
        page = await asha.go(page, form.action, answer=answer)
        assert "/extras/" not in "".join(form.action for form in page.forms)
    await stage.finished(asha, ravi, reference)
    receipt = await asha.visit(f"/bookings/{reference}/receipt")
    assert "₹399" in receipt.text
    assert "golden" not in receipt.text
    assert "₹339.15" in (await ravi.visit("/earnings")).text


async def test_a_job_to_be_paid_afterwards_is_paid_before_the_next_one(stage):
    asha, ravi, reference = await a_job(stage, method="after")
    await stage.started(asha, ravi, reference)
    await stage.finished(asha, ravi, reference)
    with stopped(10, days=1):  # a day later it is overdue
        page = await asha.visit(f"/services/{LEAKS}?pincode=600020")
        page = await asha.go(page, "/bookings/new", start=f"{at(17, days=1):%Y-%m-%dT%H:%M}")
        assert "Your last job is not paid yet" in page.text
        assert (await asha.submit(page, "/bookings")).status == 409
        page = await asha.visit(f"/bookings/{reference}/payment")
        page = await asha.go(page, "/payment", method="upi", upi_id="success@doorstep")
        assert "Paid. Thank you." in page.text
        await stage.books(asha, at(17, days=1), **VISA)
