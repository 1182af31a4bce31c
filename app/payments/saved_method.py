"""A payment method that a customer asked to remember: what a page shows of it, and the bank's encrypted token."""

from datetime import date, datetime, timedelta

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.orm import Base

MAX_SAVED_METHODS = 8  # of a customer; one more takes the place of the one used longest ago
CONFIRMATION_PERIOD = timedelta(days=1)  # in which the bank's code may confirm a card
RETENTION_AFTER_EXPIRY, RETENTION_AFTER_USE = timedelta(days=90), timedelta(days=730)


class SavedMethod(Base):
    """Of a card brand, last four digits and expiry, of a UPI ID a masked form; never a number.

    `confirmed_at` is empty until the bank's code was entered, where the bank asked for one: such a row is not shown.
    """

    __tablename__ = "saved_methods"
    __table_args__ = (
        CheckConstraint(
            "method = 'card' AND last4 IS NOT NULL AND expires_on IS NOT NULL AND masked_id IS NULL"
            " OR method = 'upi' AND masked_id IS NOT NULL AND brand IS NULL AND last4 IS NULL AND expires_on IS NULL",
            name="saved_methods_method_check",
        ),
        CheckConstraint("last4 ~ '^[0-9]{4}$'", name="saved_methods_last4_check"),
        CheckConstraint("masked_id LIKE '%…@%'", name="saved_methods_masked_id_check"),
        UniqueConstraint(
            "customer_id",
            "method",
            "brand",
            "last4",
            "masked_id",
            name="saved_methods_key",
            postgresql_nulls_not_distinct=True,
        ),
    )
    customer_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"))
    method: Mapped[str]
    brand: Mapped[str | None]
    last4: Mapped[str | None] = mapped_column(String(4))
    expires_on: Mapped[date | None] = mapped_column(Date)
    masked_id: Mapped[str | None]
    encrypted_token: Mapped[bytes]
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    used_at: Mapped[datetime]

    @property
    def is_expired(self) -> bool:
        """A card is valid until the end of the month on it, in Asia/Kolkata (W20)."""
        return self.expires_on is not None and self.expires_on < clock.today()
