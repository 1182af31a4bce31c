"""Tips, bank accounts of professionals, payout runs; indexes for balances, periods and lines without a booking."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tips",
        _id(),
        *_numbers("booking_id", "customer_id", "professional_id", "amount"),
        sa.Column("state", sa.Text(), nullable=False),
        *_texts("method", "brand"),
        sa.Column("last4", sa.String(4), nullable=True),
        _time("created_at", nullable=False),
        _time("paid_at"),
        sa.CheckConstraint("amount BETWEEN 100 AND 200000", name="tips_amount_check"),
        sa.CheckConstraint("state IN ('unpaid', 'needs_code', 'paid')", name="tips_state_check"),
        sa.CheckConstraint("method IN ('card', 'upi')", name="tips_method_check"),
        sa.CheckConstraint("last4 ~ '^[0-9]{4}$'", name="tips_last4_check"),
        sa.CheckConstraint(
            "(state = 'paid') = (paid_at IS NOT NULL) AND (state = 'unpaid') = (method IS NULL)", name="tips_paid_check"
        ),
        _foreign("tips", "booking_id", "bookings"),
        _foreign("tips", "customer_id", "users"),
        _foreign("tips", "professional_id", "users"),
        sa.PrimaryKeyConstraint("id", name="tips_pkey"),
        sa.UniqueConstraint("booking_id", name="tips_booking_id_key"),
    )
    op.create_index("tips_customer_id_idx", "tips", ["customer_id"])
    op.create_index("tips_professional_id_idx", "tips", ["professional_id"])
    op.create_table(
        "bank_accounts",
        _id(),
        *_numbers("professional_id"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        *_texts("ifsc"),
        sa.Column("encrypted_number", sa.LargeBinary(), nullable=True),
        sa.Column("masked", sa.Text(), nullable=False),
        _time("set_at", nullable=False),
        _time("effective_at", nullable=False),
        _time("ended_at"),
        sa.CheckConstraint(
            "kind IN ('bank', 'upi') AND (encrypted_number IS NULL OR (kind = 'bank') = (ifsc IS NOT NULL))",
            name="bank_accounts_kind_check",
        ),
        sa.CheckConstraint("ifsc ~ '^[A-Z]{4}0[A-Z0-9]{6}$'", name="bank_accounts_ifsc_check"),
        sa.CheckConstraint("length(masked) <= 40", name="bank_accounts_masked_check"),
        sa.CheckConstraint("encrypted_number IS NOT NULL OR ended_at IS NOT NULL", name="bank_accounts_number_check"),
        sa.CheckConstraint("effective_at >= set_at AND ended_at >= set_at", name="bank_accounts_times_check"),
        _foreign("bank_accounts", "professional_id", "users"),
        sa.PrimaryKeyConstraint("id", name="bank_accounts_pkey"),
    )
    current = sa.text("ended_at IS NULL")
    op.create_index(
        "bank_accounts_current_key", "bank_accounts", ["professional_id"], unique=True, postgresql_where=current
    )
    op.create_index("bank_accounts_professional_id_idx", "bank_accounts", ["professional_id", "id"])
    op.create_table(
        "payout_runs",
        _id(),
        sa.Column("until", sa.Date(), nullable=False),
        _time("created_at", nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column("event_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("event_head", sa.LargeBinary(), nullable=True),
        _foreign("payout_runs", "created_by_id", "users"),
        sa.PrimaryKeyConstraint("id", name="payout_runs_pkey"),
        sa.UniqueConstraint("until", name="payout_runs_until_key"),
    )
    op.create_table(
        "payouts",
        _id(),
        *_numbers("run_id", "professional_id", "bank_account_id", "amount", "earnings", "tips"),
        sa.Column("state", sa.Text(), nullable=False),
        *_numbers("transaction_id"),
        *_texts("reference", "reason"),
        _time("decided_at"),
        sa.Column("decided_by_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("amount = earnings + tips AND amount >= 100", name="payouts_amount_check"),
        sa.CheckConstraint("state IN ('pending', 'paid', 'failed')", name="payouts_state_check"),
        sa.CheckConstraint(
            "(state = 'pending') = (decided_at IS NULL) AND (decided_at IS NULL) = (decided_by_id IS NULL)"
            " AND (state = 'paid') = (reference IS NOT NULL) AND (state = 'failed') = (reason IS NOT NULL)",
            name="payouts_decided_check",
        ),
        sa.CheckConstraint("length(reference) BETWEEN 1 AND 60", name="payouts_reference_check"),
        sa.CheckConstraint("length(reason) BETWEEN 1 AND 1000", name="payouts_reason_check"),
        _foreign("payouts", "run_id", "payout_runs"),
        _foreign("payouts", "professional_id", "users"),
        _foreign("payouts", "bank_account_id", "bank_accounts"),
        _foreign("payouts", "transaction_id", "ledger_transactions"),
        _foreign("payouts", "decided_by_id", "users"),
        sa.PrimaryKeyConstraint("id", name="payouts_pkey"),
        sa.UniqueConstraint("run_id", "professional_id", name="payouts_run_key"),
        sa.UniqueConstraint("transaction_id", name="payouts_transaction_id_key"),
    )
    op.create_index("payouts_professional_id_idx", "payouts", ["professional_id", "id"])
    op.create_index(
        "payouts_pending_idx", "payouts", ["bank_account_id"], postgresql_where=sa.text("state = 'pending'")
    )
    # With the amounts in it, a balance reads the index alone.
    op.drop_index("ledger_entries_person_id_idx", "ledger_entries")
    op.create_index(
        "ledger_entries_person_id_idx", "ledger_entries", ["person_id", "account"], postgresql_include=["amount"]
    )
    op.create_index("ledger_transactions_at_idx", "ledger_transactions", ["at"], postgresql_using="brin")
    op.create_index(
        "ledger_transactions_without_booking_idx",
        "ledger_transactions",
        ["at", "id"],
        postgresql_where=sa.text("booking_id IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ledger_transactions_without_booking_idx", "ledger_transactions")
    op.drop_index("ledger_transactions_at_idx", "ledger_transactions")
    op.drop_index("ledger_entries_person_id_idx", "ledger_entries")
    op.create_index("ledger_entries_person_id_idx", "ledger_entries", ["person_id", "account"])
    for table in ("payouts", "payout_runs", "bank_accounts", "tips"):
        op.drop_table(table)


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=True) for name in names]


def _time(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _foreign(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"{table}_{column}_fkey")
