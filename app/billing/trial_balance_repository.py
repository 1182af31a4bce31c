"""The trial balance: debit, credit and balance of every account of the ledger, which sum to zero."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.ledger_day import NOT_COUNTED
from app.core import clock
from app.core.sql import rows
from app.payments.ledger import ACCOUNTS

# What was counted, and the few entries since; $1 is the last day, $2 its end.
SUMS = f"""
    SELECT account, sum(debit)::bigint, sum(credit)::bigint FROM (
        SELECT account, debit, credit FROM ledger_days WHERE $1::date IS NULL OR day <= $1
         UNION ALL
        SELECT e.account, greatest(e.amount, 0), greatest(-e.amount, 0)
          FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
         WHERE {NOT_COUNTED} AND ($2::timestamptz IS NULL OR t.at < $2)
    ) counted GROUP BY account
"""


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
    end = None if until is None else clock.at(until + timedelta(days=1))
    accounts = await rows(db, AccountBalance, SUMS, until, end)
    return TrialBalance(until, sorted(accounts, key=lambda account: ACCOUNTS.index(account.account)))
