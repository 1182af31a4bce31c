"""Payment methods that customers asked to remember."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_methods",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("brand", sa.Text(), nullable=True),
        sa.Column("last4", sa.String(4), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("masked_id", sa.Text(), nullable=True),
        sa.Column("encrypted_token", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "method = 'card' AND last4 IS NOT NULL AND expires_on IS NOT NULL AND masked_id IS NULL"
            " OR method = 'upi' AND masked_id IS NOT NULL AND brand IS NULL AND last4 IS NULL AND expires_on IS NULL",
            name="saved_methods_method_check",
        ),
        sa.CheckConstraint("last4 ~ '^[0-9]{4}$'", name="saved_methods_last4_check"),
        sa.CheckConstraint("masked_id LIKE '%…@%'", name="saved_methods_masked_id_check"),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["users.id"], name="saved_methods_customer_id_fkey", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="saved_methods_pkey"),
        sa.UniqueConstraint(
            "customer_id",
            "method",
            "brand",
            "last4",
            "masked_id",
            name="saved_methods_key",
            postgresql_nulls_not_distinct=True,
        ),
    )


def downgrade() -> None:
    op.drop_table("saved_methods")
