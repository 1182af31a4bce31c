"""Messages between the customer and the professional of a booking; their photos are in app.photos."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.core.orm import Base
from app.photos.photo import PHOTO_RETENTION

MAX_TEXT_LENGTH = 2_000  # characters
MAX_PHOTOS_PER_BOOKING = 100  # of each side
MESSAGE_RETENTION = PHOTO_RETENTION  # after the job, or after the booking was cancelled


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
