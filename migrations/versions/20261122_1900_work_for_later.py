"""Work that happens later: the timetable's memory, notices, what people do not want to hear, exports, monthly reports."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "channel_states",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("counted_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wait_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("failures >= 0", name=op.f("channel_states_failures_check")),
        sa.PrimaryKeyConstraint("channel", name=op.f("channel_states_pkey")),
    )
    op.create_table(
        "schedule_runs",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tick", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("handed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("running_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("finished_at IS NULL OR failed_at IS NULL", name=op.f("schedule_runs_one_end_check")),
        sa.PrimaryKeyConstraint("name", "tick", name=op.f("schedule_runs_pkey")),
    )
    op.create_index(
        "schedule_runs_open_idx",
        "schedule_runs",
        ["tick"],
        unique=False,
        postgresql_where=sa.text("finished_at IS NULL AND failed_at IS NULL"),
    )
    op.create_table(
        "task_failures",
        sa.Column(
            "id",
            sa.BigInteger(),
            sa.Identity(always=False, start=1, increment=1),
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("ids", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_as", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("task_failures_pkey")),
    )
    op.create_index(
        "task_failures_open_idx", "task_failures", ["id"], unique=False, postgresql_where=sa.text("settled_at IS NULL")
    )
    op.create_table(
        "exports",
        sa.Column(
            "id",
            sa.BigInteger(),
            sa.Identity(always=False, start=1, increment=1),
            nullable=False,
        ),
        sa.Column("reference", sa.String(length=8), nullable=False),
        sa.Column("by_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("filters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("bom", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("rows_total", sa.BigInteger(), nullable=True),
        sa.Column("rows_done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("stored_as", sa.Text(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("event_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("event_head", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "(state = 'ready') <= (stored_as IS NOT NULL AND ready_at IS NOT NULL AND expires_at IS NOT NULL)",
            name=op.f("exports_ready_check"),
        ),
        sa.CheckConstraint(
            "kind IN ('bookings', 'customers', 'professionals', 'ledger', 'earnings')", name=op.f("exports_kind_check")
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'ready', 'failed', 'expired', 'discarded')",
            name=op.f("exports_state_check"),
        ),
        sa.CheckConstraint(
            "rows_done >= 0 AND (rows_total IS NULL OR rows_total >= 0)", name=op.f("exports_rows_check")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name=op.f("exports_by_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("exports_pkey")),
        sa.UniqueConstraint("reference", name=op.f("exports_reference_key")),
        sa.UniqueConstraint("stored_as", name=op.f("exports_stored_as_key")),
    )
    op.create_index("exports_by_id_idx", "exports", ["by_id", "id"], unique=False)
    op.create_index(
        "exports_open_idx", "exports", ["id"], unique=False, postgresql_where=sa.text("state IN ('queued', 'running')")
    )
    op.create_table(
        "monthly_reports",
        sa.Column(
            "id",
            sa.BigInteger(),
            sa.Identity(always=False, start=1, increment=1),
            nullable=False,
        ),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("extract(day FROM month) = 1", name=op.f("monthly_reports_month_check")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("monthly_reports_user_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("monthly_reports_pkey")),
        sa.UniqueConstraint("user_id", "month", name="monthly_reports_month_key"),
    )
    op.create_table(
        "muted",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.CheckConstraint("channel IN ('inbox', 'email', 'chat')", name=op.f("muted_channel_check")),
        sa.CheckConstraint("topic IN ('bookings', 'reminders', 'reports', 'reviews')", name=op.f("muted_topic_check")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("muted_user_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "topic", "channel", name=op.f("muted_pkey")),
    )
    op.create_table(
        "notices",
        sa.Column(
            "id",
            sa.BigInteger(),
            sa.Identity(always=False, start=1, increment=1),
            nullable=False,
        ),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("notices_user_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("notices_pkey")),
        sa.UniqueConstraint("dedupe_key", name=op.f("notices_dedupe_key_key")),
    )
    op.create_index(
        "notices_unread_idx", "notices", ["user_id"], unique=False, postgresql_where=sa.text("read_at IS NULL")
    )
    op.create_index("notices_user_idx", "notices", ["user_id", "id"], unique=False)
    op.create_table(
        "quiet_hours",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.SmallInteger(), nullable=False),
        sa.Column("until", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint(
            "since BETWEEN 0 AND 1439 AND until BETWEEN 0 AND 1439 AND since <> until",
            name=op.f("quiet_hours_span_check"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("quiet_hours_user_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("quiet_hours_pkey")),
    )
    op.add_column("outbox", sa.Column("channel", sa.Text(), server_default="email", nullable=False))
    op.add_column("outbox", sa.Column("lane", sa.SmallInteger(), server_default="1", nullable=False))
    op.create_check_constraint("outbox_channel_check", "outbox", "channel IN ('email', 'chat')")
    op.create_check_constraint("outbox_lane_check", "outbox", "lane BETWEEN 0 AND 2")
    due_outbox(["channel", "lane", "due_at"])


def due_outbox(columns: list[str]) -> None:
    """The order in which what waits is taken."""
    op.drop_index("outbox_due_idx", table_name="outbox")
    waits = sa.text("sent_at IS NULL AND parked_at IS NULL")
    op.create_index("outbox_due_idx", "outbox", columns, postgresql_where=waits)


def downgrade() -> None:
    due_outbox(["due_at"])
    op.drop_constraint("outbox_lane_check", "outbox", type_="check")
    op.drop_constraint("outbox_channel_check", "outbox", type_="check")
    for column in ("lane", "channel"):
        op.drop_column("outbox", column)
    later = "quiet_hours notices muted monthly_reports exports task_failures schedule_runs channel_states"
    for table in later.split():
        op.drop_table(table)
