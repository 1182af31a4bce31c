"""What Doorstep pays itself: an apology when no professional accepted, and the second visit of another one."""

from datetime import timedelta

import pytest

from app.bookings.expiry import cancel_unfilled
from app.check.run import find_violations
from app.core import clock
from app.jobs.acceptance import pass_on
from app.payments.repository import Charges
from app.promotions.credits import apology_for
from tests.bookings.scenes import VISA
from tests.cases.steps import asks_for_help, decides


@pytest.fixture
async def asha(scene):
    return await scene.browser(scene.asha)


async def assert_sound(scene):
    async with scene.database.work() as db:
        assert await find_violations(db) == []


@pytest.mark.parametrize(("price", "credit"), [(149_00, 14_90), (1, 0), (999_99, 99_99), (5_000_00, 100_00), (0, 0)])
def test_the_apology_is_a_tenth_and_at_most_a_hundred_rupees(price, credit):
    assert apology_for(price) == credit


async def test_unfilled_is_apologised_for_once_on_page_and_by_mail(scene, asha):
    reference = await scene.paid(asha, **VISA)
    with clock.freeze((await scene.booking(reference)).starts_at - timedelta(minutes=59)):
        for _again in range(2):
            async with scene.database.work() as db:
                await cancel_unfilled(db)
        page = await asha.visit(f"/bookings/{reference}")
        assert "We added ₹14.90 to your credit." in page.text
        assert "Sorry that no professional was free" in (await asha.visit("/credit")).text
    assert await scene.scalar("SELECT balance FROM credit_balances") == 14_90
    assert await scene.money(reference) == {"guarantee": 14_90, "credit": -14_90}
    kinds = "SELECT count(*) FROM outbox WHERE kind = 'credit_added' AND recipient_id = :id"
    assert await scene.scalar(kinds, id=scene.asha.id) == 1
    await assert_sound(scene)


async def redo_of(scene, asha, admin):
    """The reference of the second visit for a job that Ravi did."""
    reference = await scene.done(asha)
    case = await asks_for_help(asha, f"/bookings/{reference}")
    assert (await decides(admin, case, "redo")).status == 303
    return await scene.scalar("SELECT reference FROM bookings WHERE redo_of_id IS NOT NULL")


@pytest.mark.parametrize("by", ["ravi", "kumar"])
async def test_a_second_visit_is_paid_from_the_guarantee_to_another_professional(scene, asha, meena, by):
    admin = await scene.browser(meena)
    redo = await redo_of(scene, asha, admin)
    if by == "kumar":
        async with scene.database.work() as db:
            await pass_on(db, scene.ravi, redo, "")
    worker = getattr(scene, by)
    await scene.accepted(redo, worker)
    scene.ravi = worker
    await scene.started(redo)
    await scene.completed(redo)
    paid = {} if by == "ravi" else {"guarantee": 126_65, "earnings": -126_65}
    assert await scene.money(redo) == paid
    async with scene.database.work() as db:
        lines = (await Charges(db).earnings_of(worker.id, "")).items
    shown = [(line.price, line.commission, line.amount) for line in lines if line.kind == "redo"]
    assert shown == ([] if by == "ravi" else [(126_65, 0, 126_65)])
    await assert_sound(scene)
