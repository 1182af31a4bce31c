"""With tax on: section 52 from the completion to the payout, and every preview as the ledger posts it afterwards."""

import csv
import io
from datetime import timedelta

import pytest

from app.accounts.tax_identity import TaxIdentity
from app.billing.statement_repository import Statements
from app.billing.statements import statement_csv
from app.bookings.cancellation import cancel_booking
from app.bookings.extra import Extra, ExtraState
from app.bookings.repository import Bookings
from app.core import clock
from app.dispatch.interventions import preview_cancellation
from app.payments import charges
from app.payments.refund import BorneBy
from app.payments.refunds import preview_refund
from app.payments.repository import Charges
from app.payments.tax_repository import add_tax_rate, find_tax_rule
from app.payments.withholding_repository import withhold_payout
from tests.api_client import ApiClient
from tests.bookings.scenes import later
from tests.factories import PASSWORD, a_hold, an_admin
from tests.invoices.conftest import turn_tax_on
from tests.invoices.test_issuing import a_job, documents, refund, violations
from tests.payments.test_charges import AUTHORISED

GSTIN = "33AAAAA0000A1Z9"
ASIDE = ("earnings", "commission", "tax", "tax_collected", "tax_withheld")


@pytest.fixture
async def registered(scene):
    """Tax is on and Ravi has a GSTIN, so he is the supplier."""
    async with scene.database.work() as db:
        await turn_tax_on(db)
        db.add(TaxIdentity(user_id=scene.ravi.id, gstin=GSTIN, business_name="Ravi Plumbing"))
    return scene


@pytest.fixture(params=["9(5)", "52"])
async def taxed(request, scene):
    """Tax is on; under section 52 Ravi has a GSTIN."""
    async with scene.database.work() as db:
        await turn_tax_on(db)
        if request.param == "52":
            db.add(TaxIdentity(user_id=scene.ravi.id, gstin=GSTIN, business_name="Ravi Plumbing"))
    return scene


async def test_section_52_from_the_completion_to_the_withheld_payout(registered):
    reference = await a_job(registered)
    await registered.completed(reference)
    earned = {"commission": -18_94, "tax": -3_40, "tax_collected": -63, "tax_withheld": -13}
    assert await registered.money(reference) == {"gateway": 149_00, "earnings": -125_90, **earned}
    kinds = {row[0]: row for row in await documents(registered, reference)}
    assert kinds["invoice"] == ("invoice", 149_00, 126_28, 22_72)
    assert kinds["commission"] == ("commission", 22_34, 18_94, 3_40)
    (number,) = (await registered.rows("SELECT number FROM invoices WHERE kind = 'invoice'"))[0]
    assert number.startswith("P")
    async with registered.database.work() as db:
        monday = clock.today() - timedelta(days=clock.today().weekday())
        statement = await Statements(db, registered.ravi.id).statement(monday)
        (earning,) = (await Charges(db).earnings_of(registered.ravi.id, None)).items
    (line,) = statement.lines
    assert (line.price, line.commission, line.tax, line.withheld, line.net) == (149_00, 18_94, 3_40, 76, 125_90)
    assert (earning.price, earning.commission, earning.tax, earning.amount) == (149_00, 18_94, 4_16, 125_90)
    row = list(csv.DictReader(io.StringIO(statement_csv(statement))))[1]
    assert (row["price"], row["withheld"], row["net"]) == ("149.00", "0.76", "125.90")
    async with registered.database.work() as db:
        booking = await Bookings(db).by_reference(reference, lock=True)
        assert await withhold_payout(db, booking.id, registered.ravi.id, for_redo=False) == 125_90
    # What was collected and withheld for the government stays so.
    after = {**earned, "commission": -144_84}
    assert await registered.money(reference) == {"gateway": 149_00, **after}
    assert await violations_besides_cases(registered) == []


async def violations_besides_cases(scene) -> list:
    """But for the one that a payout was withheld here without a case."""
    return [found for found in await violations(scene) if found.rule != "withheld-payouts-have-their-case"]


async def test_a_waived_job_takes_all_of_its_taxes_back(taxed):
    scene = taxed
    reference = await a_debt(scene)
    async with scene.database.work() as db:
        booking = await Bookings(db).by_reference(reference, lock=True)
        [due] = charges.due_charges(await Charges(db).of_booking(booking.id))
        await charges.waive(db, due)
    assert await scene.money(reference) == {}
    credited = [row[1] for row in await documents(scene, reference) if row[0] == "credit_note"]
    assert credited == [149_00]
    assert await violations(scene) == []


async def test_a_waived_job_whose_payout_was_withheld_balances_too(taxed):
    scene = taxed
    reference = await a_debt(scene)
    async with scene.database.work() as db:
        booking = await Bookings(db).by_reference(reference, lock=True)
        await withhold_payout(db, booking.id, scene.ravi.id, for_redo=False)
        [due] = charges.due_charges(await Charges(db).of_booking(booking.id))
        await charges.waive(db, due)
    assert await scene.money(reference) == {}
    assert await violations_besides_cases(scene) == []


@pytest.mark.parametrize("borne_by", list(BorneBy))
async def test_a_job_paid_in_parts_is_refunded_as_its_preview_says(taxed, borne_by):
    """₹149 by card, ₹51 of extra work after the job: three refunds, the last of the rest."""
    scene = taxed
    reference = await a_job(scene)
    async with scene.database.work() as db:
        booking, now = await Bookings(db).by_reference(reference, lock=True), clock.now()
        db.add(Extra(booking_id=booking.id, text="A new washer", price=51_00, state=ExtraState.APPROVED,
                     proposed_at=now, answered_at=now))  # fmt: skip
    await scene.completed(reference)
    async with scene.database.work() as db:
        booking = await Bookings(db).by_reference(reference, lock=True)
        for due in charges.due_charges(await Charges(db).of_booking(booking.id)):
            await charges.settle(db, due, AUTHORISED)
    for amount in (33_33, 120_01, 46_66):
        await refund_as_shown(scene, reference, amount, borne_by)
    left = await scene.money(reference)
    assert "gateway" not in left
    assert left == {} if borne_by is BorneBy.SHARES else {"tax_collected", "tax_withheld"} >= set(left) - set(ASIDE)
    notes = [row for row in await documents(scene, reference) if row[0] == "credit_note"]
    invoiced = [row for row in await documents(scene, reference) if row[0] == "invoice"]
    assert sum(row[1] for row in notes) == sum(row[1] for row in invoiced) == 200_00
    assert sum(row[3] for row in notes) == sum(row[3] for row in invoiced)
    assert await violations(scene) == []


async def test_page_and_api_say_what_of_a_refund_is_tax(registered):
    reference = await a_job(registered)
    await registered.completed(reference)
    password_hash = await registered.app.state.services.passwords.hash(PASSWORD)
    async with registered.database.work() as db:
        meena = await an_admin(db, password_hash=password_hash)
    address = f"/admin/bookings/{reference}/refund"
    page = " ".join((await (await registered.browser(meena)).visit(address)).text.split())
    assert "Ravi Kumar bears ₹125.90" in page
    assert "Doorstep ₹18.94" in page
    assert "The rest is tax: ₹4.16." in page
    async with ApiClient(registered.app) as client:
        await client.sign_in(meena.email, PASSWORD)
        figures = (await client.get(f"/api{address}")).json()
    assert (figures["earning_paise"], figures["tax_paise"], figures["tax"]) == (125_90, 4_16, "4.16")


async def test_before_the_job_the_preview_is_what_the_capture_takes_less(registered):
    reference = await a_job(registered)
    async with registered.database.work() as db:
        booking = await Bookings(db).by_reference(reference)
        shown = await preview_refund(db, booking, 49_00)
    await refund(registered, reference, 49_00, BorneBy.SHARES)
    await registered.completed(reference)
    assert -(await registered.money(reference))["earnings"] == 125_90 - shown.earning
    assert (shown.commission, shown.earning + shown.commission + shown.tax) == (6_23, 49_00)


async def test_the_preview_of_a_cancellation_says_what_the_professional_gets(taxed):
    scene = taxed
    async with scene.database.work() as db:
        booking = await a_hold(db, scene.asha, scene.service)
        booking.pay(scene.asha, "after")
    await scene.accepted(booking.reference)
    with later(seconds=int((booking.starts_at - clock.now()).total_seconds()) - 3600):
        async with scene.database.work() as db:
            booking = await Bookings(db).by_reference(booking.reference, lock=True)
            cost = await preview_cancellation(db, booking)
            await cancel_booking(db, booking, scene.asha, "customer", "", cost.by_rule.fee)
    assert (await scene.money(booking.reference))["earnings"] == -cost.earning
    assert await violations(scene) == []


async def test_the_rates_collected_and_withheld_are_dated(registered):
    async with registered.database.work() as db:
        meena, tomorrow = await an_admin(db), clock.today() + timedelta(days=1)
        await add_tax_rate(db, meena, "collected", None, tomorrow, "52", 1_00, "000000")
        await add_tax_rate(db, meena, "withheld", None, tomorrow, "off", 0, "000000")
        today = await find_tax_rule(db, registered.service.id, registered.ravi.id)
        with later(days=1):
            then = await find_tax_rule(db, registered.service.id, registered.ravi.id)
    assert (today.collected, today.withheld) == (50, 10)
    assert (then.collected, then.withheld) == (1_00, 0)


async def a_debt(scene) -> str:
    """A finished job that is to be paid after it."""
    async with scene.database.work() as db:
        booking = await a_hold(db, scene.asha, scene.service)
        booking.pay(scene.asha, "after")
    await scene.accepted(booking.reference)
    await scene.started(booking.reference)
    await scene.completed(booking.reference)
    return booking.reference


async def refund_as_shown(scene, reference: str, amount: int, borne_by: BorneBy) -> None:
    """The ledger posts what the preview said."""
    async with scene.database.work() as db:
        shown = await preview_refund(db, await Bookings(db).by_reference(reference), amount)
    before = await scene.money(reference)
    await refund(scene, reference, amount, borne_by)
    after = await scene.money(reference)
    lost = {name: after.get(name, 0) - before.get(name, 0) for name in ASIDE}
    tax = lost["tax"] + lost["tax_collected"] + lost["tax_withheld"]
    if borne_by is BorneBy.SHARES:
        assert (lost["earnings"], lost["commission"], tax) == (shown.earning, shown.commission, shown.tax)
    else:
        assert (lost["earnings"], lost["commission"], tax) == (0, shown.cost, shown.price_tax)
