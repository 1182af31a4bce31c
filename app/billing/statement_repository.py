"""Statements of professionals by ISO week in Asia/Kolkata, read from the ledger.

Every entry of a person's earnings, payout_held, tips and payouts belongs to the week of its transaction's time. The
balance is what is owed: earnings, held or not, and tips; a payout leaves it when it is on its way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.sql import fetch_value, rows
from app.payments.ledger import WITHHOLDING_KINDS
from app.payments.repository import LINE_KEY

OWED_ACCOUNTS = ("earnings", "payout_held", "tips")
STATEMENT_ACCOUNTS = (*OWED_ACCOUNTS, "payouts")
OWED, OWN = (f"({', '.join(map(repr, accounts))})" for accounts in (OWED_ACCOUNTS, STATEMENT_ACCOUNTS))
MOVES_ONLY = "('payout_free', 'payout', 'payout_paid', 'payout_failed')"  # of what was earned before
IST = f"'{clock.IST}'"

LINES = f"""
    WITH own AS MATERIALIZED (
        SELECT DISTINCT e.transaction_id FROM ledger_entries e WHERE e.person_id = $1 AND e.account IN {OWN}
    )
    SELECT min(t.id), t.at, min(t.kind), b.reference, b.service_name,
           coalesce(-sum(e.amount) FILTER (WHERE e.person_id = $1 AND e.account IN ('earnings', 'payout_held')), 0)
               ::bigint,
           coalesce(-sum(e.amount) FILTER (WHERE e.person_id = $1 AND e.account = 'tips'), 0)::bigint,
           coalesce(-sum(e.amount) FILTER (WHERE e.person_id = $1 AND e.account = 'payouts'), 0)::bigint,
           coalesce(-sum(e.amount) FILTER (WHERE e.account = 'commission'), 0)::bigint,
           coalesce(-sum(e.amount) FILTER (WHERE e.account IN ('tax_collected', 'tax_withheld')), 0)::bigint,
           coalesce(-sum(e.amount) FILTER (WHERE e.account = 'tax'), 0)::bigint,
           p.state, p.reference, a.masked
      FROM own JOIN ledger_transactions t ON t.id = own.transaction_id
      JOIN ledger_entries e ON e.transaction_id = t.id
      LEFT JOIN bookings b ON b.id = t.booking_id
      LEFT JOIN payouts p ON p.transaction_id = t.id
      LEFT JOIN bank_accounts a ON a.id = p.bank_account_id
     WHERE t.at >= $2 AND t.at < $3
     GROUP BY {LINE_KEY}, b.reference, b.service_name, p.state, p.reference, a.masked
     ORDER BY t.at, min(t.id)
"""
BALANCE = f"""
    SELECT coalesce(-sum(e.amount), 0)::bigint
      FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
     WHERE e.person_id = $1 AND e.account IN {OWED} AND t.at < $2
"""
EARNED_BY = f"""
    SELECT date_trunc($4, t.at AT TIME ZONE {IST})::date, coalesce(-sum(e.amount), 0)::bigint
      FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
     WHERE e.person_id = $1 AND e.account IN {OWED} AND t.kind NOT IN {MOVES_ONLY} AND t.at >= $2 AND t.at < $3
     GROUP BY 1 ORDER BY 1
"""
WEEKS = f"""
    SELECT date_trunc('week', t.at AT TIME ZONE {IST})::date,
           coalesce(-sum(e.amount) FILTER (WHERE e.account IN {OWED} AND t.kind NOT IN {MOVES_ONLY}), 0)::bigint,
           coalesce(-sum(e.amount) FILTER (WHERE e.account = 'payouts' AND t.kind = 'payout'), 0)::bigint
      FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
     WHERE e.person_id = $1 AND e.account IN {OWN} AND t.at < $2
     GROUP BY 1 ORDER BY 1 DESC LIMIT $3
"""


@dataclass(frozen=True, slots=True)
class StatementLine:
    """What was done at one moment, in paise.

    `earning` and `tip` are the professional's, `payout` is on its way since then.
    """

    transaction_id: int
    at: datetime
    kind: str
    reference: str | None
    service: str | None
    earning: int
    tip: int
    payout: int
    commission: int
    withheld: int
    tax: int
    payout_state: str | None
    payout_reference: str | None
    account: str | None

    @property
    def gross(self) -> int:
        """What the customer paid or owes for it, or got back, without a tip."""
        if self.is_move or self.kind in WITHHOLDING_KINDS:
            return 0
        return self.earning + self.commission + self.withheld + self.tax

    @property
    def price(self) -> int:
        return 0 if self.kind == "fee" else self.gross

    @property
    def fee(self) -> int:
        return self.gross if self.kind == "fee" else 0

    @property
    def is_move(self) -> bool:
        """Whether it moves what was earned before: the end of a hold, or a payout."""
        return self.kind in ("payout_free", "payout", "payout_paid", "payout_failed")

    @property
    def net(self) -> int:
        """What the balance grows by."""
        return self.earning + self.tip


@dataclass(frozen=True, slots=True)
class Statement:
    """`opening` and `closing` are what is owed before and after the week."""

    week: str
    first: date
    opening: int
    lines: Sequence[StatementLine]

    @property
    def last(self) -> date:
        return self.first + timedelta(days=6)

    @property
    def closing(self) -> int:
        return self.opening + sum(line.net for line in self.lines)

    @property
    def earned(self) -> int:
        """Earnings and tips of the week."""
        return sum(line.net for line in self.lines if not line.is_move)

    @property
    def paid_out(self) -> int:
        """What was sent in the week, less what came back because a payout failed."""
        return -sum(line.net for line in self.lines if line.is_move)

    @property
    def is_over(self) -> bool:
        return self.last < clock.today()

    def total(self, column: str) -> int:
        return sum(getattr(line, column) for line in self.lines)


@dataclass(frozen=True, slots=True)
class WeekLine:
    """A week of the list."""

    first: date
    earned: int
    paid_out: int

    @property
    def last(self) -> date:
        return self.first + timedelta(days=6)

    @property
    def week(self) -> str:
        return week_name(self.first)


@dataclass(frozen=True, slots=True)
class Earned:
    """Paise earned in a week or on a day, by its first day."""

    first: date
    amount: int

    @property
    def week(self) -> str:
        return week_name(self.first)


class Statements:
    """The statements of one professional."""

    def __init__(self, db: AsyncSession, professional_id: int) -> None:
        self._db = db
        self._id = professional_id

    async def statement(self, first: date) -> Statement:
        """Of the week that begins on that Monday."""
        begin, end = clock.at(first), clock.at(first + timedelta(days=7))
        opening: int = await fetch_value(self._db, BALANCE, self._id, begin)
        lines = await rows(self._db, StatementLine, LINES, self._id, begin, end)
        return Statement(week_name(first), first, opening, lines)

    async def weeks(self, limit: int, before: date | None = None) -> list[WeekLine]:
        """Weeks in which anything happened, the latest first."""
        end = clock.at(before) if before else clock.now() + timedelta(days=1)
        return await rows(self._db, WeekLine, WEEKS, self._id, end, limit)

    async def earned_by(self, unit: str, first: date, until: date) -> list[Earned]:
        """Earnings and tips by "week" or "day" from `first` on, until the end of the day before `until`."""
        return await rows(self._db, Earned, EARNED_BY, self._id, clock.at(first), clock.at(until), unit)


def week_name(first: date) -> str:
    """ "2026-W48"."""
    year, week, _day = first.isocalendar()
    return f"{year}-W{week:02}"
