"""What is issued with the money, and that numbers have no gaps."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.bookings.cancellation import cancel_booking
from app.bookings.completion import complete_booking
from app.bookings.repository import Bookings
from app.check.run import find_violations
from app.payments import charges
from app.payments.pretend_bank import Authorisation, Instrument
from app.payments.refund import BorneBy
from app.payments.refunds import refund_booking
from tests.bookings.scenes import Scene
from tests.factories import a_customer, a_hold, a_professional, a_start, an_admin
from tests.invoices.conftest import turn_tax_on

DOCUMENTS = (
    "SELECT i.kind, i.total, i.taxable, i.tax, i.number FROM invoices i JOIN bookings b ON b.id = i.booking_id"
    " WHERE b.reference = :ref ORDER BY i.id"
)


async def a_job(scene, price: int = 149_00) -> str:
    """A booking that is paid and started."""
    async with scene.database.work() as db:
        booking = await a_hold(db, scene.asha, scene.service)
        booking.pay(scene.asha, "card")
        card = Authorisation("authorised", Instrument("card", "Visa", "4242"))
        await charges.authorise(db, booking.id, scene.asha.id, price, "booking", card)
    await scene.accepted(booking.reference)
    await scene.started(booking.reference)
    return booking.reference


async def documents(scene, reference: str) -> list:
    return [row[:4] for row in await scene.rows(DOCUMENTS, ref=reference)]


async def refund(scene, reference: str, amount: int, borne_by: BorneBy) -> None:
    async with scene.database.work() as db:
        admin = await an_admin(db)
        booking = await Bookings(db).by_reference(reference, lock=True)
        await refund_booking(db, booking, admin, amount, borne_by=borne_by, reason="The tap drips again.")


async def violations(scene) -> list:
    async with scene.database.work() as db:
        return await find_violations(db)


async def test_with_tax_off_a_completed_job_has_an_invoice_and_a_commission_invoice(scene):
    reference = await a_job(scene)
    await scene.completed(reference)
    assert await documents(scene, reference) == [("invoice", 149_00, 149_00, 0), ("commission", 22_35, 22_35, 0)]
    assert await violations(scene) == []


async def test_with_tax_on_the_documents_say_what_the_ledger_says(scene):
    async with scene.database.work() as db:
        await turn_tax_on(db)
    reference = await a_job(scene)
    await scene.completed(reference)
    assert await scene.money(reference) == {
        "gateway": 149_00,
        "earnings": -103_94,
        "commission": -18_94,
        "tax": -(22_72 + 3_40),
    }
    assert await documents(scene, reference) == [
        ("invoice", 149_00, 126_28, 22_72),
        ("commission", 22_34, 18_94, 3_40),
    ]
    await refund(scene, reference, 49_00, BorneBy.SHARES)
    await refund(scene, reference, 100_00, BorneBy.SHARES)
    assert await scene.money(reference) == {}
    credits = (await documents(scene, reference))[2:]
    assert sum(row[1] for row in credits if row[0] == "credit_note") == 149_00
    assert sum(row[3] for row in credits if row[0] == "credit_note") == 22_72
    assert sum(row[1] for row in credits if row[0] == "commission_credit") == 22_34
    assert await violations(scene) == []


async def test_a_refund_at_the_cost_of_doorstep_leaves_the_commission_invoice(scene):
    async with scene.database.work() as db:
        await turn_tax_on(db)
    reference = await a_job(scene)
    await scene.completed(reference)
    await refund(scene, reference, 149_00, BorneBy.DOORSTEP)
    assert await scene.money(reference) == {"commission": 126_28 - 18_94, "earnings": -103_94, "tax": -3_40}
    assert (await documents(scene, reference))[2:] == [("credit_note", 149_00, 126_28, 22_72)]
    assert await violations(scene) == []


async def test_a_kept_fee_has_an_invoice_and_a_released_booking_has_none(scene):
    async with scene.database.work() as db:
        kept, released = await a_hold(db, scene.asha, scene.service), None
        kept.pay(scene.asha, "after")
    await scene.accepted(kept.reference)
    async with scene.database.work() as db:
        booking = await Bookings(db).by_reference(kept.reference, lock=True)
        await cancel_booking(db, booking, scene.asha, "customer", "", 100_00)
        released = await a_hold(db, scene.asha, scene.service, a_start(2))
    async with scene.database.work() as db:
        booking = await Bookings(db).by_reference(released.reference, lock=True)
        await cancel_booking(db, booking, scene.asha, "customer", "")
    assert await documents(scene, kept.reference) == [("invoice", 100_00, 100_00, 0), ("commission", 30_00, 30_00, 0)]
    assert await documents(scene, released.reference) == []
    assert await violations(scene) == []


async def test_a_transaction_that_is_rolled_back_takes_no_number(scene):
    reference = await a_job(scene)

    async def fail():
        async with scene.database.work() as db:
            booking = await Bookings(db).for_professional(scene.ravi, reference, lock=True)
            await complete_booking(db, booking, scene.ravi, booking.live_code("finish"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    await scene.completed(reference)
    assert (await scene.rows(DOCUMENTS, ref=reference))[0][4].endswith("/000001")


async def test_an_issued_document_never_changes(scene):
    reference = await a_job(scene)
    await scene.completed(reference)
    for statement in ("UPDATE invoices SET total = total", "DELETE FROM invoices", "TRUNCATE invoices"):
        with pytest.raises(DBAPIError):
            async with scene.database.work() as db:
                await db.execute(text(statement))


@pytest.mark.slow
async def test_200_parallel_completions_have_numbers_without_gaps(own_app, monkeypatch):
    """Twenty professionals complete ten jobs each, all started together; the pool's connections are fewer.

    A request waits two seconds for a connection, then is refused (503). Here it waits as long as it takes: what is
    tested are the numbers.
    """
    scene = await Scene.set(own_app)
    monkeypatch.setattr(scene.database.engine.pool, "_timeout", 120)
    jobs = []
    async with scene.database.work() as db:
        people = [await a_professional(db, f"Ravi {number}", services=[scene.service]) for number in range(20)]
    for professional in people:
        async with scene.database.work() as db:
            for number in range(10):
                customer = await a_customer(db)
                booking = await a_hold(
                    db,
                    customer,
                    scene.service,
                    a_start(1 + number % 5, 9 + 4 * (number // 5)),
                    professional_id=professional.id,
                )
                booking.pay(customer, "after")
                jobs.append((professional, booking.reference))
    for professional, reference in jobs:
        await scene.accepted(reference, professional)

    async def complete(professional, reference):
        async with scene.database.work() as db:
            booking = await Bookings(db).for_professional(professional, reference, lock=True)
            if booking.state != "started":
                booking.start(professional, booking.live_code("start"), scene.encryption)
            await complete_booking(db, booking, professional, booking.live_code("finish"))

    await asyncio.gather(*(complete(*job) for job in jobs))
    for series in ("DI", "DM"):
        numbers = await scene.rows("SELECT sequence FROM invoices WHERE series = :series ORDER BY 1", series=series)
        assert [number for (number,) in numbers] == list(range(1, len(jobs) + 1))
    assert await violations(scene) == []
