"""Who was notified of an open offer, and when its next wave is due (W25)."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.orm import NaturalKeyBase


class OfferWave(NaturalKeyBase):
    """A booking that is offered, and when its next wave is due; a trigger writes and deletes the row with the state."""

    __tablename__ = "offer_waves"
    __table_args__ = (Index("offer_waves_next_at_idx", "next_at"),)
    booking_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("bookings.id"), primary_key=True, autoincrement=False
    )
    next_at: Mapped[datetime | None]


class OfferRecipient(NaturalKeyBase):
    """A professional who was notified of an offer, once for each start; deleted when the job starts or the offer ends.

    `digest_key`: the dedupe key of the email that lists the offer.
    """

    __tablename__ = "offer_recipients"
    __table_args__ = (Index("offer_recipients_professional_id_idx", "professional_id"),)
    booking_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("bookings.id"), primary_key=True)
    professional_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("professionals.user_id"), primary_key=True)
    notified_at: Mapped[datetime]
    digest_key: Mapped[str]
