"""Money refunded by an admin (W29): a row for each, with who bears it, the reason and what became of it."""

import enum
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Boolean, CheckConstraint, ForeignKey, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.orm import Base, TextEnum

SECOND_ADMIN_ABOVE = 5_000_00  # paise of a booking's refunds in all
DECLINED = "declined"  # the `failure` of a refund that the second admin does not confirm


class RefundState(enum.StrEnum):
    REQUESTED = "requested"  # waits for a second admin
    SENT = "sent"
    DONE = "done"
    FAILED = "failed"


class BorneBy(enum.StrEnum):
    DOORSTEP = "doorstep"
    SHARES = "shares"  # the professional's earning and the commission, pro rata


@dataclass(frozen=True, slots=True)
class RefundLine:
    """A refund that is done as its customer reads it; money in paise."""

    amount: int
    released: int
    reason: str
    done_at: datetime
    as_credit: bool


class Refund(Base):
    """`amount` paise for the customer, `released` of them from what was authorised, the rest from what was taken.

    `as_credit`: all of it becomes credit, else only what was paid with credit.
    `professional_id` is whose share bears a part, None if Doorstep bears it all. `confirmed_by_id` is the second admin
    who answered; `only_admin`: there was no other one. `failure`: "declined" by that admin, or what the gateway said.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        CheckConstraint("amount > 0", name="refunds_amount_check"),
        CheckConstraint("released BETWEEN 0 AND amount", name="refunds_released_check"),
        CheckConstraint("borne_by IN ('doorstep', 'shares')", name="refunds_borne_by_check"),
        CheckConstraint("length(reason) BETWEEN 1 AND 1000", name="refunds_reason_check"),
        CheckConstraint("state IN ('requested', 'sent', 'done', 'failed')", name="refunds_state_check"),
        CheckConstraint(
            "(state = 'done') = (done_at IS NOT NULL) AND (state = 'failed') = (failed_at IS NOT NULL)"
            " AND (failed_at IS NULL) = (failure IS NULL)"
            " AND (state NOT IN ('sent', 'done') OR sent_at IS NOT NULL)",
            name="refunds_times_check",
        ),
        CheckConstraint(
            "(confirmed_at IS NULL) = (confirmed_by_id IS NULL) AND (confirmed_by_id <> requested_by_id OR only_admin)",
            name="refunds_confirmed_check",
        ),
        Index("refunds_booking_id_idx", "booking_id"),
        Index("refunds_requested_at_idx", "requested_at", "id"),
        Index(
            "refunds_waiting_idx", "state", "requested_at", postgresql_where=text("state IN ('requested', 'failed')")
        ),
    )
    booking_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("bookings.id"))
    amount: Mapped[int]
    released: Mapped[int] = mapped_column(default=0, server_default="0")
    as_credit: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")
    borne_by: Mapped[BorneBy] = mapped_column(TextEnum(BorneBy), server_default="doorstep")
    professional_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("users.id"))
    reason: Mapped[str]
    state: Mapped[RefundState] = mapped_column(TextEnum(RefundState))
    requested_at: Mapped[datetime]
    requested_by_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"))
    confirmed_at: Mapped[datetime | None]
    confirmed_by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("users.id"))
    only_admin: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    sent_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    failure: Mapped[str | None]

    @property
    def may_be_retried(self) -> bool:
        return self.state == RefundState.FAILED and self.failure != DECLINED
