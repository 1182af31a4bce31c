"""Extra work on the spot: proposed by the professional with a price, billed only when the customer approves (W15)."""

import enum
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock, money
from app.core.errors import Refused
from app.core.events import Actor
from app.core.i18n import _
from app.core.orm import Base, TextEnum

if TYPE_CHECKING:
    from app.bookings.booking import Booking

MIN_PRICE_PAISE, MAX_PRICE_PAISE = 1_00, 1_00_000_00
MAX_PROPOSALS = 10
# Paise of the booking `b` with its approved extras: Booking.total for queries that load no entity.
BOOKING_TOTAL_SQL = (
    "(b.price + (SELECT coalesce(sum(e.price), 0) FROM extras e"
    " WHERE e.booking_id = b.id AND e.state = 'approved')::bigint)"
)


class ExtraState(enum.StrEnum):
    PROPOSED = "proposed"
    APPROVED = "approved"
    REFUSED = "refused"


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
    state: Mapped[ExtraState] = mapped_column(TextEnum(ExtraState))
    proposed_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]

    def answer(self, *, approved: bool) -> None:
        if self.state != ExtraState.PROPOSED:
            raise Refused(_("You've already answered this."), reason="state", about="answer")
        self.state, self.answered_at = (ExtraState.APPROVED if approved else ExtraState.REFUSED), clock.now()


def propose_extra(booking: "Booking", by: Actor, text: str, price: str) -> Extra:
    """Propose extra work; `price` in rupees as typed. Repeating a proposal that waits returns the same one."""
    amount = money.parse_rupees(price, MIN_PRICE_PAISE, MAX_PRICE_PAISE)
    for extra in booking.extras:
        if (extra.text, extra.price, extra.state) == (text, amount, ExtraState.PROPOSED):
            return extra
    if len(booking.extras) >= MAX_PROPOSALS:
        raise Refused(_("There are already 10 proposals. Talk to the customer first."), reason="extras")
    return booking.propose_extra(by, text, amount)
