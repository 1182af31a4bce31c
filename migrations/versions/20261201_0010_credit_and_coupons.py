"""Coupons, credit that is never negative, referrals; refunds as credit."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

METHODS_BEFORE = ("card", "upi", "after")
METHODS = (*METHODS_BEFORE, "credit", "coupon")
LIVE = "state IN ('needs_code', 'authorised', 'captured', 'due', 'paid')"
PROMISED = "state IN ('needs_code', 'authorised', 'captured')"
# Revenue: what customers pay for work, by their bank or with credit. A tip is the professional's; a coupon is ours.
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
REVENUE_BEFORE = "a.account IN ('gateway', 'receivable') AND t.kind <> 'tip'"
REVENUE = (
    "a.account IN ('gateway', 'receivable') AND t.kind NOT IN ('tip', 'credit')"
    " OR a.account = 'customer_funds' AND t.kind IN ('capture', 'fee') OR a.account = 'credit' AND t.kind = 'refund'"
)
# In the transaction of the entries: of two payments with the same credit, the second waits and then fails.
UPDATE_CREDIT = """
CREATE FUNCTION update_credit_balances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM added WHERE account = 'credit') THEN
        INSERT INTO credit_balances (customer_id, balance)
             SELECT DISTINCT person_id, 0 FROM added WHERE account = 'credit' ORDER BY person_id
        ON CONFLICT DO NOTHING;
        PERFORM 1 FROM credit_balances WHERE customer_id IN (SELECT person_id FROM added WHERE account = 'credit')
          ORDER BY customer_id FOR UPDATE;
        UPDATE credit_balances b SET balance = b.balance - s.amount
          FROM (SELECT person_id, sum(amount) AS amount FROM added WHERE account = 'credit' GROUP BY person_id) s
         WHERE b.customer_id = s.person_id;
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.add_column("charges", sa.Column("coupon", sa.Text(), nullable=True))
    op.add_column("charges", sa.Column("masked_id", sa.Text(), nullable=True))
    op.create_check_constraint("charges_masked_id_check", "charges", "masked_id ~ '^[^@]{1,2}…@[a-z0-9]{2,31}$'")
    op.create_check_constraint("charges_coupon_check", "charges", "(method = 'coupon') = (coupon IS NOT NULL)")
    _methods("charges", "method", METHODS)
    _methods("bookings", "payment", METHODS)
    op.drop_index("charges_live_key", "charges")
    op.create_index(
        "charges_live_key",
        "charges",
        ["booking_id"],
        unique=True,
        postgresql_where=sa.text(f"purpose = 'booking' AND method NOT IN ('credit', 'coupon') AND {LIVE}"),
    )
    op.create_index(
        "charges_live_credit_key",
        "charges",
        ["booking_id", "method"],
        unique=True,
        postgresql_where=sa.text(f"method IN ('credit', 'coupon') AND {PROMISED}"),
    )
    op.add_column("refunds", sa.Column("as_credit", sa.Boolean(), server_default="false", nullable=False))
    _create_coupons()
    _create_referrals()
    op.create_table(
        "credit_balances",
        sa.Column("customer_id", sa.BigInteger(), sa.ForeignKey("users.id", name="credit_balances_customer_id_fkey"),
                  nullable=False, autoincrement=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name="credit_balances_pkey"),
        sa.CheckConstraint("balance >= 0", name="credit_balances_balance_check"),
    )  # fmt: skip
    op.execute(UPDATE_CREDIT)
    op.execute(
        "CREATE TRIGGER ledger_entries_credit AFTER INSERT ON ledger_entries"
        " REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION update_credit_balances()"
    )
    op.execute(UPDATE_BOOKING_TOTALS.format(charged=CHARGED, revenue=REVENUE))
    # Referral and apology: one of each booking; a refund as credit belongs to a charge.
    op.create_index(
        "ledger_transactions_granted_key",
        "ledger_transactions",
        ["booking_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'credit' AND charge_id IS NULL AND booking_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ledger_transactions_granted_key", "ledger_transactions")
    op.execute(UPDATE_BOOKING_TOTALS.format(charged=CHARGED, revenue=REVENUE_BEFORE))
    op.execute("DROP TRIGGER ledger_entries_credit ON ledger_entries")
    op.execute("DROP FUNCTION update_credit_balances()")
    for table in ("credit_balances", "referrals", "coupon_uses", "coupons"):
        op.drop_table(table)
    op.drop_column("refunds", "as_credit")
    op.drop_index("charges_live_credit_key", "charges")
    op.drop_index("charges_live_key", "charges")
    op.create_index(
        "charges_live_key", "charges", ["booking_id"], unique=True,
        postgresql_where=sa.text(f"purpose = 'booking' AND {LIVE}"),
    )  # fmt: skip
    _methods("bookings", "payment", METHODS_BEFORE)
    _methods("charges", "method", METHODS_BEFORE)
    op.drop_column("charges", "masked_id")
    op.drop_column("charges", "coupon")


def _create_coupons() -> None:
    op.create_table(
        "coupons",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("cap", sa.BigInteger(), nullable=True),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("until_day", sa.Date(), nullable=True),
        sa.Column("per_person", sa.Integer(), nullable=True),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("first_visit", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("used", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), sa.ForeignKey("users.id", name="coupons_created_by_id_fkey"),
                  nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("event_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("event_head", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="coupons_pkey"),
        sa.UniqueConstraint("code", name="coupons_code_key"),
        sa.CheckConstraint("code ~ '^[A-Z0-9]{3,20}$'", name="coupons_code_check"),
        sa.CheckConstraint("kind IN ('amount', 'percent')", name="coupons_kind_check"),
        sa.CheckConstraint("value > 0 AND (kind = 'amount' OR value <= 100)", name="coupons_value_check"),
        sa.CheckConstraint("cap IS NULL OR cap > 0 AND kind = 'percent'", name="coupons_cap_check"),
        sa.CheckConstraint("until_day >= from_day", name="coupons_until_day_check"),
        sa.CheckConstraint("per_person > 0", name="coupons_per_person_check"),
        sa.CheckConstraint("total > 0", name="coupons_total_check"),
        sa.CheckConstraint("used >= 0 AND (total IS NULL OR used <= total)", name="coupons_used_check"),
    )  # fmt: skip
    op.create_table(
        "coupon_uses",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("coupon_id", sa.BigInteger(), sa.ForeignKey("coupons.id", name="coupon_uses_coupon_id_fkey"),
                  nullable=False),
        sa.Column("booking_id", sa.BigInteger(), sa.ForeignKey("bookings.id", name="coupon_uses_booking_id_fkey"),
                  nullable=False),
        sa.Column("customer_id", sa.BigInteger(), sa.ForeignKey("users.id", name="coupon_uses_customer_id_fkey"),
                  nullable=False),
        sa.Column("nth", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("freed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="coupon_uses_pkey"),
        sa.CheckConstraint("amount > 0", name="coupon_uses_amount_check"),
        sa.CheckConstraint("nth > 0", name="coupon_uses_nth_check"),
        sa.CheckConstraint("freed_at >= used_at", name="coupon_uses_freed_at_check"),
    )  # fmt: skip
    op.create_index(
        "coupon_uses_nth_key", "coupon_uses", ["coupon_id", "customer_id", "nth"], unique=True,
        postgresql_where=sa.text("freed_at IS NULL"),
    )  # fmt: skip
    op.create_index(
        "coupon_uses_booking_id_key", "coupon_uses", ["booking_id"], unique=True,
        postgresql_where=sa.text("freed_at IS NULL"),
    )  # fmt: skip
    op.create_index("coupon_uses_customer_id_idx", "coupon_uses", ["customer_id"])


def _create_referrals() -> None:
    op.create_table(
        "referrals",
        sa.Column("friend_id", sa.BigInteger(), sa.ForeignKey("users.id", name="referrals_friend_id_fkey"),
                  nullable=False, autoincrement=False),
        sa.Column("inviter_id", sa.BigInteger(), sa.ForeignKey("users.id", name="referrals_inviter_id_fkey"),
                  nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("friend_id", name="referrals_pkey"),
        sa.CheckConstraint("friend_id <> inviter_id", name="referrals_inviter_id_check"),
        sa.CheckConstraint("outcome IN ('granted', 'phone', 'address', 'method', 'closed')",
                           name="referrals_outcome_check"),
        sa.CheckConstraint("(outcome IS NULL) = (decided_at IS NULL)", name="referrals_decided_check"),
    )  # fmt: skip
    op.create_index("referrals_inviter_id_idx", "referrals", ["inviter_id"])


def _methods(table: str, column: str, values: tuple[str, ...]) -> None:
    quoted = ", ".join(f"'{value}'" for value in values)
    op.drop_constraint(f"{table}_{column}_check", table)
    op.create_check_constraint(f"{table}_{column}_check", table, f"{column} IN ({quoted})")
