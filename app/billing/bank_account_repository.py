"""Queries of bank accounts. The caller of what writes holds the lock of the owner's row."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.user import User
from app.billing.bank_account import BankAccount
from app.billing.payout import Payout, PayoutState
from app.core.personal_data import ERASED_TEXT

MAX_HISTORY = 20


class BankAccounts:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def current(self, professional_id: int) -> BankAccount | None:
        """The account in force, whether or not it counts yet."""
        query = select(BankAccount).where(
            BankAccount.professional_id == professional_id, BankAccount.ended_at.is_(None)
        )
        found: BankAccount | None = await self._db.scalar(query)
        return found

    async def history(self, professional_id: int) -> Sequence[BankAccount]:
        """The latest accounts, newest first."""
        query = select(BankAccount).where(BankAccount.professional_id == professional_id)
        return (await self._db.scalars(query.order_by(BankAccount.id.desc()).limit(MAX_HISTORY))).all()

    async def replace(self, account: BankAccount, now: datetime) -> None:
        """Put the account in place of the one in force."""
        own = update(BankAccount).where(BankAccount.professional_id == account.professional_id)
        await self._db.execute(own.where(BankAccount.ended_at.is_(None)).values(ended_at=now))
        self._db.add(account)
        await self._db.flush()
        await self.erase_unused(account.professional_id)

    async def erase_unused(self, professional_id: int) -> None:
        """Erase the numbers of earlier accounts to which no payout is in progress; all of them once the owner left."""
        pending = exists().where(Payout.bank_account_id == BankAccount.id, Payout.state == PayoutState.PENDING)
        ended = BankAccount.professional_id == professional_id, BankAccount.ended_at.is_not(None)
        await self._db.execute(update(BankAccount).where(*ended, ~pending).values(encrypted_number=None))
        left = exists().where(User.id == professional_id, User.deleted_at.is_not(None))
        erased = {"holder": ERASED_TEXT, "masked": ERASED_TEXT, "ifsc": None}
        await self._db.execute(update(BankAccount).where(*ended, ~pending, left).values(erased))
