"""Extra work on the spot: proposed by the professional, billed only when the customer approves it (W15)."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.errors import Refused
from app.core.i18n import _
from app.core.orm import Base


class Extra(Base):
    """`price` in paise."""

    __tablename__ = "extras"
    __table_args__ = (
        CheckConstraint("state IN ('proposed', 'approved', 'refused')", name="extras_state_check"),
        CheckConstraint("price BETWEEN 100 AND 10000000", name="extras_price_check"),
        CheckConstraint("length(text) BETWEEN 1 AND 300", name="extras_text_check"),
        CheckConstraint("(state = 'proposed') = (answered_at IS NULL)", name="extras_answered_check"),
        Index("extras_booking_id_idx", "booking_id"),
    )
    booking_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("bookings.id"))
    text: Mapped[str]
    price: Mapped[int]
    state: Mapped[str]
    proposed_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]

    def answer(self, *, approved: bool) -> None:
        if self.state != "proposed":
            raise Refused(_("You have answered this already."), reason="state")
        self.state, self.answered_at = ("approved" if approved else "refused"), clock.now()
