"""What is owed to each professional, and the sums of each account and day, counted every hour."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

EXPORT_KINDS_BEFORE = ("bookings", "customers", "professionals", "ledger", "earnings")
# As app.billing.ledger_day counts what is added later.
FILL = """
    WITH newest AS (
        SELECT e.id FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
         WHERE t.at <= now() - interval '1 hour' ORDER BY e.id DESC LIMIT 1),
    people AS (
        INSERT INTO earnings_balances (professional_id, earnings, tips, on_hold)
        SELECT person_id, coalesce(-sum(amount) FILTER (WHERE account = 'earnings'), 0),
               coalesce(-sum(amount) FILTER (WHERE account = 'tips'), 0),
               coalesce(-sum(amount) FILTER (WHERE account = 'payout_held'), 0)
          FROM ledger_entries
         WHERE id <= (SELECT id FROM newest) AND account IN ('earnings', 'tips', 'payout_held')
           AND person_id IS NOT NULL GROUP BY person_id)
    INSERT INTO ledger_days (day, account, debit, credit, counted_to)
    SELECT (t.at AT TIME ZONE 'Asia/Kolkata')::date, e.account, coalesce(sum(e.amount) FILTER (WHERE e.amount > 0), 0),
           coalesce(-sum(e.amount) FILTER (WHERE e.amount < 0), 0), (SELECT id FROM newest)
      FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
     WHERE e.id <= (SELECT id FROM newest) GROUP BY 1, 2
"""


def upgrade() -> None:
    op.create_table(
        "earnings_balances",
        sa.Column("professional_id", sa.BigInteger(), nullable=False, autoincrement=False),
        *_numbers("earnings", "tips", "on_hold"),
        sa.PrimaryKeyConstraint("professional_id", name="earnings_balances_pkey"),
        sa.ForeignKeyConstraint(["professional_id"], ["users.id"], name="earnings_balances_professional_id_fkey"),
    )
    op.create_index(
        "earnings_balances_owed_idx",
        "earnings_balances",
        ["professional_id"],
        postgresql_where=sa.text("earnings <> 0 OR tips <> 0 OR on_hold <> 0"),
    )
    op.create_table(
        "ledger_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        *_numbers("debit", "credit", "counted_to"),
        sa.PrimaryKeyConstraint("day", "account", name="ledger_days_pkey"),
        sa.CheckConstraint("debit >= 0 AND credit >= 0", name="ledger_days_amounts_check"),
    )
    op.execute(FILL)
    _export_kinds((*EXPORT_KINDS_BEFORE, "invoices"))
    for column in (sa.Column("people", sa.Integer()), sa.Column("amount", sa.BigInteger())):
        op.add_column("payout_runs", column)
    op.execute(
        "UPDATE payout_runs r SET people = p.people, amount = p.amount"
        " FROM (SELECT run_id, count(*) AS people, sum(amount) AS amount FROM payouts GROUP BY run_id) p"
        " WHERE p.run_id = r.id"
    )
    for name in ("people", "amount"):
        op.alter_column("payout_runs", name, nullable=False)
    op.create_index("payouts_unpaid_idx", "payouts", ["run_id", "state"], postgresql_where=sa.text("state <> 'paid'"))


def downgrade() -> None:
    op.execute("DELETE FROM exports WHERE kind = 'invoices'")
    _export_kinds(EXPORT_KINDS_BEFORE)
    op.drop_index("payouts_unpaid_idx", "payouts")
    for name in ("people", "amount"):
        op.drop_column("payout_runs", name)
    op.drop_table("ledger_days")
    op.drop_table("earnings_balances")


def _export_kinds(kinds: tuple[str, ...]) -> None:
    quoted = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint("exports_kind_check", "exports")
    op.create_check_constraint("exports_kind_check", "exports", f"kind IN ({quoted})")


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]
