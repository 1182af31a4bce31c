"""Signed receipts of handovers, and the public keys that verify them."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

TABLES = ("receipt_keys", "handover_receipts")


def upgrade() -> None:
    op.create_table(
        "receipt_keys",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("first_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(public_key) = 32", name="receipt_keys_public_key_check"),
        sa.PrimaryKeyConstraint("id", name="receipt_keys_pkey"),
        sa.UniqueConstraint("key_id", name="receipt_keys_key_id_key"),
    )
    op.create_table(
        "handover_receipts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("booking_id", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(digest) = 16", name="handover_receipts_digest_check"),
        sa.CheckConstraint(r"receipt ~ '^[\w-]+\.[\w-]+\.[\w-]{86}$'", name="handover_receipts_receipt_check"),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name="handover_receipts_booking_id_fkey"),
        sa.ForeignKeyConstraint(["key_id"], ["receipt_keys.key_id"], name="handover_receipts_key_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="handover_receipts_pkey"),
        sa.UniqueConstraint("booking_id", name="handover_receipts_booking_id_key"),
        sa.UniqueConstraint("digest", name="handover_receipts_digest_key"),
    )
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
