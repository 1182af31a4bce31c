"""The professional's side of an account: trade, home area and approval."""

import enum
from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Index, Integer, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.orm import NaturalKeyBase, TextEnum

# Values of `shown_as`, which a trigger maintains (settle_shown), in the order of the admin's table.
WAITING, APPROVED, DENIED, BLOCKED, LEFT = range(5)
SORT_COLUMNS = ("shown_as", "jobs", "stars", "home_pincode")


class ApprovalStatus(enum.StrEnum):
    """Whether the professional is approved to work."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"


class Professional(NaturalKeyBase):
    """The professional's side of an account.

    From `papers_expire_on` on a document is expired and there are no new offers (W7); None: no document expires.
    Triggers maintain `shown_as`, `jobs` (completed) and `stars` (the average in hundredths, 0 without reviews).
    """

    __tablename__ = "professionals"
    __table_args__ = (
        CheckConstraint("standing IN ('pending', 'approved', 'denied')", name="professionals_standing_check"),
        CheckConstraint("(standing = 'approved') = (approved_at IS NOT NULL)", name="professionals_approved_check"),
        CheckConstraint("experience_years BETWEEN 0 AND 70", name="professionals_experience_check"),
        Index("professionals_approved_idx", "user_id", postgresql_where=text("standing = 'approved'")),
        *(
            Index(f"professionals_{name}_idx", name, "user_id")
            for name in ("shown_as", "jobs", "stars", "home_pincode")
        ),
        Index("professionals_trade_idx", "trade", postgresql_using="gin", postgresql_ops={"trade": "gin_trgm_ops"}),
    )
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"), primary_key=True, autoincrement=False)
    standing: Mapped[ApprovalStatus] = mapped_column(
        TextEnum(ApprovalStatus), default=ApprovalStatus.PENDING, server_default=ApprovalStatus.PENDING
    )
    trade: Mapped[str]
    experience_years: Mapped[int] = mapped_column(Integer)
    home_pincode: Mapped[str] = mapped_column(String(6), ForeignKey("pincodes.pincode"))
    denial_reason: Mapped[str | None]
    approved_at: Mapped[datetime | None]
    papers_expire_on: Mapped[date | None] = mapped_column(Date)
    created_at: Mapped[datetime]
    shown_as: Mapped[int] = mapped_column(SmallInteger, default=WAITING, server_default="0")
    jobs: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    stars: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
