"""Codes by email to sign in and up, each for the browser that asked for it."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sign_in_codes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("browser", sa.LargeBinary(), nullable=False),
        sa.Column("device", sa.LargeBinary(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("length(digest) = 32 AND length(browser) = 32", name="sign_in_codes_digest_check"),
        sa.CheckConstraint("attempts BETWEEN 0 AND 5", name="sign_in_codes_attempts_check"),
        sa.CheckConstraint(
            "expires_at > created_at AND expires_at <= created_at + interval '10 minutes'",
            name="sign_in_codes_expires_at_check",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="sign_in_codes_user_id_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="sign_in_codes_pkey"),
    )
    op.create_index(
        "sign_in_codes_live_key",
        "sign_in_codes",
        ["browser", "email"],
        unique=True,
        postgresql_where=sa.text("used_at IS NULL AND ended_at IS NULL"),
    )
    op.create_index("sign_in_codes_email_idx", "sign_in_codes", ["email", "created_at"])
    op.create_index("sign_in_codes_user_id_idx", "sign_in_codes", ["user_id"])
    op.create_index("sign_in_codes_created_at_idx", "sign_in_codes", ["created_at"])


def downgrade() -> None:
    op.drop_table("sign_in_codes")
