"""On the way: when the professional is expected, and how often they said that it gets later."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("bookings", sa.Column("eta_from", sa.DateTime(timezone=True), nullable=True))
    op.add_column("bookings", sa.Column("eta_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("bookings", sa.Column("late_count", sa.SmallInteger(), server_default="0", nullable=False))
    op.create_check_constraint(
        "bookings_eta_check",
        "bookings",
        "eta_until >= eta_from + interval '15 minutes' OR eta_from IS NULL AND eta_until IS NULL",
    )
    op.create_check_constraint("bookings_late_count_check", "bookings", "late_count BETWEEN 0 AND 2")


def downgrade() -> None:
    op.drop_constraint("bookings_late_count_check", "bookings", type_="check")
    op.drop_constraint("bookings_eta_check", "bookings", type_="check")
    for column in ("late_count", "eta_until", "eta_from"):
        op.drop_column("bookings", column)
