"""Queries of payouts: what is owed to whom and may be paid out, runs and their payouts.

What is owed until a day is all credits until its end less all debits until now, so that it is never above the balance.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.user import User
from app.billing.bank_account import BankAccount
from app.billing.ledger_day import NOT_COUNTED, OWED_ACCOUNTS, OWED_SUMS
from app.billing.payout import MIN_PAYOUT, Payout, PayoutRun, PayoutState
from app.core.errors import Missing
from app.core.paging import (
    PAGE_SIZE,
    AnyRow,
    CountedPage,
    Page,
    Query,
    Sort,
    clamp_limit,
    decode_cursor,
    fetch_page,
    page_of,
)
from app.core.sql import fetch, rows

# What is owed now: to everyone, as it was counted and since then; or to some, by the index of their entries.
OWED_TO_ALL = f"""
    fresh AS (
        SELECT e.person_id, {OWED_SUMS}
          FROM ledger_entries e
         WHERE {NOT_COUNTED} AND e.account IN {OWED_ACCOUNTS} AND e.person_id IS NOT NULL GROUP BY e.person_id
    ), owed AS (
        SELECT b.professional_id AS person_id, sum(b.earnings)::bigint AS earnings, sum(b.tips)::bigint AS tips,
               sum(b.on_hold)::bigint AS on_hold
          FROM (SELECT professional_id, earnings, tips, on_hold FROM earnings_balances
                 WHERE earnings <> 0 OR tips <> 0 OR on_hold <> 0
                 UNION ALL SELECT person_id, earnings, tips, on_hold FROM fresh) b
         GROUP BY b.professional_id
    )"""
OWED_TO_SOME = f"""
    owed AS (
        SELECT e.person_id, {OWED_SUMS}
          FROM ledger_entries e
         WHERE e.account IN {OWED_ACCOUNTS} AND e.person_id = ANY($3::bigint[]) GROUP BY e.person_id
    )"""
# $1 is the end of the day, null for this moment; $2 is now.
LINES = f"""
    WITH {{owed}}, newer AS (
        SELECT e.person_id,
               coalesce(-sum(e.amount) FILTER (WHERE e.account = 'earnings'), 0)::bigint AS earnings,
               coalesce(-sum(e.amount) FILTER (WHERE e.account = 'tips'), 0)::bigint AS tips
          FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id
         WHERE t.at >= $1 AND e.account IN ('earnings', 'tips') AND e.amount < 0 AND e.person_id IS NOT NULL
         GROUP BY e.person_id
    ), due AS (
        SELECT o.person_id, o.earnings - coalesce(n.earnings, 0) AS earnings, o.tips - coalesce(n.tips, 0) AS tips,
               o.on_hold
          FROM owed o LEFT JOIN newer n ON n.person_id = o.person_id
    ), lines AS (
        SELECT d.person_id, d.earnings, d.tips, d.on_hold, a.id AS account_id, a.masked,
               CASE WHEN d.earnings + d.tips < {MIN_PAYOUT} THEN 'small'
                    WHEN g.id IS NOT NULL THEN 'left'
                    WHEN k.id IS NOT NULL THEN 'blocked'
                    WHEN a.id IS NULL THEN 'account'
                    WHEN a.effective_at > $2 THEN 'changed' END AS reason
          FROM due d
          LEFT JOIN users g ON g.id = d.person_id AND g.deleted_at IS NOT NULL
          LEFT JOIN blocks k ON k.user_id = d.person_id AND k.lifted_at IS NULL
          LEFT JOIN bank_accounts a ON a.professional_id = d.person_id AND a.ended_at IS NULL
         WHERE d.earnings <> 0 OR d.tips <> 0 OR d.on_hold <> 0
    )
"""
NAMED = """
    SELECT l.person_id, u.full_name, l.earnings, l.tips, l.on_hold, l.account_id, l.masked, l.reason
      FROM {lines} l JOIN users u ON u.id = l.person_id ORDER BY l.person_id
"""
DUE_TO_ALL = LINES.format(owed=OWED_TO_ALL) + NAMED.format(lines="lines")
DUE_TO_SOME = LINES.format(owed=OWED_TO_SOME) + NAMED.format(lines="lines")
# $3: the professional before the page; $4: held or payable, null for both; $5: how many.
DUE_PAGE = LINES.format(owed=OWED_TO_ALL) + NAMED.format(
    lines="(SELECT * FROM lines WHERE person_id > $3 AND ($4::bool IS NULL OR (reason IS NOT NULL) = $4)"
    " ORDER BY person_id LIMIT $5)"
)
DUE_TOTALS = (
    LINES.format(owed=OWED_TO_ALL)
    + """
    SELECT count(*) FILTER (WHERE reason IS NULL),
           coalesce(sum(earnings + tips) FILTER (WHERE reason IS NULL), 0)::bigint,
           count(*) FILTER (WHERE reason IS NOT NULL),
           coalesce(sum(earnings + tips) FILTER (WHERE reason IS NOT NULL), 0)::bigint,
           coalesce(sum(on_hold), 0)::bigint
      FROM lines
"""
)
LOCK_PEOPLE = "SELECT FROM users WHERE id = ANY($1) ORDER BY id FOR KEY SHARE"


@dataclass(frozen=True, slots=True)
class Due:
    """What is owed to a professional, in paise, and why it cannot be paid out: small, left, blocked, account, changed.

    `on_hold`: earnings on hold for seven days, which are not due yet.
    """

    professional_id: int
    name: str
    earnings: int
    tips: int
    on_hold: int
    account_id: int | None
    masked: str | None
    reason: str | None

    @property
    def amount(self) -> int:
        return self.earnings + self.tips


@dataclass(frozen=True, slots=True)
class DueTotals:
    """How many professionals can be paid now and how many paise, how many cannot, and what is on hold of all."""

    people: int
    amount: int
    held_people: int
    held_amount: int
    on_hold: int


class Payouts:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def due(self, before: datetime | None, now: datetime, people: Collection[int] | None = None) -> list[Due]:
        """What was owed to everyone, or to these, before a time, None for this moment; in the order of their ids."""
        if people is None:
            return await rows(self._db, Due, DUE_TO_ALL, before, now)
        return await rows(self._db, Due, DUE_TO_SOME, before, now, list(people))

    async def due_page(
        self, now: datetime, after: str | None, *, held: bool | None, limit: int = PAGE_SIZE
    ) -> Page[Due]:
        """What is owed now to professionals who can be paid, or cannot. Missing for a foreign cursor."""
        last = decode_cursor(after, int) or (0,)
        found = await rows(self._db, Due, DUE_PAGE, None, now, last[0], held, limit + 1)
        return page_of(found, limit, lambda line: (line.professional_id,))

    async def due_totals(self, now: datetime) -> DueTotals:
        (totals,) = await rows(self._db, DueTotals, DUE_TOTALS, None, now)
        return totals

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
        return (await self._db.execute(_select_runs().limit(limit))).all()

    async def summary(self, run_id: int) -> AnyRow:
        """A run as `runs` lists it."""
        return (await self._db.execute(_select_runs().where(PayoutRun.id == run_id))).one()

    async def of_run(self, run_id: int, after: str | None = None, limit: int | None = None) -> CountedPage:
        """The payouts of a run with the names and accounts of their professionals. Missing for a foreign cursor."""
        query, key = _select_payouts().where(Payout.run_id == run_id), Payout.professional_id
        return await fetch_page(self._db, query, key=key, sort=Sort(key, int), after=after, limit=clamp_limit(limit))

    async def recipients(self, run_id: int) -> Sequence[int]:
        """Whom a run pays, in the order of their ids."""
        query = select(Payout.professional_id).where(Payout.run_id == run_id)
        return (await self._db.scalars(query.order_by(Payout.professional_id))).all()

    async def pending_with_accounts(self, run_id: int, after: int, limit: int) -> Sequence[tuple[Payout, BankAccount]]:
        """What the bank has to do of a run, after the payout to that professional."""
        query = (
            select(Payout, BankAccount)
            .join(BankAccount, BankAccount.id == Payout.bank_account_id)
            .where(Payout.run_id == run_id, Payout.state == PayoutState.PENDING, Payout.professional_id > after)
        )
        found = await self._db.execute(query.order_by(Payout.professional_id).limit(limit))
        return [(payout, account) for payout, account in found]

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


def _select_runs() -> Query:
    return (
        select(
            PayoutRun.id,
            PayoutRun.until,
            PayoutRun.created_at,
            User.full_name.label("created_by"),
            PayoutRun.people,
            PayoutRun.amount,
            _count_in(PayoutState.PENDING).label("pending"),
            _count_in(PayoutState.FAILED).label("failed"),
        )
        .outerjoin(User, User.id == PayoutRun.created_by_id)
        .order_by(PayoutRun.until.desc())
    )


def _count_in(state: PayoutState) -> ScalarSelect[int]:
    """Of the run's payouts; an index has those that are not paid."""
    unpaid = Payout.state != PayoutState.PAID
    return select(func.count()).where(Payout.run_id == PayoutRun.id, Payout.state == state, unpaid).scalar_subquery()


def _select_payouts() -> Query:
    return (
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
    )
