"""Programs have tokens of their own kind."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("kind", sa.Text(), server_default="browser", nullable=False))
    op.create_check_constraint("sessions_kind_check", "sessions", "kind IN ('browser', 'token')")


def downgrade() -> None:
    op.drop_constraint("sessions_kind_check", "sessions", type_="check")
    op.drop_column("sessions", "kind")
