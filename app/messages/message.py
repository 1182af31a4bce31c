"""Messages between the customer and the professional of a booking, and the photos in them."""

from datetime import datetime, timedelta

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, SmallInteger, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.orm import Base

MAX_TEXT_LENGTH = 2_000  # characters
MAX_PHOTOS_PER_BOOKING = 100  # of each side
MESSAGE_RETENTION = timedelta(days=180)  # after the job, or after the booking was cancelled


class BookingMessage(Base):
    """Text, photos or both. `professional_id` is whose job it was then: with another professional a new thread begins.

    `read_at` is when the other side saw it.
    """

    __tablename__ = "booking_messages"
    __table_args__ = (
        CheckConstraint("length(text) <= 2000", name="booking_messages_text_check"),
        CheckConstraint(
            "photo_count BETWEEN 0 AND 5 AND (text <> '' OR photo_count > 0)", name="booking_messages_content_check"
        ),
        CheckConstraint("read_at >= created_at", name="booking_messages_read_check"),
        Index("booking_messages_booking_id_idx", "booking_id", "id"),
        Index("booking_messages_author_id_idx", "author_id"),
    )
    booking_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("bookings.id"))
    professional_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("professionals.user_id"))
    author_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"))
    text: Mapped[str]
    photo_count: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class MessagePhoto(Base):
    """A photo of a message, as we wrote it; `stored_as` also holds its thumbnail."""

    __tablename__ = "message_photos"
    __table_args__ = (
        CheckConstraint("position BETWEEN 1 AND 5", name="message_photos_position_check"),
        CheckConstraint(
            "width BETWEEN 1 AND 1600 AND height BETWEEN 1 AND 1600 AND bytes > 0", name="message_photos_size_check"
        ),
        UniqueConstraint("message_id", "position", name="message_photos_position_key"),
        UniqueConstraint("stored_as", name="message_photos_stored_as_key"),
    )
    message_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("booking_messages.id"))
    position: Mapped[int] = mapped_column(SmallInteger)
    stored_as: Mapped[str]
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    bytes: Mapped[int] = mapped_column(Integer)
