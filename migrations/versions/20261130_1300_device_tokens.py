"""A device that signed in to an account before is known, so that strangers' attempts do not count against its owner."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "device_tokens",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(digest) = 32", name="device_tokens_digest_check"),
        sa.CheckConstraint(
            "expires_at > last_used_at AND expires_at <= last_used_at + interval '90 days'",
            name="device_tokens_expires_at_check",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="device_tokens_user_id_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="device_tokens_pkey"),
        sa.UniqueConstraint("user_id", "digest", name="device_tokens_user_id_digest_key"),
    )
    op.create_index("device_tokens_digest_idx", "device_tokens", ["digest"])
    op.create_index("device_tokens_expires_at_idx", "device_tokens", ["expires_at"])


def downgrade() -> None:
    op.drop_table("device_tokens")
