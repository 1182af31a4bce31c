"""Whose time is taken stands in a table of its own, with the exclusion constraint that bookings had.

A booking that is over takes no time: its `reserved_for` is not kept.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

OPEN = "state IN ('held', 'requested', 'assigned', 'started')"
SPAN = "tstzrange(starts_at, ends_at + interval '10 minutes')"
RESERVE = f"""
    INSERT INTO reservations (booking_id, professional_id, span, pincode, is_committed, expires_at)
    SELECT id, reserved_for, span, pincode, state IN ('assigned', 'started'),
           CASE WHEN state = 'held' THEN held_until END
      FROM bookings WHERE {OPEN} AND reserved_for IS NOT NULL
"""
RESTORE = f"""
    UPDATE bookings b SET span = {SPAN},
           reserved_for = (SELECT professional_id FROM reservations r WHERE r.booking_id = b.id)
"""
# A lapsed hold whose time another booking has taken cannot be given it back.
LAPSED = "SELECT EXISTS (SELECT 1 FROM bookings WHERE state = 'held' AND reserved_for IS NULL)"
HELD = "state <> 'held' OR held_until IS NOT NULL"
HELD_BEFORE = "state <> 'held' OR (reserved_for IS NOT NULL AND held_until IS NOT NULL)"
ASSIGNED = "state NOT IN ('assigned', 'started') OR professional_id IS NOT NULL"
ASSIGNED_BEFORE = (
    "(state IN ('assigned', 'started')) <= (professional_id IS NOT NULL AND reserved_for IS NOT NULL"
    " AND reserved_for = professional_id)"
)


def upgrade() -> None:
    op.create_table(
        "reservations",
        sa.Column("booking_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("professional_id", sa.BigInteger(), nullable=False),
        sa.Column("span", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("pincode", sa.String(6), nullable=False),
        sa.Column("is_committed", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["booking_id"],
            ["bookings.id"],
            name=op.f("reservations_booking_id_fkey"),
            ondelete="CASCADE",
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.ForeignKeyConstraint(
            ["professional_id"], ["professionals.user_id"], name=op.f("reservations_professional_id_fkey")
        ),
        sa.ForeignKeyConstraint(["pincode"], ["pincodes.pincode"], name=op.f("reservations_pincode_fkey")),
        sa.PrimaryKeyConstraint("booking_id", name=op.f("reservations_pkey")),
    )
    op.execute(RESERVE)
    op.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table with pending checks cannot be altered
    op.create_exclude_constraint(
        "reservations_overlap_excl",
        "reservations",
        (sa.column("professional_id"), "="),
        (sa.column("span"), "&&"),
        using="gist",
    )
    op.create_index(
        "reservations_expires_idx", "reservations", ["expires_at"], postgresql_where=sa.text("expires_at IS NOT NULL")
    )
    op.drop_constraint("bookings_overlap_excl", "bookings")
    op.drop_constraint("bookings_span_check", "bookings", type_="check")
    _replace_check("bookings_held_check", HELD)
    _replace_check("bookings_assigned_check", ASSIGNED)
    op.drop_column("bookings", "span")
    op.drop_column("bookings", "reserved_for")


def downgrade() -> None:
    op.add_column("bookings", sa.Column("span", postgresql.TSTZRANGE(), nullable=True))
    op.add_column("bookings", sa.Column("reserved_for", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("bookings_reserved_for_fkey"), "bookings", "professionals", ["reserved_for"], ["user_id"]
    )
    op.execute(RESTORE)
    op.alter_column("bookings", "span", nullable=False)
    op.create_check_constraint(
        "bookings_span_check", "bookings", "lower(span) = starts_at AND upper(span) = ends_at + interval '10 minutes'"
    )
    _replace_check("bookings_held_check", HELD_BEFORE, is_valid=not op.get_bind().scalar(sa.text(LAPSED)))
    _replace_check("bookings_assigned_check", ASSIGNED_BEFORE)
    op.create_exclude_constraint(
        "bookings_overlap_excl",
        "bookings",
        (sa.column("reserved_for"), "="),
        (sa.column("span"), "&&"),
        using="gist",
        where=f"{OPEN} AND reserved_for IS NOT NULL",
    )
    op.drop_table("reservations")


def _replace_check(name: str, condition: str, *, is_valid: bool = True) -> None:
    op.drop_constraint(name, "bookings", type_="check")
    op.create_check_constraint(name, "bookings", condition, postgresql_not_valid=not is_valid)
