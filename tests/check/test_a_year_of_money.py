"""`doorstep check` gives no false alarm over a year of generated weeks of money, tax turned on in the middle of it."""

import random
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from app.accounts.tax_identity import TaxIdentity
from app.billing.payouts import make_weekly_run, mark_failed, mark_paid
from app.bookings.cancellation import cancel_booking
from app.bookings.completion import complete_booking
from app.bookings.expiry import close_unreviewed
from app.check.run import find_violations
from app.core import clock
from app.core.events import PLATFORM
from app.invoices.issuing import issue_documents
from app.jobs.acceptance import accept
from app.payments import charges
from app.payments.refund import BorneBy
from app.payments.refunds import refund_booking
from app.payments.repository import Charges
from app.payments.tax import COMMISSION_SAC, TaxRate
from app.payments.tips import ask_tip, pay_tip
from app.promotions.coupon import CouponKind
from app.promotions.coupons import CouponTerms, create_coupon
from app.promotions.discounts import Buyer, claim_payment, quote_payment
from app.scheduling.reservation import keep_reservation
from tests.billing.money import an_account
from tests.factories import a_customer, a_hold, a_professional, a_service, an_admin
from tests.payments.test_charges import AUTHORISED

WEEK_COUNT = 52
WAYS = ("card", "after", "coupon", "credit", "cancelled", "automatic")
NOON_MINUTE = 12 * 60


async def has_visits() -> bool:
    return True


class Year:
    """A week is a job, what becomes of its money, and the payout run of the Monday after."""

    def __init__(self, db, encryption) -> None:
        self.db, self.encryption, self.dice = db, encryption, random.Random(11)

    async def set(self, first: date) -> None:
        with clock.freeze(clock.at(first - timedelta(days=10))):
            self.service = await a_service(self.db)
            self.meena, self.ravi = await an_admin(self.db), await a_professional(self.db, services=[self.service])
            self.customers = [await a_customer(self.db) for _ in range(4)]
            await an_account(self.db, self.encryption, self.ravi)
            terms = CouponTerms(
                "WELCOME50", CouponKind.AMOUNT, 50_00, None, clock.today(), None, None, None, first_visit=False
            )
            await create_coupon(self.db, self.meena, terms)

    async def turn_tax_on(self, day: date) -> None:
        for supply, rate, sac in (("service", 18_00, "998719"), ("commission", 18_00, COMMISSION_SAC)):
            self.db.add(TaxRate(supply=supply, valid_from=day, form="9(5)", rate=rate, sac=sac,
                                created_at=clock.now(), created_by_id=self.meena.id))  # fmt: skip
        await self.db.flush()

    async def week(self, number: int, monday: date) -> None:
        way, day = WAYS[number % len(WAYS)], monday + timedelta(days=1 + number % 5)
        customer = self.customers[number // len(WAYS) % len(self.customers)]
        with clock.freeze(clock.at(day - timedelta(days=1), NOON_MINUTE)):
            booking = await self.booked(customer, day, way)
        with clock.freeze(clock.at(day, NOON_MINUTE - 60)):
            if way == "cancelled":
                await cancel_booking(self.db, booking, customer, "customer", "", 100_00, as_credit=number % 4 == 0)
                await issue_documents(self.db)
        with clock.freeze(clock.at(day, NOON_MINUTE)):
            if way != "cancelled":
                await self.done(booking, customer, way, number)
        with clock.freeze(clock.at(monday + timedelta(days=7), NOON_MINUTE)):
            await charges.release_held_payouts(self.db)
            await close_unreviewed(self.db)
            await self.paid_out()

    async def booked(self, customer, day: date, way: str):
        booking = await a_hold(
            self.db, customer, self.service, clock.at(day, NOON_MINUTE), professional_id=self.ravi.id
        )  # fmt: skip
        code = "WELCOME50" if way == "coupon" else ""
        buyer = Buyer(customer.id, has_visits)
        split = await quote_payment(self.db, buyer, booking.price, coupon_code=code, use_credit=way == "credit")
        await claim_payment(self.db, buyer, booking.id, split)
        booking.pay(customer, "after" if way == "after" else split.covered_by or "card")
        if way != "after" and split.rest:
            await charges.authorise(self.db, booking.id, customer.id, split.rest, "booking", AUTHORISED, split)
        elif way != "after":
            await charges.promise(self.db, booking.id, customer.id, split)
        await keep_reservation(self.db, booking.id)
        await self.db.flush()
        return await accept(self.db, self.ravi, booking.reference, self.encryption)

    async def done(self, booking, customer, way: str, number: int) -> None:
        booking.start(self.ravi, booking.live_code("start"), self.encryption)
        await self.db.flush()
        by_clock = way == "automatic"
        code = None if by_clock else booking.live_code("finish")
        await complete_booking(self.db, booking, PLATFORM if by_clock else self.ravi, code, self.encryption)
        await issue_documents(self.db)
        for due in charges.due_charges(await Charges(self.db).of_booking(booking.id)):
            await charges.settle(self.db, due, AUTHORISED)
        if number % 3 == 0:
            tip = await ask_tip(self.db, booking, 50_00, state=booking.state, closed_at=None)
            await pay_tip(self.db, booking, customer, tip, AUTHORISED)
        if number % 4 == 1:
            borne_by = self.dice.choice(list(BorneBy))
            amount, as_credit = self.dice.randrange(1_00, 90_00), number % 8 == 1
            await refund_booking(
                self.db, booking, self.meena, amount, borne_by=borne_by, reason="It drips.", as_credit=as_credit
            )
            await issue_documents(self.db)

    async def paid_out(self) -> None:
        if not await make_weekly_run(self.db):
            return
        query = "SELECT run_id FROM payouts WHERE state = 'pending' ORDER BY id DESC LIMIT 1"
        run_id = await self.db.scalar(text(query))
        match self.dice.choice(("paid", "paid", "failed", "pending")):
            case "paid":
                await mark_paid(self.db, self.meena, run_id, self.ravi.id, f"UTR{run_id}")
            case "failed":
                await mark_failed(self.db, self.meena, run_id, self.ravi.id, "The account is closed.")


@pytest.mark.slow
async def test_a_year_of_generated_weeks_breaks_no_rule(db, app_encryption):
    year, this_monday = Year(db, app_encryption), clock.today() - timedelta(days=clock.today().weekday())
    first = this_monday - timedelta(weeks=WEEK_COUNT)
    await year.set(first)
    for number in range(WEEK_COUNT):
        monday = first + timedelta(weeks=number)
        if number == WEEK_COUNT // 2:
            await year.turn_tax_on(monday)
        if number == WEEK_COUNT * 3 // 4:
            db.add(TaxIdentity(user_id=year.ravi.id, gstin="33AAAAA0000A1Z9", business_name="Ravi Plumbing"))
        await year.week(number, monday)
    counts = "SELECT count(DISTINCT form), count(*) FROM (SELECT content ->> 'form' AS form FROM invoices) i"
    assert (await db.execute(text(counts))).one()[0] >= 3
    assert await db.scalar(text("SELECT count(DISTINCT state) FROM payouts")) == 3
    assert await db.scalar(text("SELECT count(*) FROM payout_runs")) > WEEK_COUNT // 2
    assert await find_violations(db) == []
