"""What an admin may do: support, money or owner. Today's admins are owners."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("admin_right", sa.Text(), server_default="owner", nullable=False))
    op.create_check_constraint("users_admin_right_check", "users", "admin_right IN ('support', 'money', 'owner')")


def downgrade() -> None:
    op.drop_column("users", "admin_right")
