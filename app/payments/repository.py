"""Charges and the ledger, by the questions asked of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.paging import Page, after, limit_of, page_of
from app.payments.charge import Charge
from app.payments.ledger import LedgerEntry, LedgerTransaction

OURS = ("earnings", "payout_held")
PAYOUTS = 7003  # the advisory lock of letting payouts go; 7001 and 7002 are app.bookings.repository's


@dataclass(frozen=True, slots=True)
class EarningsLine:
    """What one ledger transaction brought a professional: paise, negative when taken back. `held`: paid out later."""

    transaction_id: int
    booking_id: int
    kind: str
    at: datetime
    amount: int
    held: bool


@dataclass(frozen=True, slots=True)
class Split:
    """How the paise of a charge were shared."""

    earnings: int
    commission: int
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
        """All that was ever asked for it, oldest first."""
        asked = select(Charge).where(Charge.booking_id == booking_id).order_by(Charge.id)
        return (await self.db.scalars(asked)).all()

    async def in_state(self, booking_id: int, *states: str) -> Sequence[Charge]:
        """Row-locked, oldest first."""
        asked = select(Charge).where(Charge.booking_id == booking_id, Charge.state.in_(states)).order_by(Charge.id)
        return (await self.db.scalars(asked.with_for_update())).all()

    async def give_up_codes(self, booking_ids: Collection[int], now: datetime) -> None:
        """What waits for a code waits no longer, and was never paid."""
        waiting = update(Charge).where(Charge.booking_id.in_(booking_ids), Charge.state == "needs_code")
        await self.db.execute(waiting.values(state="declined", updated_at=now))

    async def instrument_of(self, booking_id: int) -> Charge | None:
        """The charge by whose card or UPI the booking was paid, whatever became of it; None: pay after the work."""
        paid = Charge.state.in_(("authorised", "captured", "released", "refunded"))
        asked = select(Charge).where(Charge.booking_id == booking_id, Charge.purpose == "booking", paid)
        return (await self.db.scalars(asked.order_by(Charge.id.desc()).limit(1))).first()

    async def oldest_due(self, customer_id: int, before: datetime) -> Charge | None:
        asked = select(Charge).where(
            Charge.customer_id == customer_id, Charge.state == "due", Charge.created_at < before
        )
        return (await self.db.scalars(asked.order_by(Charge.id).limit(1))).first()

    async def split_of(self, charge_id: int) -> Split:
        """What the charge brought the professional and us when it was captured or became due."""
        asked = (
            select(LedgerEntry.account, LedgerEntry.person_id, LedgerEntry.amount)
            .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
            .where(
                LedgerTransaction.charge_id == charge_id,
                LedgerTransaction.kind.in_(("capture", "receivable", "fee")),
                LedgerEntry.account.in_((*OURS, "commission")),
            )
        )
        rows = {account: (person_id, -amount) for account, person_id, amount in await self.db.execute(asked)}
        person_id, earned = rows.get("payout_held") or rows.get("earnings") or (None, 0)
        return Split(earned, rows.get("commission", (None, 0))[1], person_id)

    async def held_payouts(self, before: datetime) -> list[HeldPayout]:
        """Earnings held since before then and not let go yet. Until the end of the transaction nobody else asks."""
        await self.db.execute(select(func.pg_advisory_xact_lock(PAYOUTS, 0)))
        asked = (
            select(LedgerTransaction.booking_id, LedgerEntry.person_id, func.sum(LedgerEntry.amount))
            .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
            .where(LedgerEntry.account == "payout_held")
            .group_by(LedgerTransaction.booking_id, LedgerEntry.person_id)
            .having(func.sum(LedgerEntry.amount) < 0, func.min(LedgerTransaction.at) <= before)
        )
        rows = await self.db.execute(asked)
        return [HeldPayout(booking_id, person_id, -int(held)) for booking_id, person_id, held in rows if person_id]

    async def earnings_of(self, person_id: int, cursor: str | None, limit: int | None = None) -> Page[EarningsLine]:
        """A professional's lines, newest first, from the cursor on; a payout let go is no new earning."""
        most, last = limit_of(limit), after(cursor, int)
        asked = (
            select(
                LedgerTransaction.id,
                LedgerTransaction.booking_id,
                LedgerTransaction.kind,
                LedgerTransaction.at,
                -func.sum(LedgerEntry.amount).cast(BigInteger),
                func.bool_or(LedgerEntry.account == "payout_held"),
            )
            .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
            .where(
                LedgerEntry.person_id == person_id,
                LedgerEntry.account.in_(OURS),
                LedgerTransaction.kind != "payout_free",
            )
            .group_by(LedgerTransaction.id)
            .order_by(LedgerTransaction.id.desc())
            .limit(most + 1)
        )
        if last is not None:
            asked = asked.where(LedgerTransaction.id < last[0])
        rows = [
            EarningsLine(row[0], row[1], row[2], row[3], int(row[4]), row[5]) for row in await self.db.execute(asked)
        ]
        return page_of(rows, most, lambda line: [line.transaction_id])

    async def earned_between(self, person_id: int, since: datetime, until: datetime) -> int:
        """Paise, both accounts together."""
        asked = (
            select(func.coalesce(func.sum(LedgerEntry.amount), 0))
            .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
            .where(
                LedgerEntry.person_id == person_id,
                LedgerEntry.account.in_(OURS),
                LedgerTransaction.at >= since,
                LedgerTransaction.at < until,
            )
        )
        return -int((await self.db.execute(asked)).scalar_one())

    async def balances_of(self, person_id: int) -> tuple[int, int]:
        """(paise to pay out, paise held for seven days)."""
        asked = (
            select(LedgerEntry.account, func.sum(LedgerEntry.amount))
            .where(LedgerEntry.person_id == person_id, LedgerEntry.account.in_(OURS))
            .group_by(LedgerEntry.account)
        )
        sums = {account: -int(total) for account, total in await self.db.execute(asked)}
        return sums.get("earnings", 0), sums.get("payout_held", 0)

    async def earned_by_booking(self, person_id: int, bookings: Sequence[int]) -> dict[int, int]:
        """Paise that each of these bookings brought a professional."""
        asked = (
            select(LedgerTransaction.booking_id, -func.sum(LedgerEntry.amount))
            .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
            .where(
                LedgerEntry.person_id == person_id,
                LedgerEntry.account.in_(OURS),
                LedgerTransaction.booking_id.in_(bookings),
            )
            .group_by(LedgerTransaction.booking_id)
        )
        return {booking_id: int(earned) for booking_id, earned in await self.db.execute(asked)}
