"""Who was notified of an open offer, in waves, and an index by which the usual time to accept is read."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

# The first wave is due when the booking is offered to all: paid, moved, opened again, or after a priority offer.
SCHEDULE_OFFER_WAVE = """
CREATE FUNCTION schedule_offer_wave() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.starts_at <> OLD.starts_at OR NEW.state NOT IN ('requested', 'assigned') THEN
            DELETE FROM offer_recipients WHERE booking_id = NEW.id;
        END IF;
    END IF;
    IF NEW.state = 'requested' THEN
        INSERT INTO offer_waves (booking_id, next_at)
        VALUES (NEW.id, greatest(NEW.requested_at, NEW.reopened_at, NEW.exclusive_until))
            ON CONFLICT (booking_id) DO UPDATE SET next_at = excluded.next_at;
    ELSE
        DELETE FROM offer_waves WHERE booking_id = NEW.id;
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "offer_waves",
        sa.Column("booking_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name="offer_waves_booking_id_fkey"),
        sa.PrimaryKeyConstraint("booking_id", name="offer_waves_pkey"),
    )
    op.create_index("offer_waves_next_at_idx", "offer_waves", ["next_at"])
    op.create_table(
        "offer_recipients",
        sa.Column("booking_id", sa.BigInteger(), nullable=False),
        sa.Column("professional_id", sa.BigInteger(), nullable=False),
        sa.Column("notified_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest_key", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name="offer_recipients_booking_id_fkey"),
        sa.ForeignKeyConstraint(
            ["professional_id"], ["professionals.user_id"], name="offer_recipients_professional_id_fkey"
        ),
        sa.PrimaryKeyConstraint("booking_id", "professional_id", name="offer_recipients_pkey"),
    )
    op.create_index("offer_recipients_professional_id_idx", "offer_recipients", ["professional_id"])
    op.create_index(
        "bookings_accepted_idx",
        "bookings",
        ["service_id", "pincode", "assigned_at"],
        postgresql_where=sa.text("accepted_minutes IS NOT NULL"),
    )
    op.execute(SCHEDULE_OFFER_WAVE)
    op.execute(
        "CREATE TRIGGER bookings_offer_wave_on_insert AFTER INSERT ON bookings"
        " FOR EACH ROW WHEN (NEW.state = 'requested') EXECUTE FUNCTION schedule_offer_wave()"
    )
    op.execute(
        "CREATE TRIGGER bookings_offer_wave AFTER UPDATE OF state, starts_at, exclusive_until ON bookings FOR EACH ROW"
        " WHEN ((NEW.state = 'requested' OR OLD.state IN ('requested', 'assigned'))"
        " AND (NEW.state, NEW.starts_at, NEW.exclusive_until)"
        " IS DISTINCT FROM (OLD.state, OLD.starts_at, OLD.exclusive_until))"
        " EXECUTE FUNCTION schedule_offer_wave()"
    )
    op.execute(
        "INSERT INTO offer_waves (booking_id, next_at)"
        " SELECT id, greatest(requested_at, reopened_at, exclusive_until) FROM bookings WHERE state = 'requested'"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER bookings_offer_wave ON bookings")
    op.execute("DROP TRIGGER bookings_offer_wave_on_insert ON bookings")
    op.execute("DROP FUNCTION schedule_offer_wave()")
    op.drop_index("bookings_accepted_idx", "bookings")
    op.drop_table("offer_recipients")
    op.drop_table("offer_waves")
