"""A coupon: what it takes off a price, for whom and how often (W37)."""

import enum
from datetime import date, datetime
from typing import Literal

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Date, ForeignKey, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.events import AuditedMixin
from app.core.orm import Base, TextEnum


class CouponKind(enum.StrEnum):
    AMOUNT = "amount"
    PERCENT = "percent"


CouponState = Literal["active", "coming", "over", "used_up", "ended"]


class Coupon(Base, AuditedMixin):
    """`value` is in paise, or in percent with at most `cap` paise; valid from `from_day` to `until_day`, both included.

    `used` is how many bookings use it now, at most `total`, and `per_person` of one customer. None: no limit.
    """

    __tablename__ = "coupons"
    __table_args__ = (
        CheckConstraint("code ~ '^[A-Z0-9]{3,20}$'", name="coupons_code_check"),
        CheckConstraint("kind IN ('amount', 'percent')", name="coupons_kind_check"),
        CheckConstraint("value > 0 AND (kind = 'amount' OR value <= 100)", name="coupons_value_check"),
        CheckConstraint("cap IS NULL OR cap > 0 AND kind = 'percent'", name="coupons_cap_check"),
        CheckConstraint("until_day >= from_day", name="coupons_until_day_check"),
        CheckConstraint("per_person > 0", name="coupons_per_person_check"),
        CheckConstraint("total > 0", name="coupons_total_check"),
        CheckConstraint("used >= 0 AND (total IS NULL OR used <= total)", name="coupons_used_check"),
    )
    code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[CouponKind] = mapped_column(TextEnum(CouponKind))
    value: Mapped[int]
    cap: Mapped[int | None]
    from_day: Mapped[date] = mapped_column(Date)
    until_day: Mapped[date | None] = mapped_column(Date)
    per_person: Mapped[int | None] = mapped_column(Integer)
    total: Mapped[int | None] = mapped_column(Integer)
    first_visit: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")
    used: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    created_at: Mapped[datetime]
    created_by_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"))
    ended_at: Mapped[datetime | None]

    @property
    def subject(self) -> str:
        return f"coupon-{self.code}"

    def discount(self, price: int) -> int:
        """Paise off `price`, never more than it."""
        if self.kind == CouponKind.AMOUNT:
            return min(self.value, price)
        off = price * self.value // 100
        return off if self.cap is None else min(off, self.cap)

    def state(self, today: date) -> CouponState:
        """Whether it may be used on that day."""
        if self.ended_at is not None:
            return "ended"
        if today < self.from_day:
            return "coming"
        if self.until_day is not None and today > self.until_day:
            return "over"
        return "used_up" if self.total is not None and self.used >= self.total else "active"


class CouponUse(Base):
    """A booking pays with a coupon; freed when it is cancelled. `nth` counts the customer's uses that are not freed."""

    __tablename__ = "coupon_uses"
    __table_args__ = (
        CheckConstraint("amount > 0", name="coupon_uses_amount_check"),
        CheckConstraint("nth > 0", name="coupon_uses_nth_check"),
        CheckConstraint("freed_at >= used_at", name="coupon_uses_freed_at_check"),
        Index(
            "coupon_uses_nth_key",
            "coupon_id",
            "customer_id",
            "nth",
            unique=True,
            postgresql_where=text("freed_at IS NULL"),
        ),
        Index("coupon_uses_booking_id_key", "booking_id", unique=True, postgresql_where=text("freed_at IS NULL")),
        Index("coupon_uses_customer_id_idx", "customer_id"),
    )
    coupon_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("coupons.id"))
    booking_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("bookings.id"))
    customer_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"))
    nth: Mapped[int] = mapped_column(Integer)
    amount: Mapped[int]
    used_at: Mapped[datetime]
    freed_at: Mapped[datetime | None]
