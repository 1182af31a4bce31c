"""Queries of charges and the ledger."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import AdvisoryLock, acquire_lock
from app.core.paging import Page, clamp_limit, decode_cursor, page_of
from app.core.sql import execute, fetch_value, rows
from app.payments.charge import COUPON, CREDIT, Charge, ChargeState
from app.payments.ledger import LedgerEntry, LedgerTransaction, Line
from app.payments.pretend_bank import Instrument
from app.payments.refund import BorneBy, Refund, RefundState
from app.payments.shares import rounded_share

PAYOUT_BATCH_SIZE = 1_000  # bookings
EARNING_ACCOUNTS, TIPS = ("earnings", "payout_held"), "tips"
TAX_ACCOUNTS = ("tax", "tax_collected", "tax_withheld")
MOVED_KINDS = ("payout_free", "payout", "payout_paid", "payout_failed")  # what was earned before
OLDEST_DUE_SQL = """SELECT c.booking_id FROM charges c
    WHERE c.customer_id = {customer} AND c.state = 'due' AND c.created_at < {before} ORDER BY c.id LIMIT 1"""

ADD_AUTHORISED = """
    WITH charge AS (
        INSERT INTO charges (booking_id, customer_id, purpose, method, brand, last4, masked_id, amount, state,
                             created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $12, $7, 'authorised', $8, $8) RETURNING id
    ), posted AS (
        INSERT INTO ledger_transactions (booking_id, charge_id, kind, at)
        SELECT $1, id, 'authorise', $8 FROM charge RETURNING id
    )
    INSERT INTO ledger_entries (transaction_id, account, person_id, amount)
    SELECT posted.id, line.account, line.person_id, line.amount
      FROM posted, unnest($9::text[], $10::bigint[], $11::bigint[]) AS line (account, person_id, amount)
"""


# What was done at one moment for a booking is one line, also when a coupon, credit and a bank paid it.
LINE_KEY = """CASE WHEN t.booking_id IS NULL THEN t.id END, t.booking_id, t.refund_id, t.at,
    CASE WHEN t.kind IN ('capture', 'receivable') THEN 'job' ELSE t.kind END"""
EARNINGS = f"""
    WITH lines AS (
        SELECT min(t.id) AS id, array_agg(DISTINCT t.id) AS ids, t.booking_id, min(t.kind) AS kind, t.at,
               -sum(e.amount)::bigint AS amount, bool_or(e.account = 'payout_held') AS held
          FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
         WHERE e.person_id = $1 AND e.account IN ('earnings', 'payout_held', 'tips')
           AND t.kind NOT IN ('payout_free', 'payout', 'payout_paid', 'payout_failed')
         GROUP BY {LINE_KEY}
        HAVING $2::bigint IS NULL OR min(t.id) < $2
         ORDER BY 1 DESC LIMIT $3
    )
    SELECT l.id, l.booking_id, l.kind, l.at, l.amount, l.held, o.commission, o.tax
      FROM lines l
     CROSS JOIN LATERAL (
           SELECT coalesce(-sum(e.amount) FILTER (WHERE e.account = 'commission'), 0)::bigint AS commission,
                  coalesce(-sum(e.amount) FILTER (WHERE e.account IN ('tax', 'tax_collected', 'tax_withheld')), 0)
                      ::bigint AS tax
             FROM ledger_entries e WHERE e.transaction_id = ANY (l.ids)) o
     ORDER BY l.id DESC
"""


@dataclass(frozen=True, slots=True)
class EarningsLine:
    """What one thing that was done earned a professional: paise, negative when refunded. `held`: paid out later.

    `amount` is net of Doorstep's `commission` and of `tax`: all that the government gets of the price.
    """

    transaction_id: int
    booking_id: int
    kind: str
    at: datetime
    amount: int
    held: bool
    commission: int
    tax: int

    @property
    def price(self) -> int:
        """What the customer paid or owes for it, a coupon's part included."""
        return self.amount + self.commission + self.tax

    @property
    def is_made_good(self) -> bool:
        """Whether Doorstep pays it in place of the customer, who got it back before the job ended."""
        return self.kind == "refund" and self.amount > 0


@dataclass(frozen=True, slots=True)
class ChargeSplit:
    """How the paise of a charge were shared."""

    earnings: int
    commission: int
    professional_id: int | None
    shared_refunds: int = 0  # paise refunded pro rata before
    taxes: tuple[Line, ...] = ()  # as positive paise

    def earning_of(self, part: int, captured: int) -> int:
        """What a refund of `part` paise takes of the earnings, pro rata; all parts add up to all of them."""
        before, after = self.shared_refunds, self.shared_refunds + part
        return rounded_share(self.earnings, after, captured) - rounded_share(self.earnings, before, captured)

    def taxes_of(self, part: int, charge: Charge, *, by_doorstep: bool) -> list[Line]:
        """What a refund of `part` paise takes of the taxes, pro rata in even paise.

        `by_doorstep`: only the tax on the price, which Doorstep owes; of that, every refund takes its part.
        """
        lines: list[Line] = []
        for account, person_id, amount in self.taxes:
            of_price = account == "tax" and person_id is None
            if of_price or not by_doorstep:
                before = charge.refunded if of_price else self.shared_refunds
                unit = 2 if account == "tax" else 1
                after = rounded_share(amount // unit, before + part, charge.captured)
                taken = after - rounded_share(amount // unit, before, charge.captured)
                lines.append((account, person_id, unit * taken))
        return lines


NO_SPLIT = ChargeSplit(0, 0, None)  # Doorstep bears it all


@dataclass(frozen=True, slots=True)
class ReleasedRefund:
    """What a refund released before the job ended; `professional_id` bears it, Doorstep if it is None."""

    refund_id: int
    amount: int
    professional_id: int | None


@dataclass(frozen=True, slots=True)
class HeldPayout:
    booking_id: int
    professional_id: int
    amount: int


class Charges:
    def __init__(self, db: AsyncSession) -> None:
        self.db = db

    async def of_booking(self, booking_id: int) -> Sequence[Charge]:
        """All charges of the booking, oldest first."""
        query = select(Charge).where(Charge.booking_id == booking_id).order_by(Charge.id)
        return (await self.db.scalars(query)).all()

    async def in_state(self, booking_id: int, *states: ChargeState) -> Sequence[Charge]:
        """Row-locked, oldest first."""
        query = select(Charge).where(Charge.booking_id == booking_id, Charge.state.in_(states)).order_by(Charge.id)
        return (await self.db.scalars(query.with_for_update())).all()

    async def abandon_bank_codes(self, booking_ids: Collection[int], now: datetime) -> None:
        """Decline the charges that wait for a bank code."""
        waiting = update(Charge).where(Charge.booking_id.in_(booking_ids), Charge.state == ChargeState.NEEDS_CODE)
        await self.db.execute(waiting.values(state=ChargeState.DECLINED, updated_at=now))

    async def instrument_of(self, booking_id: int) -> Charge | None:
        """The charge by whose card or UPI the booking was paid, in any later state; None: pay after the work."""
        paid = Charge.state.in_(
            (ChargeState.AUTHORISED, ChargeState.CAPTURED, ChargeState.RELEASED, ChargeState.REFUNDED)
        )
        by_bank = Charge.method.not_in((CREDIT, COUPON))
        query = select(Charge).where(Charge.booking_id == booking_id, Charge.purpose == "booking", paid, by_bank)
        return (await self.db.scalars(query.order_by(Charge.id.desc()).limit(1))).first()

    async def discounts_of(self, booking_id: int) -> Sequence[Charge]:
        """What a coupon and credit pay, or paid, of the booking."""
        states = (ChargeState.AUTHORISED, ChargeState.CAPTURED, ChargeState.REFUNDED)
        query = select(Charge).where(
            Charge.booking_id == booking_id, Charge.method.in_((CREDIT, COUPON)), Charge.state.in_(states)
        )
        return (await self.db.scalars(query.order_by(Charge.id))).all()

    async def add_authorised(
        self,
        booking_id: int,
        customer_id: int,
        amount: int,
        purpose: str,
        by: Instrument,
        lines: Sequence[Line],
        now: datetime,
    ) -> None:
        """Write an authorised charge and its ledger transaction, in one statement."""
        charge = booking_id, customer_id, purpose, by.method, by.brand, by.last4, amount, now
        await execute(self.db, ADD_AUTHORISED, *charge, *map(list, zip(*lines, strict=True)), by.masked_id)

    async def oldest_due(self, customer_id: int, before: datetime) -> int | None:
        """The id of the booking whose payment has been due since before then, the oldest."""
        query = OLDEST_DUE_SQL.format(customer="$1", before="$2")
        booking_id: int | None = await fetch_value(self.db, query, customer_id, before)
        return booking_id

    async def split_of(self, charge: Charge) -> ChargeSplit:
        """The shares of the charge when it was captured or became due."""
        query = (
            select(LedgerEntry.account, LedgerEntry.person_id, LedgerEntry.amount)
            .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
            .where(
                LedgerTransaction.booking_id == charge.booking_id,
                LedgerTransaction.charge_id == charge.id,
                LedgerTransaction.kind.in_(("capture", "receivable", "fee")),
                LedgerEntry.account.in_((*EARNING_ACCOUNTS, "commission", *TAX_ACCOUNTS)),
            )
        )
        entries = [(account, person_id, -amount) for account, person_id, amount in await self.db.execute(query)]
        taxes = tuple(entry for entry in entries if entry[0] in TAX_ACCOUNTS)
        result_rows = {account: (person_id, amount) for account, person_id, amount in entries}
        person_id, earned = result_rows.get("payout_held") or result_rows.get("earnings") or (None, 0)
        commission = result_rows.get("commission", (None, 0))[1]
        return ChargeSplit(earned, commission, person_id, await self._shared_refunds_of(charge), taxes)

    async def _shared_refunds_of(self, charge: Charge) -> int:
        """Paise of the charge that were refunded from both shares."""
        query = (
            select(func.coalesce(-func.sum(LedgerEntry.amount), 0))
            .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
            .join(Refund, Refund.id == LedgerTransaction.refund_id)
            .where(
                LedgerTransaction.booking_id == charge.booking_id,
                LedgerTransaction.charge_id == charge.id,
                LedgerTransaction.kind == "refund",
                LedgerEntry.account.in_(("gateway", "credit")),
                Refund.borne_by == BorneBy.SHARES,
            )
        )
        return int((await self.db.execute(query)).scalar_one())

    async def released_by_refunds(self, booking_id: int) -> list[ReleasedRefund]:
        """What refunds of the booking released while it was authorised, oldest first."""
        query = select(Refund.id, Refund.released, Refund.professional_id).where(
            Refund.booking_id == booking_id, Refund.state == RefundState.DONE, Refund.released > 0
        )
        return [ReleasedRefund(*row) for row in await self.db.execute(query.order_by(Refund.id))]

    async def end_held_payouts(self, now: datetime) -> list[HeldPayout]:
        """End what is held until `now`, of at most 1,000 bookings, and return it.

        Under a lock until the end of the transaction.
        """
        await acquire_lock(self.db, AdvisoryLock.HELD_PAYOUTS)
        due = select(Charge.booking_id).where(Charge.payout_held_until <= now).order_by(Charge.payout_held_until)
        ended = (
            update(Charge)
            .where(Charge.booking_id.in_(due.limit(PAYOUT_BATCH_SIZE)), Charge.payout_held_until.is_not(None))
            .values(payout_held_until=None)
        )
        booking_ids = set(await self.db.scalars(ended.returning(Charge.booking_id)))
        query = (
            select(LedgerTransaction.booking_id, LedgerEntry.person_id, func.sum(LedgerEntry.amount))
            .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
            .where(LedgerTransaction.booking_id.in_(booking_ids), LedgerEntry.account == "payout_held")
            .group_by(LedgerTransaction.booking_id, LedgerEntry.person_id)
            .having(func.sum(LedgerEntry.amount) < 0)
            .order_by(LedgerTransaction.booking_id)
        )
        result_rows = await self.db.execute(query)
        return [
            HeldPayout(booking_id, person_id, -int(held))
            for booking_id, person_id, held in result_rows
            if booking_id and person_id
        ]

    async def earnings_of(self, person_id: int, cursor: str | None, limit: int | None = None) -> Page[EarningsLine]:
        """A professional's earnings and tips, newest first, from the cursor on; a payout is no new earning."""
        page_size, last = clamp_limit(limit), decode_cursor(cursor, int)
        found = await rows(self.db, EarningsLine, EARNINGS, person_id, last[0] if last else None, page_size + 1)
        return page_of(found, page_size, lambda line: [line.transaction_id])

    async def earned_between(self, person_id: int, since: datetime, until: datetime) -> int:
        """Paise of earnings, held or not, and tips."""
        query = (
            select(func.coalesce(func.sum(LedgerEntry.amount), 0))
            .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
            .where(
                LedgerEntry.person_id == person_id,
                LedgerEntry.account.in_((*EARNING_ACCOUNTS, TIPS)),
                LedgerTransaction.kind.not_in(MOVED_KINDS),
                LedgerTransaction.at >= since,
                LedgerTransaction.at < until,
            )
        )
        return -int((await self.db.execute(query)).scalar_one())

    async def balances_of(self, person_id: int) -> tuple[int, int]:
        """(paise of earnings and tips to pay out, paise held for seven days)."""
        query = (
            select(LedgerEntry.account, func.sum(LedgerEntry.amount))
            .where(LedgerEntry.person_id == person_id, LedgerEntry.account.in_((*EARNING_ACCOUNTS, TIPS)))
            .group_by(LedgerEntry.account)
        )
        sums = {account: -int(total) for account, total in await self.db.execute(query)}
        return sums.get("earnings", 0) + sums.get(TIPS, 0), sums.get("payout_held", 0)

    async def earned_by_booking(self, person_id: int, bookings: Sequence[int]) -> dict[int, int]:
        """Paise that each of these bookings brought a professional."""
        query = (
            select(LedgerTransaction.booking_id, -func.sum(LedgerEntry.amount))
            .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
            .where(
                LedgerEntry.person_id == person_id,
                LedgerEntry.account.in_(EARNING_ACCOUNTS),
                LedgerTransaction.booking_id.in_(bookings),
            )
            .group_by(LedgerTransaction.booking_id)
        )
        return {booking_id: int(earned) for booking_id, earned in await self.db.execute(query) if booking_id}
