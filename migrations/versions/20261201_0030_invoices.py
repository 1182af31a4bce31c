"""Invoices with gapless numbers, dated tax rates, and what an invoice says about a person."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tax_identities",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("gstin", sa.Text(), server_default="", nullable=False),
        sa.Column("business_name", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "gstin ~ '^([0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][1-9A-Z]Z[0-9A-Z])?$'", name="tax_identities_gstin_check"
        ),
        sa.CheckConstraint("length(business_name) <= 120", name="tax_identities_business_name_check"),
        sa.CheckConstraint("gstin <> '' OR business_name <> ''", name="tax_identities_empty_check"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="tax_identities_user_id_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name="tax_identities_pkey"),
    )
    op.create_table(
        "tax_rates",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("supply", sa.Text(), nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("rate", sa.Integer(), nullable=False),
        sa.Column("sac", sa.String(6), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("supply IN ('service', 'commission')", name="tax_rates_supply_check"),
        sa.CheckConstraint("form IN ('off', '9(5)', '52')", name="tax_rates_form_check"),
        sa.CheckConstraint("rate BETWEEN 0 AND 4000 AND rate % 2 = 0", name="tax_rates_rate_check"),
        sa.CheckConstraint("sac ~ '^[0-9]{6}$'", name="tax_rates_sac_check"),
        sa.CheckConstraint("supply = 'service' OR category_id IS NULL", name="tax_rates_category_check"),
        sa.ForeignKeyConstraint(["category_id"], ["categories.id"], name="tax_rates_category_id_fkey"),
        sa.ForeignKeyConstraint(["created_by_id"], ["users.id"], name="tax_rates_created_by_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="tax_rates_pkey"),
    )
    op.create_index(
        "tax_rates_day_key",
        "tax_rates",
        ["supply", sa.text("coalesce(category_id, 0::bigint)"), "valid_from"],
        unique=True,
    )
    op.create_table(
        "invoice_counters",
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("year", sa.String(4), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.CheckConstraint("last > 0", name="invoice_counters_last_check"),
        sa.PrimaryKeyConstraint("series", "year", name="invoice_counters_pkey"),
    )
    _create_invoices()


def _create_invoices() -> None:
    op.create_table(
        "invoices",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("year", sa.String(4), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("booking_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("corrects_id", sa.BigInteger(), nullable=True),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("transaction_ids", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("taxable", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('invoice', 'credit_note', 'commission', 'commission_credit')", name="invoices_kind_check"
        ),
        sa.CheckConstraint("length(number) BETWEEN 1 AND 16", name="invoices_number_check"),
        sa.CheckConstraint("sequence > 0", name="invoices_sequence_check"),
        sa.CheckConstraint(
            "total > 0 AND taxable >= 0 AND tax >= 0 AND taxable + tax = total", name="invoices_sum_check"
        ),
        sa.CheckConstraint(
            "(kind IN ('credit_note', 'commission_credit')) = (corrects_id IS NOT NULL)", name="invoices_corrects_check"
        ),
        sa.CheckConstraint("transaction_ids[1] = transaction_id", name="invoices_transactions_check"),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name="invoices_booking_id_fkey"),
        sa.ForeignKeyConstraint(["person_id"], ["users.id"], name="invoices_person_id_fkey"),
        sa.ForeignKeyConstraint(["corrects_id"], ["invoices.id"], name="invoices_corrects_id_fkey"),
        sa.ForeignKeyConstraint(["transaction_id"], ["ledger_transactions.id"], name="invoices_transaction_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="invoices_pkey"),
        sa.UniqueConstraint("number", name="invoices_number_key"),
        sa.UniqueConstraint("series", "year", "sequence", name="invoices_sequence_key"),
        sa.UniqueConstraint("kind", "transaction_id", name="invoices_transaction_key"),
    )
    op.create_index("invoices_booking_id_idx", "invoices", ["booking_id"])
    op.create_index("invoices_person_id_idx", "invoices", ["person_id", "id"])
    op.create_index("invoices_issued_at_idx", "invoices", ["issued_at", "id"])
    op.execute(
        "CREATE TRIGGER invoices_append_only BEFORE UPDATE OR DELETE ON invoices"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER invoices_no_truncate BEFORE TRUNCATE ON invoices FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_table("invoices")
    op.drop_table("invoice_counters")
    op.drop_table("tax_rates")
    op.drop_table("tax_identities")
