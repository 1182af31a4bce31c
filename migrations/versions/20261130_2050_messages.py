"""Messages and photos between the two sides of a booking; who shows their phone to the other side."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("share_phone", sa.Boolean(), server_default="true", nullable=False))
    op.add_column("bookings", sa.Column("customer_shares_phone", sa.Boolean(), nullable=True))
    op.add_column("bookings", sa.Column("professional_shares_phone", sa.Boolean(), nullable=True))
    op.create_table(
        "booking_messages",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("booking_id", sa.BigInteger(), nullable=False),
        sa.Column("professional_id", sa.BigInteger(), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("photo_count", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("length(text) <= 2000", name="booking_messages_text_check"),
        sa.CheckConstraint(
            "photo_count BETWEEN 0 AND 5 AND (text <> '' OR photo_count > 0)", name="booking_messages_content_check"
        ),
        sa.CheckConstraint("read_at >= created_at", name="booking_messages_read_check"),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name="booking_messages_booking_id_fkey"),
        sa.ForeignKeyConstraint(
            ["professional_id"], ["professionals.user_id"], name="booking_messages_professional_id_fkey"
        ),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name="booking_messages_author_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="booking_messages_pkey"),
    )
    op.create_index("booking_messages_booking_id_idx", "booking_messages", ["booking_id", "id"])
    op.create_index("booking_messages_author_id_idx", "booking_messages", ["author_id"])
    op.create_table(
        "message_photos",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("stored_as", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.CheckConstraint("position BETWEEN 1 AND 5", name="message_photos_position_check"),
        sa.CheckConstraint(
            "width BETWEEN 1 AND 1600 AND height BETWEEN 1 AND 1600 AND bytes > 0", name="message_photos_size_check"
        ),
        sa.ForeignKeyConstraint(["message_id"], ["booking_messages.id"], name="message_photos_message_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="message_photos_pkey"),
        sa.UniqueConstraint("message_id", "position", name="message_photos_position_key"),
        sa.UniqueConstraint("stored_as", name="message_photos_stored_as_key"),
    )


def downgrade() -> None:
    op.drop_table("message_photos")
    op.drop_table("booking_messages")
    op.drop_column("bookings", "professional_shares_phone")
    op.drop_column("bookings", "customer_shares_phone")
    op.drop_column("users", "share_phone")
