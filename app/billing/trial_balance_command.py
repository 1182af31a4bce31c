"""`doorstep ledger`: print the trial balance."""

import asyncio

from app.billing.trial_balance_repository import TrialBalance, trial_balance
from app.core.db import Database
from app.core.money import format_decimal


def main(database: Database) -> int:
    """Print a line for each account and the sums; return 1 if debit and credit differ."""
    balance = asyncio.run(_read(database))
    for account in balance.accounts:
        print(_line(account.account, account.debit, account.credit))
    print(_line("total", balance.debit, balance.credit))
    if not balance.is_balanced:
        print("The ledger does not balance.")
    return 0 if balance.is_balanced else 1


async def _read(database: Database) -> TrialBalance:
    try:
        async with database.reading() as db:
            return await trial_balance(db)
    finally:
        await database.close()


def _line(name: str, debit: int, credit: int) -> str:
    balance = debit - credit
    sign = "-" if balance < 0 else ""
    return (
        f"{name:16} {format_decimal(debit):>16} {format_decimal(credit):>16} {sign + format_decimal(abs(balance)):>16}"
    )
