"""Appeals of blocks, once a block, and how another admin decided them."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "appeals",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("block_id", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("only_admin", sa.Boolean(), server_default="false", nullable=False),
        sa.CheckConstraint("length(message) BETWEEN 1 AND 2000", name="appeals_message_check"),
        sa.CheckConstraint("outcome IN ('lift', 'keep')", name="appeals_outcome_check"),
        sa.CheckConstraint("length(reason) BETWEEN 1 AND 1000", name="appeals_reason_check"),
        sa.CheckConstraint(
            "num_nonnulls(decided_at, decided_by_id, outcome, reason) IN (0, 4)"
            " AND (decided_at IS NOT NULL OR NOT only_admin)",
            name="appeals_decided_check",
        ),
        sa.ForeignKeyConstraint(["block_id"], ["blocks.id"], name="appeals_block_id_fkey"),
        sa.ForeignKeyConstraint(["decided_by_id"], ["users.id"], name="appeals_decided_by_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="appeals_pkey"),
        sa.UniqueConstraint("block_id", name="appeals_block_id_key"),
    )
    op.create_index("appeals_created_at_idx", "appeals", ["created_at", "id"])


def downgrade() -> None:
    op.drop_table("appeals")
