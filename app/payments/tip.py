"""A tip: all of it is the professional's, once per booking, paid on the page where bookings are paid."""

import enum
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.orm import Base, TextEnum

MIN_TIP, MAX_TIP = 1_00, 2_000_00  # paise
TIP_PERIOD = timedelta(days=7)  # after the booking was closed


class TipState(enum.StrEnum):
    UNPAID = "unpaid"
    NEEDS_CODE = "needs_code"  # the bank waits for its code
    PAID = "paid"


class Tip(Base):
    """`amount` paise for the professional; of a card only the brand and the last four digits are stored."""

    __tablename__ = "tips"
    __table_args__ = (
        CheckConstraint("amount BETWEEN 100 AND 200000", name="tips_amount_check"),
        CheckConstraint("state IN ('" + "', '".join(TipState) + "')", name="tips_state_check"),
        CheckConstraint("method IN ('card', 'upi')", name="tips_method_check"),
        CheckConstraint("last4 ~ '^[0-9]{4}$'", name="tips_last4_check"),
        CheckConstraint(
            "(state = 'paid') = (paid_at IS NOT NULL) AND (state = 'unpaid') = (method IS NULL)", name="tips_paid_check"
        ),
        Index("tips_customer_id_idx", "customer_id"),
        Index("tips_professional_id_idx", "professional_id"),
    )
    booking_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("bookings.id"), unique=True)
    customer_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"))
    professional_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"))
    amount: Mapped[int]
    state: Mapped[TipState] = mapped_column(TextEnum(TipState))
    method: Mapped[str | None]
    brand: Mapped[str | None]
    last4: Mapped[str | None] = mapped_column(String(4))
    created_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
