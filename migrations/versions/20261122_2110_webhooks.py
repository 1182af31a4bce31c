"""Programs of the firm's hear about bookings at an address that an admin registers."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, start=1, increment=1), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("old_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("old_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("by_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("event_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("event_head", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("url LIKE 'https://%' AND length(url) <= 500", name="webhooks_url_check"),
        sa.CheckConstraint("(old_sealed IS NULL) = (old_until IS NULL)", name="webhooks_old_check"),
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name=op.f("webhooks_by_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("webhooks_pkey")),
    )
    op.create_index(
        "webhooks_living_key", "webhooks", ["url"], unique=True, postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_table(
        "webhook_tries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, start=1, increment=1), nullable=False),
        sa.Column("outbox_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("took", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["outbox_id"], ["outbox.id"], name=op.f("webhook_tries_outbox_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("webhook_tries_pkey")),
    )
    op.create_index("webhook_tries_outbox_id_idx", "webhook_tries", ["outbox_id", "id"])
    op.drop_constraint("outbox_channel_check", "outbox", type_="check")
    op.create_check_constraint(
        "outbox_channel_check", "outbox", "channel IN ('email', 'chat') OR channel LIKE 'webhook:%'"
    )


def downgrade() -> None:
    op.execute("DELETE FROM outbox WHERE channel LIKE 'webhook:%'")
    op.drop_constraint("outbox_channel_check", "outbox", type_="check")
    op.create_check_constraint("outbox_channel_check", "outbox", "channel IN ('email', 'chat')")
    op.drop_table("webhook_tries")
    op.drop_table("webhooks")
