"""Exclusions, by which a customer and a professional are kept from each other, and customers' favourites."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exclusions",
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("professional_id", sa.BigInteger(), nullable=False),
        sa.Column("excluded_by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("excluded_by IN ('customer', 'professional')", name="exclusions_excluded_by_check"),
        sa.ForeignKeyConstraint(["customer_id"], ["users.id"], name="exclusions_customer_id_fkey"),
        sa.ForeignKeyConstraint(["professional_id"], ["professionals.user_id"], name="exclusions_professional_id_fkey"),
        sa.PrimaryKeyConstraint("customer_id", "professional_id", "excluded_by", name="exclusions_pkey"),
    )
    op.create_index("exclusions_professional_id_idx", "exclusions", ["professional_id"])
    op.create_table(
        "favourites",
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("professional_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["users.id"], name="favourites_customer_id_fkey"),
        sa.ForeignKeyConstraint(["professional_id"], ["professionals.user_id"], name="favourites_professional_id_fkey"),
        sa.PrimaryKeyConstraint("customer_id", "professional_id", name="favourites_pkey"),
    )


def downgrade() -> None:
    op.drop_table("favourites")
    op.drop_table("exclusions")
