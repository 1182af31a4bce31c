"""A charge: an amount requested from one payment method for a booking, and its state.

What a customer's credit and a coupon pay of a booking are charges of their own (docs/decisions/0040).
"""

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.orm import Base, TextEnum

CREDIT, COUPON = "credit", "coupon"  # the methods that no bank is asked for
METHODS = ("card", "upi", "after", CREDIT, COUPON)


class ChargeState(enum.StrEnum):
    NEEDS_CODE = "needs_code"
    TIMED_OUT = "timed_out"
    DECLINED = "declined"
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    RELEASED = "released"
    DUE = "due"
    PAID = "paid"
    REFUNDED = "refunded"


class Charged(Protocol):
    """A charge's paise and state: of the entity, or of what a page reads of it."""

    @property
    def method(self) -> str: ...
    @property
    def amount(self) -> int: ...
    @property
    def released(self) -> int: ...
    @property
    def state(self) -> str: ...


@dataclass(frozen=True, slots=True)
class ChargeLine:
    """A charge as pages show it; money in paise."""

    purpose: str
    method: str
    brand: str | None
    last4: str | None
    amount: int
    captured: int
    released: int
    refunded: int
    state: str
    coupon: str | None


CHARGE_LINE_COLUMNS = (
    "c.purpose, c.method, c.brand, c.last4, c.amount, c.captured, c.released, c.refunded, c.state, c.coupon"
)


class Charge(Base):
    """`amount` paise requested from one method; of a card only the brand and the last four digits are stored.

    needs_code → authorised | declined · timed_out (may be tried again) · authorised → captured | released ·
    pay after service: due → paid · captured | paid → refunded (`refunded` is how much, in paise).
    `released` paise of what was authorised are held no longer: a refund may release a part while it stays authorised.
    `coupon` is the code of the coupon that pays it.
    """

    __tablename__ = "charges"
    __table_args__ = (
        CheckConstraint("method IN ('" + "', '".join(METHODS) + "')", name="charges_method_check"),
        CheckConstraint("(method = 'coupon') = (coupon IS NOT NULL)", name="charges_coupon_check"),
        CheckConstraint("purpose IN ('booking', 'extra', 'fee')", name="charges_purpose_check"),
        CheckConstraint("state IN ('" + "', '".join(ChargeState) + "')", name="charges_state_check"),
        CheckConstraint("amount > 0", name="charges_amount_check"),
        CheckConstraint("captured BETWEEN 0 AND amount", name="charges_captured_check"),
        CheckConstraint("released BETWEEN 0 AND amount - captured", name="charges_released_check"),
        CheckConstraint("refunded BETWEEN 0 AND captured", name="charges_refunded_check"),
        CheckConstraint("last4 ~ '^[0-9]{4}$'", name="charges_last4_check"),
        CheckConstraint("masked_id ~ '^[^@]{1,2}…@[a-z0-9]{2,31}$'", name="charges_masked_id_check"),
        Index("charges_booking_id_idx", "booking_id"),
        Index(
            "charges_live_key",
            "booking_id",
            unique=True,
            postgresql_where=text(
                "purpose = 'booking' AND method NOT IN ('credit', 'coupon')"
                " AND state IN ('needs_code', 'authorised', 'captured', 'due', 'paid')"
            ),
        ),
        Index(
            "charges_live_credit_key",
            "booking_id",
            "method",
            unique=True,
            postgresql_where=text(
                "method IN ('credit', 'coupon') AND state IN ('needs_code', 'authorised', 'captured')"
            ),
        ),
        Index("charges_customer_id_idx", "customer_id"),
        Index("charges_held_payouts_idx", "payout_held_until", postgresql_where=text("payout_held_until IS NOT NULL")),
        Index("charges_due_idx", "customer_id", postgresql_where=text("state = 'due'")),
    )
    booking_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("bookings.id"))
    customer_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"))
    purpose: Mapped[str] = mapped_column(default="booking", server_default="booking")
    method: Mapped[str]
    brand: Mapped[str | None]
    last4: Mapped[str | None] = mapped_column(String(4))
    masked_id: Mapped[str | None]  # of a UPI ID, "as…@bank"
    coupon: Mapped[str | None]
    amount: Mapped[int]
    captured: Mapped[int] = mapped_column(default=0, server_default="0")
    released: Mapped[int] = mapped_column(default=0, server_default="0")
    refunded: Mapped[int] = mapped_column(default=0, server_default="0")
    state: Mapped[ChargeState] = mapped_column(TextEnum(ChargeState))
    # Until when the earning is held; NULL when it is not or no longer held.
    payout_held_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @property
    def held(self) -> int:
        """Paise that are authorised and neither captured nor released."""
        return self.amount - self.captured - self.released if self.state == ChargeState.AUTHORISED else 0

    @property
    def refundable(self) -> int:
        """Paise that can still be refunded: released while authorised, refunded once captured or paid; of no coupon."""
        if self.method == COUPON:
            return 0
        if self.state in (ChargeState.CAPTURED, ChargeState.PAID):
            return self.captured - self.refunded
        return self.held


def coupon_first(charges: Iterable[Charge]) -> list[Charge]:
    """The order in which a job is paid: what no refund gives back, then credit, then what a bank took."""
    return sorted(charges, key=lambda charge: (charge.method != COUPON, charge.method != CREDIT))


def bank_first(charges: Iterable[Charge]) -> list[Charge]:
    """The order in which money is given back; a coupon's part is not."""
    own = (charge for charge in charges if charge.method != COUPON)
    return sorted(own, key=lambda charge: charge.method == CREDIT)
