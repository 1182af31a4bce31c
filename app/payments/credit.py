"""A customer's credit: what Doorstep owes them for later bookings, never negative (W37).

`credit_balances` is what the ledger's account `credit` says of each customer, maintained by a trigger.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.core.orm import NaturalKeyBase
from app.core.sql import fetch_value, rows
from app.payments.ledger import Line, new_transaction

MAX_LINES = 100
BALANCE = "SELECT balance FROM credit_balances WHERE customer_id = $1"
# The other side of the entry says why: gateway is money that became credit, guarantee an apology, coupons a referral.
LINES = """
    SELECT t.kind,
           CASE t.kind WHEN 'credit' THEN (
               SELECT o.account FROM ledger_entries o
                WHERE o.transaction_id = t.id AND o.account <> 'credit' LIMIT 1) END,
           -e.amount, t.at, t.booking_id
      FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
     WHERE e.person_id = $1 AND e.account = 'credit'
     ORDER BY t.id DESC LIMIT $2
"""


class CreditBalance(NaturalKeyBase):
    """Paise of a customer's credit."""

    __tablename__ = "credit_balances"
    __table_args__ = (CheckConstraint("balance >= 0", name="credit_balances_balance_check"),)
    customer_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"), primary_key=True, autoincrement=False)
    balance: Mapped[int]


@dataclass(frozen=True, slots=True)
class CreditAdded:
    """Paise that one booking added to its customer's credit: given by Doorstep, and refunded when it was cancelled."""

    given: int
    refunded: int


@dataclass(frozen=True, slots=True)
class CreditLine:
    """One change of a customer's credit, in paise; `source` is where added credit comes from."""

    kind: str
    source: str | None
    amount: int
    at: datetime
    booking_id: int | None


async def credit_balance(db: AsyncSession, customer_id: int, *, lock: bool = False) -> int:
    """Paise; with `lock`, payments with the same credit wait until the end of the transaction."""
    return await fetch_value(db, BALANCE + " FOR UPDATE" if lock else BALANCE, customer_id) or 0


async def credit_lines(db: AsyncSession, customer_id: int) -> Sequence[CreditLine]:
    """The last hundred changes, newest first."""
    return await rows(db, CreditLine, LINES, customer_id, MAX_LINES)


async def grant_credit(db: AsyncSession, booking_id: int, account: str, amounts: dict[int, int]) -> None:
    """Add paise to the credit of each customer at the cost of `account`; one grant per booking."""
    lines: list[Line] = [(account, None, sum(amounts.values()))]
    lines += [("credit", customer_id, -amount) for customer_id, amount in sorted(amounts.items())]
    db.add(new_transaction("credit", booking_id, None, lines))
    await db.flush()
