"""Declined jobs, which are never offered to the same professional again; disputes of no-shows."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.orm import NaturalKeyBase


class Decline(NaturalKeyBase):
    __tablename__ = "declines"
    __table_args__ = (
        CheckConstraint("kind IN ('passed', 'returned', 'absent')", name="declines_kind_check"),
        Index("declines_professional_id_idx", "professional_id"),
    )
    booking_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("bookings.id"), primary_key=True)
    professional_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("professionals.user_id"), primary_key=True)
    kind: Mapped[str]
    reason: Mapped[str]
    at: Mapped[datetime]


class Dispute(NaturalKeyBase):
    """A customer's dispute of a no-show (W13), within 48 h; an admin decides."""

    __tablename__ = "disputes"
    __table_args__ = (CheckConstraint("length(text) BETWEEN 1 AND 1000", name="disputes_text_check"),)
    booking_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("bookings.id"), primary_key=True)
    customer_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"))
    text: Mapped[str]
    at: Mapped[datetime]
