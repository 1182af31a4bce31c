"""Queries of payouts: what is owed to whom and may be paid out, runs and their payouts.

What is owed until a day is all credits until its end less all debits until now, so that it is never above the balance.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.user import User
from app.billing.bank_account import BankAccount
from app.billing.payout import MIN_PAYOUT, Payout, PayoutRun, PayoutState
from app.core.errors import Missing
from app.core.paging import AnyRow
from app.core.sql import fetch, rows

# One pass over the index of all that is owed to people; $1 is the end of the day, $2 now.
DUE = f"""
    WITH owed AS (
        SELECT e.person_id,
               coalesce(-sum(e.amount) FILTER (WHERE e.account = 'earnings'), 0)::bigint AS earnings,
               coalesce(-sum(e.amount) FILTER (WHERE e.account = 'tips'), 0)::bigint AS tips,
               coalesce(-sum(e.amount) FILTER (WHERE e.account = 'payout_held'), 0)::bigint AS held
          FROM ledger_entries e
         WHERE e.account IN ('earnings', 'tips', 'payout_held')
           AND {{whose}}
         GROUP BY e.person_id
    ), newer AS (
        SELECT e.person_id,
               coalesce(-sum(e.amount) FILTER (WHERE e.account = 'earnings'), 0)::bigint AS earnings,
               coalesce(-sum(e.amount) FILTER (WHERE e.account = 'tips'), 0)::bigint AS tips
          FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id
         WHERE t.at >= $1 AND e.account IN ('earnings', 'tips') AND e.amount < 0 AND e.person_id IS NOT NULL
         GROUP BY e.person_id
    ), due AS (
        SELECT o.person_id, o.earnings - coalesce(n.earnings, 0) AS earnings, o.tips - coalesce(n.tips, 0) AS tips,
               o.held
          FROM owed o LEFT JOIN newer n ON n.person_id = o.person_id
    )
    SELECT d.person_id, u.full_name, d.earnings, d.tips, d.held, a.id, a.masked,
           CASE WHEN d.earnings + d.tips < {MIN_PAYOUT} THEN 'small'
                WHEN u.deleted_at IS NOT NULL THEN 'left'
                WHEN EXISTS (SELECT FROM blocks k WHERE k.user_id = u.id AND k.lifted_at IS NULL) THEN 'blocked'
                WHEN a.id IS NULL THEN 'account'
                WHEN a.effective_at > $2 THEN 'changed' END
      FROM due d
      JOIN users u ON u.id = d.person_id
      LEFT JOIN bank_accounts a ON a.professional_id = d.person_id AND a.ended_at IS NULL
     WHERE d.earnings <> 0 OR d.tips <> 0 OR d.held <> 0
     ORDER BY d.person_id
"""
LOCK_PEOPLE = "SELECT FROM users WHERE id = ANY($1) ORDER BY id FOR KEY SHARE"


@dataclass(frozen=True, slots=True)
class Due:
    """What is owed to a professional, in paise, and why it cannot be paid out: small, left, blocked, account, changed.

    `held`: earnings on hold for seven days, which are not due yet.
    """

    professional_id: int
    name: str
    earnings: int
    tips: int
    held: int
    account_id: int | None
    masked: str | None
    reason: str | None

    @property
    def amount(self) -> int:
        return self.earnings + self.tips


class Payouts:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def due(self, before: datetime, now: datetime, people: Collection[int] | None = None) -> list[Due]:
        """What was owed to everyone, or to these, before a time, in the order of their ids."""
        if people is None:
            return await rows(self._db, Due, DUE.format(whose="e.person_id IS NOT NULL"), before, now)
        query = DUE.format(whose="e.person_id = ANY($3::bigint[])")
        return await rows(self._db, Due, query, before, now, list(people))

    async def lock_people(self, people: Collection[int]) -> None:
        """Until the end of the transaction none of them changes the account, and none is deleted."""
        await fetch(self._db, LOCK_PEOPLE, list(people))

    async def run_of(self, until: date) -> PayoutRun | None:
        found: PayoutRun | None = await self._db.scalar(select(PayoutRun).where(PayoutRun.until == until))
        return found

    async def run(self, run_id: int, *, lock: bool = False) -> PayoutRun:
        """Raises Missing."""
        found = await self._db.get(PayoutRun, run_id, with_for_update=lock or None, populate_existing=lock)
        if found is None:
            raise Missing
        return found

    async def runs(self, limit: int) -> Sequence[AnyRow]:
        """The latest runs with what became of their payouts, newest first."""
        query = (
            select(
                PayoutRun.id,
                PayoutRun.until,
                PayoutRun.created_at,
                User.full_name.label("created_by"),
                func.count(Payout.id).label("people"),
                func.coalesce(func.sum(Payout.amount), 0).label("amount"),
                func.count(case((Payout.state == PayoutState.PENDING, 1))).label("pending"),
                func.count(case((Payout.state == PayoutState.FAILED, 1))).label("failed"),
            )
            .outerjoin(Payout, Payout.run_id == PayoutRun.id)
            .outerjoin(User, User.id == PayoutRun.created_by_id)
            .group_by(PayoutRun.id, User.full_name)
            .order_by(PayoutRun.until.desc())
        )
        return (await self._db.execute(query.limit(limit))).all()

    async def of_run(self, run_id: int) -> Sequence[AnyRow]:
        """The payouts of a run with the names and accounts of their professionals."""
        query = (
            select(
                Payout.id,
                Payout.professional_id,
                Payout.amount,
                Payout.earnings,
                Payout.tips,
                Payout.state,
                Payout.reference,
                Payout.reason,
                Payout.decided_at,
                User.full_name.label("name"),
                BankAccount.kind,
                BankAccount.masked,
                BankAccount.ifsc,
            )
            .join(User, User.id == Payout.professional_id)
            .join(BankAccount, BankAccount.id == Payout.bank_account_id)
            .where(Payout.run_id == run_id)
        )
        return (await self._db.execute(query.order_by(Payout.id))).all()

    async def pending_with_accounts(self, run_id: int) -> Sequence[tuple[Payout, BankAccount]]:
        """What the bank has to do of a run."""
        query = (
            select(Payout, BankAccount)
            .join(BankAccount, BankAccount.id == Payout.bank_account_id)
            .where(Payout.run_id == run_id, Payout.state == PayoutState.PENDING)
        )
        return [(payout, account) for payout, account in await self._db.execute(query.order_by(Payout.id))]

    async def locked(self, run_id: int, professional_id: int) -> Payout:
        """Raises Missing."""
        query = select(Payout).where(Payout.run_id == run_id, Payout.professional_id == professional_id)
        found = await self._db.scalar(query.with_for_update())
        if found is None:
            raise Missing
        return found

    async def on_the_way(self, professional_id: int) -> int:
        """Paise of payouts that are in progress."""
        query = select(func.coalesce(func.sum(Payout.amount), 0)).where(
            Payout.professional_id == professional_id, Payout.state == PayoutState.PENDING
        )
        return int((await self._db.execute(query)).scalar_one())

    async def own(self, professional_id: int, payout_id: int) -> AnyRow | None:
        """A payout with its account, of this professional."""
        query = (
            select(Payout.amount, Payout.state, Payout.reference, Payout.reason, BankAccount.masked)
            .join(BankAccount, BankAccount.id == Payout.bank_account_id)
            .where(Payout.id == payout_id, Payout.professional_id == professional_id)
        )
        return (await self._db.execute(query)).one_or_none()
