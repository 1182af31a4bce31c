"""What the ledger adds up to, counted every hour: by account and day, and what is owed to each professional.

Both are of the entries up to the same id, so whoever adds the few entries since has the exact sums of this moment.
"""

from datetime import date, datetime, timedelta

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Index, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.orm import NaturalKeyBase
from app.core.sql import execute

# An entry that is written at the same moment may have a smaller id than one that is already visible: only ids older
# than any transaction are counted for good.
SETTLING_TIME = timedelta(hours=1)
MAX_COUNTED_ENTRIES = 500_000  # by one statement
# The columns of EarningsBalance, of entries of these accounts.
OWED_ACCOUNTS = "('earnings', 'tips', 'payout_held')"
OWED_SUMS = """coalesce(-sum(e.amount) FILTER (WHERE e.account = 'earnings'), 0)::bigint AS earnings,
               coalesce(-sum(e.amount) FILTER (WHERE e.account = 'tips'), 0)::bigint AS tips,
               coalesce(-sum(e.amount) FILTER (WHERE e.account = 'payout_held'), 0)::bigint AS on_hold"""
COUNTED_TO = "SELECT coalesce(max(counted_to), 0) FROM ledger_days"
# With both ends of the ids the planner expects few entries.
NOT_COUNTED = f"e.id > ({COUNTED_TO}) AND e.id <= (SELECT max(id) FROM ledger_entries)"
COUNT_NEW = f"""
    WITH newest AS (
        SELECT least(n.id, ({COUNTED_TO}) + {MAX_COUNTED_ENTRIES}) AS id FROM (
            SELECT e.id FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
             WHERE t.at <= $1 ORDER BY e.id DESC LIMIT 1) n),
    added AS MATERIALIZED (
        SELECT e.account, e.person_id, e.amount, (t.at AT TIME ZONE 'Asia/Kolkata')::date AS day
          FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
         WHERE e.id > ({COUNTED_TO}) AND e.id <= (SELECT id FROM newest)),
    people AS (
        INSERT INTO earnings_balances AS b (professional_id, earnings, tips, on_hold)
        SELECT e.person_id, {OWED_SUMS}
          FROM added e WHERE e.account IN {OWED_ACCOUNTS} AND e.person_id IS NOT NULL
         GROUP BY e.person_id ORDER BY e.person_id
            ON CONFLICT (professional_id) DO UPDATE
           SET earnings = b.earnings + excluded.earnings, tips = b.tips + excluded.tips,
               on_hold = b.on_hold + excluded.on_hold)
    INSERT INTO ledger_days AS d (day, account, debit, credit, counted_to)
    SELECT e.day, e.account, coalesce(sum(e.amount) FILTER (WHERE e.amount > 0), 0),
           coalesce(-sum(e.amount) FILTER (WHERE e.amount < 0), 0), (SELECT id FROM newest)
      FROM added e GROUP BY e.day, e.account
        ON CONFLICT (day, account) DO UPDATE
       SET debit = d.debit + excluded.debit, credit = d.credit + excluded.credit, counted_to = excluded.counted_to
"""


class LedgerDay(NaturalKeyBase):
    """Paise of all debits and credits of an account in a day of Asia/Kolkata.

    Of the entries up to the id that is the largest `counted_to` of all rows.
    """

    __tablename__ = "ledger_days"
    __table_args__ = (CheckConstraint("debit >= 0 AND credit >= 0", name="ledger_days_amounts_check"),)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    account: Mapped[str] = mapped_column(primary_key=True)
    debit: Mapped[int] = mapped_column(BigInteger)
    credit: Mapped[int] = mapped_column(BigInteger)
    counted_to: Mapped[int] = mapped_column(BigInteger)


class EarningsBalance(NaturalKeyBase):
    """Paise that are owed to a professional, of the entries that are counted; `on_hold` is not due yet."""

    __tablename__ = "earnings_balances"
    __table_args__ = (
        Index(
            "earnings_balances_owed_idx",
            "professional_id",
            postgresql_where=text("earnings <> 0 OR tips <> 0 OR on_hold <> 0"),
        ),
    )
    professional_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("users.id"), primary_key=True, autoincrement=False
    )
    earnings: Mapped[int] = mapped_column(BigInteger)
    tips: Mapped[int] = mapped_column(BigInteger)
    on_hold: Mapped[int] = mapped_column(BigInteger)


async def count_new_entries(db: AsyncSession, until: datetime | None = None) -> int:
    """Count the entries since the last call, at most 500,000; return for how many accounts and days there were any."""
    await execute(db, "LOCK TABLE ledger_days IN SHARE ROW EXCLUSIVE MODE")
    return await execute(db, COUNT_NEW, until or clock.now() - SETTLING_TIME)
