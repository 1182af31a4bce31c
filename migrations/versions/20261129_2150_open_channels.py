"""A new channel needs no migration; scheduled tasks are known by their standard names."""

from collections.abc import Mapping

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

CHANNEL_NAME = "channel ~ '^[a-z][a-z_]*(:[0-9]+)?$'"
SCHEDULED_TASKS = {
    "lapse_holds": "expire_holds",
    "give_up_unfilled": "cancel_unfilled_bookings",
    "ask_the_others": "end_priority_offers",
    "complete_left_running": "complete_overdue_jobs",
    "free_payouts": "release_payouts",
    "remind_in_the_evening": "send_evening_reminders",
    "remind_before_jobs": "send_job_reminders",
}


def upgrade() -> None:
    _replace_check("outbox", "outbox_channel_check", CHANNEL_NAME)
    _replace_check("muted_topics", "muted_topics_channel_check", CHANNEL_NAME)
    _rename_scheduled_tasks(SCHEDULED_TASKS)


def downgrade() -> None:
    _rename_scheduled_tasks({new: old for old, new in SCHEDULED_TASKS.items()})
    _replace_check("muted_topics", "muted_topics_channel_check", "channel IN ('inbox', 'email', 'chat')")
    _replace_check("outbox", "outbox_channel_check", "channel IN ('email', 'chat') OR channel LIKE 'webhook:%'")


def _replace_check(table: str, name: str, condition: str) -> None:
    op.drop_constraint(name, table, type_="check")
    op.create_check_constraint(name, table, condition)


def _rename_scheduled_tasks(names: Mapping[str, str]) -> None:
    for old, new in names.items():
        op.execute(f"UPDATE schedule_runs SET name = '{new}' WHERE name = '{old}'")
