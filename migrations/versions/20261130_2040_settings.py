"""What admins set at /admin/settings; it wins over the environment."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "settings",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by_id", sa.BigInteger(), nullable=False),
        sa.Column("event_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("event_head", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "name IN ('support_email', 'support_phone', 'support_whatsapp',"
            " 'grievance_name', 'grievance_email', 'grievance_hours')",
            name="settings_name_check",
        ),
        sa.CheckConstraint(
            "length(value) <= 254"
            " AND (name NOT IN ('support_phone', 'support_whatsapp') OR value ~ '^([+]91[0-9]{8,12})?$')"
            " AND (name NOT IN ('support_email', 'grievance_email') OR value ~ '^([^@ ]+@[^@ ]+)?$')",
            name="settings_value_check",
        ),
        sa.ForeignKeyConstraint(["changed_by_id"], ["users.id"], name="settings_changed_by_id_fkey"),
        sa.PrimaryKeyConstraint("name", name="settings_pkey"),
    )


def downgrade() -> None:
    op.drop_table("settings")
