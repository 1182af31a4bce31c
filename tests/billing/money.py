"""Professionals with bank accounts and earnings, for tests of payouts."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.user import User
from app.billing.bank_account import BankAccount
from app.billing.bank_accounts import TypedAccount, change_bank_account
from app.core import clock
from app.core.encryption import Encryption
from app.payments.ledger import new_transaction

ACCOUNT = TypedAccount(holder="Ravi Kumar", number="001234567890", ifsc="SBIN0000300")
FIELDS = {"holder": "Ravi Kumar", "number": "001234567890", "ifsc": "SBIN0000300"}


async def an_account(
    db: AsyncSession, encryption: Encryption, owner: User, typed: TypedAccount = ACCOUNT, *, days_ago: int = 2
) -> BankAccount:
    """An account that counts already."""
    with clock.freeze(clock.now() - timedelta(days=days_ago)):
        return await change_bank_account(db, encryption, owner, typed)


async def earned(
    db: AsyncSession, booking_id: int, owner: User, amount: int, at: datetime, account: str = "earnings"
) -> None:
    """So many paise posted to an account of a professional, without a charge."""
    with clock.freeze(at):
        kind = "tip" if account == "tips" else "capture"
        db.add(new_transaction(kind, booking_id, None, [("gateway", None, amount), (account, owner.id, -amount)]))
    await db.flush()


async def owed(db: AsyncSession, owner: User) -> dict[str, int]:
    """Paise owed to a professional, by account."""
    query = "SELECT account, -sum(amount)::bigint FROM ledger_entries WHERE person_id = :id GROUP BY 1 ORDER BY 1"
    found: list[Any] = list(await db.execute(text(query), {"id": owner.id}))
    return {account: amount for account, amount in found if amount}
