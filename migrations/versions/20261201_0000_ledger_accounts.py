"""Accounts of the ledger for tips, credit, coupons, taxes, payouts and the guarantee; money that is no booking's."""

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

ACCOUNTS_BEFORE = ("hold", "hold_contra", "gateway", "receivable", "earnings", "payout_held", "commission")
ACCOUNTS = (
    *ACCOUNTS_BEFORE,
    *("tips", "payouts", "customer_funds", "credit", "coupons", "guarantee"),
    *("tax", "tax_collected", "tax_withheld", "chargebacks", "gateway_fees"),
)
KINDS_BEFORE = ("authorise", "capture", "release", "fee", "refund", "receivable", "settle", "payout_free")
KINDS = (
    *KINDS_BEFORE,
    *("tip", "redo", "credit", "credit_use", "credit_return", "payout", "payout_paid", "payout_failed"),
)
WITHOUT_BOOKING = ("credit", "payout", "payout_paid", "payout_failed")
# A tip is all the professional's: it is no revenue.
UPDATE_BOOKING_TOTALS = """
CREATE OR REPLACE FUNCTION update_booking_totals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE bookings b SET commission = b.commission + s.commission, revenue = b.revenue + s.revenue{charged}
      FROM (SELECT t.booking_id, coalesce(-sum(a.amount) FILTER (WHERE a.account = 'commission'), 0) AS commission,
                   coalesce(sum(a.amount) FILTER (WHERE {revenue}), 0) AS revenue,
                   bool_or(a.account NOT IN ('hold', 'hold_contra')) AS is_charged
              FROM added a JOIN ledger_transactions t ON t.id = a.transaction_id GROUP BY 1) s
     WHERE b.id = s.booking_id AND (s.commission <> 0 OR s.revenue <> 0 OR s.is_charged AND NOT b.is_charged);
    RETURN NULL;
END $$
"""
CHARGED = ", is_charged = b.is_charged OR s.is_charged"
REVENUE_BEFORE = "a.account IN ('gateway', 'receivable')"
REVENUE = f"{REVENUE_BEFORE} AND t.kind <> 'tip'"


def upgrade() -> None:
    _check("ledger_entries", "account", ACCOUNTS)
    _check("ledger_transactions", "kind", KINDS)
    op.alter_column("ledger_transactions", "booking_id", nullable=True)
    op.create_check_constraint(
        "ledger_transactions_booking_check",
        "ledger_transactions",
        f"booking_id IS NOT NULL OR kind IN ({_quoted(WITHOUT_BOOKING)})",
    )
    op.execute(UPDATE_BOOKING_TOTALS.format(charged=CHARGED, revenue=REVENUE))


def downgrade() -> None:
    op.execute(UPDATE_BOOKING_TOTALS.format(charged=CHARGED, revenue=REVENUE_BEFORE))
    op.drop_constraint("ledger_transactions_booking_check", "ledger_transactions")
    op.alter_column("ledger_transactions", "booking_id", nullable=False)
    _check("ledger_transactions", "kind", KINDS_BEFORE)
    _check("ledger_entries", "account", ACCOUNTS_BEFORE)


def _check(table: str, column: str, values: tuple[str, ...]) -> None:
    name = f"{table}_{column}_check"
    op.drop_constraint(name, table)
    op.create_check_constraint(name, table, f"{column} IN ({_quoted(values)})")


def _quoted(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value}'" for value in values)
