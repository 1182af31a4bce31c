"""Payouts in the town of `bench admin`, by SQL: bank accounts, what is on hold, and a year of weekly runs.

Every fiftieth professional has no account and every hundredth one of today. Each run pays what half of them earned,
so that what is due is what the others earned in two years.
"""

from datetime import timedelta

import asyncpg

from app.core import clock

WEEKLY_RUN_COUNT = 52
ACCOUNTS = """
    INSERT INTO bank_accounts (professional_id, kind, holder, encrypted_number, masked, set_at, effective_at)
    SELECT id, 'upi', full_name, 'x', '…@okbank', now() - interval '1 year',
           CASE WHEN id % 100 = 1 THEN now() + interval '12 hours' ELSE now() - interval '364 days' END
      FROM users WHERE role = 'professional' AND id % 50 <> 0
"""
# Of earnings until a day that no run took, one payout for each professional with an even id.
RUN = """
    WITH made AS (
        INSERT INTO payout_runs (until, created_at, people, amount)
        SELECT $1::date, $2::timestamptz, count(*), coalesce(sum(amount), 0)::bigint FROM to_pay RETURNING id),
    sent AS (
        INSERT INTO ledger_transactions (kind, at) SELECT 'payout', $2 FROM to_pay RETURNING id),
    paired AS (
        SELECT t.id AS transaction_id, p.* FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM sent) t
          JOIN (SELECT *, row_number() OVER (ORDER BY person_id) AS n FROM to_pay) p ON p.n = t.n),
    entries AS (
        INSERT INTO ledger_entries (transaction_id, account, person_id, amount)
        SELECT transaction_id, account, person_id, CASE account WHEN 'earnings' THEN amount ELSE -amount END
          FROM paired, unnest(ARRAY['earnings', 'payouts']) account)
    INSERT INTO payouts (run_id, professional_id, bank_account_id, amount, earnings, tips, state, transaction_id,
                         reference, decided_at, decided_by_id)
    SELECT made.id, person_id, account_id, amount, amount, 0, CASE WHEN $3 THEN 'pending' ELSE 'paid' END,
           transaction_id, CASE WHEN NOT $3 THEN 'UTR1' END, CASE WHEN NOT $3 THEN $2 END,
           CASE WHEN NOT $3 THEN (SELECT min(id) FROM users WHERE role = 'admin') END
      FROM paired, made
"""
TO_PAY = """
    CREATE TEMPORARY TABLE to_pay AS
    SELECT e.person_id, -sum(e.amount)::bigint AS amount, min(a.id) AS account_id
      FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id
      JOIN bank_accounts a ON a.professional_id = e.person_id
     WHERE t.at >= $1 AND t.at < $2 AND e.account = 'earnings' AND e.person_id % 2 = 0 GROUP BY e.person_id
    HAVING -sum(e.amount) >= 100
"""


async def add_payouts(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    await owner.execute(ACCOUNTS)
    monday = clock.today() - timedelta(days=clock.today().weekday())
    for weeks in range(WEEKLY_RUN_COUNT, 0, -1):
        until = monday - timedelta(weeks=weeks - 1, days=1)
        end = clock.at(until + timedelta(days=1))
        await owner.execute("DROP TABLE IF EXISTS to_pay")
        start = end - timedelta(weeks=1) if weeks < WEEKLY_RUN_COUNT else end - timedelta(weeks=200)
        await owner.execute(_with_times(TO_PAY, start, end))
        await owner.execute(RUN, until, end + timedelta(hours=6), weeks == 1)


def _with_times(query: str, *times: object) -> str:
    """CREATE TABLE AS takes no parameters."""
    for number, time in enumerate(times, 1):
        query = query.replace(f"${number}", f"'{time}'")
    return query
