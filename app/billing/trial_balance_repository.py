"""The trial balance: debit, credit and balance of every account of the ledger, which sum to zero."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.sql import rows
from app.payments.ledger import ACCOUNTS

SUMS = """
    SELECT e.account, coalesce(sum(e.amount) FILTER (WHERE e.amount > 0), 0)::bigint,
           coalesce(-sum(e.amount) FILTER (WHERE e.amount < 0), 0)::bigint
      FROM ledger_entries e{transactions} GROUP BY e.account
"""
UNTIL = " JOIN ledger_transactions t ON t.id = e.transaction_id WHERE t.at < $1"


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """Paise of all debits and of all credits of an account."""

    account: str
    debit: int
    credit: int

    @property
    def balance(self) -> int:
        """Positive is a debit."""
        return self.debit - self.credit


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """Of what was posted until the end of the day `until` in Asia/Kolkata; of everything if that is None."""

    until: date | None
    accounts: Sequence[AccountBalance]

    @property
    def debit(self) -> int:
        return sum(account.debit for account in self.accounts)

    @property
    def credit(self) -> int:
        return sum(account.credit for account in self.accounts)

    @property
    def is_balanced(self) -> bool:
        return self.debit == self.credit


async def trial_balance(db: AsyncSession, until: date | None = None) -> TrialBalance:
    """Every account that has entries, in the order of the chart of accounts (docs/ledger.md)."""
    bounds = () if until is None else (clock.at(until + timedelta(days=1)),)
    accounts = await rows(db, AccountBalance, SUMS.format(transactions=UNTIL if bounds else ""), *bounds)
    return TrialBalance(until, sorted(accounts, key=lambda account: ACCOUNTS.index(account.account)))
