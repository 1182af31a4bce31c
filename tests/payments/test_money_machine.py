"""All verbs of money in any order, on a real database: after each step every paisa is somewhere, and only there.

Two bookings of one customer, done by one professional, with and without tax: paid by bank, coupon and credit, now or
after the job; extra work, fees, refunds to the method and as credit, tips, withheld and held payouts, payout runs.
"""

from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from app.accounts.tax_identity import TaxIdentity
from app.billing.payout import MIN_PAYOUT, Payout, PayoutState
from app.billing.payouts import make_run, mark_failed, mark_paid
from app.bookings.extra import Extra, ExtraState
from app.bookings.moves import State
from app.check.invariants import MONEY_INVARIANTS
from app.check.invoices import INVOICE_INVARIANTS
from app.check.payouts import PAYOUT_INVARIANTS
from app.check.promotions import PROMOTION_INVARIANTS
from app.core import clock
from app.core.errors import Invalid, Refused
from app.invoices.issuing import issue_documents
from app.payments import charges
from app.payments.charge import COUPON, CREDIT, ChargeState
from app.payments.credit import credit_balance, grant_credit
from app.payments.guarantee import pay_redo
from app.payments.refund import BorneBy, Refund, RefundState
from app.payments.refunds import confirm_refund, refund_booking
from app.payments.repository import Charges
from app.payments.split import PaymentSplit
from app.payments.tax_repository import find_tax_rule
from app.payments.tips import ask_tip, pay_tip
from app.payments.withholding_repository import lock_held_payouts, withhold_payout
from app.promotions.coupon import CouponKind
from app.promotions.coupons import CouponTerms, create_coupon
from app.promotions.discounts import Buyer, claim_payment, free_coupon, quote_payment
from tests.billing.money import an_account
from tests.factories import a_customer, a_professional, a_request, a_service, a_start, an_admin
from tests.invoices.conftest import turn_tax_on
from tests.payments.test_charges import AUTHORISED, NEEDS_CODE

INVARIANTS = (*MONEY_INVARIANTS, *PROMOTION_INVARIANTS, *INVOICE_INVARIANTS, *PAYOUT_INVARIANTS)
PRICE_PAISE, COUPON_PAISE = 149_00, 50_00
REASON = "The tap drips again."
DONE_STATES = (State.COMPLETED, State.CLOSED)
ENDED_CHARGES = (ChargeState.CAPTURED, ChargeState.RELEASED, ChargeState.REFUNDED)
TAXES = ("off", "9(5)", "registered", "52")
SUMS = """
    SELECT e.account, t.kind, t.charge_id IS NULL AS free, e.person_id, sum(e.amount)::bigint
      FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
     WHERE t.booking_id = :id GROUP BY 1, 2, 3, 4
"""
OWN = """
    SELECT e.account, t.kind, sum(e.amount)::bigint
      FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
     WHERE e.person_id = :id GROUP BY 1, 2
"""
UNBALANCED = "SELECT transaction_id FROM ledger_entries GROUP BY 1 HAVING sum(amount) <> 0 OR count(*) < 2"
EARNED = ("earnings", "payout_held")
SHARED = (*EARNED, "commission", "tax", "tax_collected", "tax_withheld")


async def no_visits() -> bool:
    return False


async def is_refused(act) -> bool:
    try:
        await act
    except Refused:
        return True
    return False


class World:
    """What happens to two bookings; `day` days have passed since the first step."""

    def __init__(self, db, encryption) -> None:
        self.db, self.encryption, self.day = db, encryption, 0
        self.start = clock.now()
        self.credit_added: set[int] = set()  # bookings
        self.redone: set[int] = set()

    async def set(self, tax: str, credit: int) -> None:
        db, service = self.db, await a_service(self.db)
        self.meena, self.lekha = await an_admin(db), await an_admin(db, "Lekha Nair")
        self.asha, self.ravi = await a_customer(db), await a_professional(db, services=[service])
        await a_professional(db, "Kumar Raja", services=[service])
        await an_account(db, self.encryption, self.ravi)
        if tax != "off":
            await turn_tax_on(db, "9(5)" if tax == "registered" else tax)
        if tax == "registered":
            db.add(TaxIdentity(user_id=self.ravi.id, gstin="33AAAAA0000A1Z9", business_name=""))
        terms = CouponTerms("WELCOME50", CouponKind.AMOUNT, COUPON_PAISE, None, clock.today(), None, 1, None, False)
        await create_coupon(db, self.meena, terms)
        self.bookings = [await a_request(db, self.asha, service, a_start(days)) for days in (1, 2)]
        for booking in self.bookings:
            booking.state, booking.professional_id = State.ASSIGNED, self.ravi.id
        if credit:
            await grant_credit(db, (await a_request(db, self.asha, service, a_start(3))).id, "guarantee",
                               {self.asha.id: credit})  # fmt: skip
        self.buyer = Buyer(self.asha.id, no_visits)
        self.tax = await find_tax_rule(db, service.id, self.ravi.id)
        await db.flush()

    async def play(self, move: str, which: int, flag: bool, amount: int) -> None:
        """The step; one that is refused changes nothing, as a request that is refused is rolled back."""
        with clock.freeze(self.start + timedelta(days=self.day)):
            try:
                async with self.db.begin_nested():
                    await getattr(self, move)(self.bookings[which], flag, amount)
                    await issue_documents(self.db)
            except (Invalid, Refused):
                charges.pop_posted(self.db)
                for entity in (*self.bookings, self.asha, self.ravi, self.meena, self.lekha):
                    await self.db.refresh(entity)

    async def pay(self, booking, flag, amount) -> None:
        """`flag`: the bank wants a code, or the rest is paid after the job."""
        known = await Charges(self.db).of_booking(booking.id)
        if booking.state != State.ASSIGNED or any(
            charge.purpose == "booking" and charge.state in (ChargeState.NEEDS_CODE, ChargeState.AUTHORISED)
            for charge in known
        ):
            return
        code = "WELCOME50" if amount % 3 == 0 else ""
        split = await quote_payment(self.db, self.buyer, booking.price, coupon_code=code, use_credit=amount % 2 == 0)
        if split.rest and flag and amount % 5:
            await charges.authorise(self.db, booking.id, self.asha.id, split.rest, "booking", NEEDS_CODE, split)
            return
        await claim_payment(self.db, self.buyer, booking.id, split)
        if split.rest and not flag:
            await charges.authorise(self.db, booking.id, self.asha.id, split.rest, "booking", AUTHORISED, split)
            booking.payment = "card"
        else:
            await charges.promise(self.db, booking.id, self.asha.id, split)

    async def enter_code(self, booking, flag, _amount) -> None:
        waiting = await Charges(self.db).in_state(booking.id, ChargeState.NEEDS_CODE)
        by = {charge.method: charge for charge in waiting if charge.purpose == "booking"}
        if by and not flag:
            coupon, credit = by.get(COUPON), by.get(CREDIT)
            split = PaymentSplit(
                booking.price,
                coupon.amount if coupon else 0,
                "WELCOME50" if coupon else None,
                credit.amount if credit else 0,
            )
            await claim_payment(self.db, self.buyer, booking.id, split)
            await charges.confirm(self.db, by["card"])
            booking.payment = "card"

    async def extra(self, booking, flag, amount) -> None:
        """`flag`: the extra work is paid after the job."""
        if booking.state != State.ASSIGNED:
            return
        now = clock.now()
        self.db.add(Extra(booking_id=booking.id, text="A new washer", price=amount, state=ExtraState.APPROVED,
                          proposed_at=now, answered_at=now))  # fmt: skip
        if not flag:
            await charges.authorise(self.db, booking.id, self.asha.id, amount, "extra", AUTHORISED)

    async def finish(self, booking, flag, _amount) -> None:
        if booking.state != State.ASSIGNED:
            return
        await charges.abandon_bank_codes(self.db, [booking.id])
        extras = await self.db.scalars(select(Extra.price).where(Extra.booking_id == booking.id))
        total = booking.price + sum(extras)
        await charges.capture(
            self.db, booking.id, self.asha.id, self.ravi.id, total, held_payout=flag, tax=self.tax
        )  # fmt: skip
        booking.state, booking.completed_at = State.COMPLETED, clock.now()

    async def cancel(self, booking, flag, amount) -> None:
        """`flag`: what goes back is kept as credit."""
        if booking.state != State.ASSIGNED:
            return
        await charges.abandon_bank_codes(self.db, [booking.id])
        if amount % 2:
            fee = min(amount, booking.price)
            await charges.take_fee(self.db, booking.id, self.asha.id, self.ravi.id, fee, self.tax, as_credit=flag)
        else:
            await charges.release(self.db, booking.id, as_credit=flag)
        await free_coupon(self.db, booking.id)
        booking.state, booking.cancelled_at, booking.cancelled_as = State.CANCELLED, clock.now(), "customer"

    async def move_late(self, booking, _flag, amount) -> None:
        if booking.state == State.ASSIGNED:
            fee = min(amount, booking.price)
            await charges.add_fee(self.db, booking.id, self.asha.id, self.ravi.id, fee, self.tax)

    async def pay_due(self, booking, flag, _amount) -> None:
        for due in charges.due_charges(await Charges(self.db).of_booking(booking.id))[:1]:
            await charges.settle(self.db, due, NEEDS_CODE if flag else AUTHORISED)

    async def waive(self, booking, _flag, _amount) -> None:
        for due in charges.due_charges(await Charges(self.db).of_booking(booking.id))[:1]:
            await charges.waive(self.db, due)

    async def refund(self, booking, flag, amount, borne_by=BorneBy.DOORSTEP) -> None:
        """`flag`: it is kept as credit."""
        await refund_booking(self.db, booking, self.meena, amount, borne_by=borne_by, reason=REASON, as_credit=flag)

    async def shared_refund(self, booking, flag, amount) -> None:
        await self.refund(booking, flag, amount, BorneBy.SHARES)

    async def answer_refund(self, booking, flag, _amount) -> None:
        query = select(Refund).where(Refund.booking_id == booking.id, Refund.state == RefundState.REQUESTED)
        for refund in (await self.db.scalars(query.limit(1))).all():
            await confirm_refund(self.db, booking, self.lekha, refund, yes=not flag)

    async def tip(self, booking, flag, amount) -> None:
        amount = min(amount, 2_000_00)
        tip = await ask_tip(self.db, booking, amount, state=booking.state, closed_at=None)
        await pay_tip(self.db, booking, self.asha, tip, NEEDS_CODE if flag else AUTHORISED)

    async def withhold(self, booking, flag, _amount) -> None:
        await lock_held_payouts(self.db)
        await withhold_payout(self.db, booking.id, self.ravi.id, for_redo=flag)

    async def apologise(self, booking, _flag, amount) -> None:
        if booking.id not in self.credit_added:
            await grant_credit(self.db, booking.id, "guarantee", {self.asha.id: amount})
            self.credit_added.add(booking.id)

    async def redo(self, booking, _flag, amount) -> None:
        if booking.state in DONE_STATES and booking.id not in self.redone:
            await pay_redo(self.db, booking.id, self.ravi.id, amount)
            self.redone.add(booking.id)

    async def run_payouts(self, _booking, flag, amount) -> None:
        """Days later what was owed is paid out: exactly that, and once however often it is pressed."""
        self.day += 1 + amount % 9
        with clock.freeze(self.start + timedelta(days=self.day)):
            owed = -sum((await self.own_sums("earnings", "tips")).values())
            await charges.release_held_payouts(self.db)
            until = clock.today() - timedelta(days=1)
            if owed < MIN_PAYOUT:
                assert await is_refused(make_run(self.db, self.meena, until)), owed
                return
            run = await make_run(self.db, self.meena, until)
            assert (await make_run(self.db, self.meena, until)).id == run.id
            query = select(Payout.amount).where(Payout.run_id == run.id, Payout.professional_id == self.ravi.id)
            assert (await self.db.scalars(query)).all() == [owed]
            if amount % 2:
                await self.answer_payout(None, flag, amount)

    async def answer_payout(self, _booking, flag, _amount) -> None:
        """The bank's answer to the oldest payout in progress, twice: the second is refused."""
        query = select(Payout).where(Payout.professional_id == self.ravi.id, Payout.state == PayoutState.PENDING)
        for payout in (await self.db.scalars(query.order_by(Payout.id).limit(1))).all():
            mark = mark_failed if flag else mark_paid
            await mark(self.db, self.meena, payout.run_id, self.ravi.id, "UTR1")
            for again in (mark_failed, mark_paid):
                assert await is_refused(again(self.db, self.meena, payout.run_id, self.ravi.id, "UTR2"))

    async def own_sums(self, *accounts: str) -> dict[tuple[str, str], int]:
        """Paise of the professional's accounts, by (account, kind)."""
        found = await self.db.execute(text(OWN), {"id": self.ravi.id})
        return {(account, kind): amount for account, kind, amount in found if account in accounts}

    async def check(self) -> None:
        """What holds after every step."""
        await self.db.flush()
        await self.db.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        await self.db.execute(text("SET CONSTRAINTS ALL DEFERRED"))
        assert (await self.db.execute(text(UNBALANCED))).all() == []
        for booking in self.bookings:
            await self.check_booking(booking)
        await self.check_professional()
        query = "SELECT coalesce(-sum(amount), 0) FROM ledger_entries WHERE account = 'credit' AND person_id = :id"
        balance = await credit_balance(self.db, self.asha.id)
        assert 0 <= balance == await self.db.scalar(text(query), {"id": self.asha.id})

    async def check_booking(self, booking) -> None:
        """Taken is captured and released; captured, with the tip, is shared or given back."""
        known = await Charges(self.db).of_booking(booking.id)
        entries = (await self.db.execute(text(SUMS), {"id": booking.id})).all()

        def posted(*accounts: str, without: tuple[str, ...] = ()) -> int:
            return sum(amount for account, kind, _free, _person, amount in entries
                       if account in accounts and kind not in without)  # fmt: skip

        for charge in known:
            assert 0 <= charge.refunded <= charge.captured <= charge.amount - charge.released
            if charge.state in ENDED_CHARGES and charge.method != "after":
                assert charge.captured + charge.released == charge.amount
        by_bank = [charge for charge in known if charge.method not in (CREDIT, COUPON)]
        assert posted("hold") == -posted("hold_contra") == sum(charge.held for charge in by_bank)
        assert posted("customer_funds") == -sum(charge.held for charge in known if charge.method == CREDIT)
        assert posted("coupons") == sum(charge.captured for charge in known if charge.method == COUPON)
        due = sum(charge.amount for charge in known if charge.state == ChargeState.DUE)
        assert posted("receivable") == due
        tip = await self.db.scalar(
            text("SELECT coalesce(sum(amount), 0) FROM tips WHERE booking_id = :id AND state = 'paid'"),
            {"id": booking.id},
        )
        assert posted("tips") == -tip
        kept = sum(charge.captured - charge.refunded for charge in known if charge.method != COUPON)
        added = sum(row[4] for row in entries if row[0] == "credit" and not (row[1] == "credit" and row[2]))
        assert posted("gateway", "customer_funds") + added == kept + tip
        withheld = sum(row[4] for row in entries if row[:2] == ("guarantee", "withheld"))
        assert -posted(*SHARED, without=("redo",)) - withheld == due + kept + posted("coupons")
        assert posted("payout_held") <= 0
        assert all(row[3] == self.ravi.id for row in entries if row[0] in (*EARNED, "tips"))

    async def check_professional(self) -> None:
        """What was earned is owed, on its way, or paid out."""
        own = await self.own_sums(*EARNED, "tips", "payouts")
        moves = ("payout", "payout_paid", "payout_failed")
        earned = -sum(amount for (_account, kind), amount in own.items() if kind not in moves)
        owed = -sum(amount for (account, _kind), amount in own.items() if account != "payouts")
        on_the_way = -sum(amount for (account, _kind), amount in own.items() if account == "payouts")
        query = "SELECT state, sum(amount)::bigint FROM payouts WHERE professional_id = :id GROUP BY 1"
        payouts = dict((await self.db.execute(text(query), {"id": self.ravi.id})).all())
        assert on_the_way == payouts.get("pending", 0)
        assert earned == owed + on_the_way + payouts.get("paid", 0)


VERBS = (
    *("pay", "pay", "enter_code", "extra", "finish", "finish", "cancel", "move_late", "pay_due", "waive"),
    *("refund", "shared_refund", "answer_refund", "tip", "withhold", "apologise", "redo"),
    *("run_payouts", "run_payouts", "answer_payout"),
)
AMOUNTS = st.one_of(st.integers(1_00, 300_00), st.integers(1_00, 9_000_00))
MOVES = st.tuples(st.sampled_from(VERBS), st.integers(0, 1), st.booleans(), AMOUNTS)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(tax=st.sampled_from(TAXES), credit=st.integers(0, 200_00), moves=st.lists(MOVES, min_size=3, max_size=14))
async def test_every_paisa_is_somewhere_under_any_order_of_moves(db, app_encryption, tax, credit, moves):
    try:
        world = World(db, app_encryption)
        await world.set(tax, credit)
        for move in moves:
            await world.play(*move)
            await world.check()
        for rule in INVARIANTS:
            assert (await db.scalars(text(rule.query))).all() == [], rule.name
    finally:
        db.info.clear()
        await db.rollback()
