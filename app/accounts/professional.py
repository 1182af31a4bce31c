"""The professional's side of an account: trade, home area and approval."""

import enum
from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Index, Integer, SmallInteger, String, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from app.accounts.languages import LANGUAGE_CODES
from app.accounts.ratings import StarCounts
from app.core import clock
from app.core.orm import NaturalKeyBase, TextEnum

# Values of `admin_status`, which a trigger maintains (update_admin_status), in the order of the admin's table.
WAITING, APPROVED, DENIED, BLOCKED, LEFT = range(5)
SORT_COLUMNS = ("admin_status", "jobs", "stars", "home_pincode")


class ApprovalStatus(enum.StrEnum):
    """Whether the professional is approved to work."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"


_LANGUAGES = ", ".join(f"'{code}'" for code in LANGUAGE_CODES)


class Professional(NaturalKeyBase):
    """The professional's side of an account.

    From `documents_expire_on` on a document is expired and there are no new offers (W7); None: no document expires.
    Triggers maintain `admin_status`, `jobs` (completed), `stars` (the average in hundredths, 0 without reviews) and
    `week`: the working hours as JSON, [weekday, opens, closes] in order.
    """

    __tablename__ = "professionals"
    __table_args__ = (
        CheckConstraint(
            "approval_status IN ('pending', 'approved', 'denied')", name="professionals_approval_status_check"
        ),
        CheckConstraint(
            "(approval_status = 'approved') = (approved_at IS NOT NULL)", name="professionals_approved_check"
        ),
        CheckConstraint("experience_years BETWEEN 0 AND 70", name="professionals_experience_check"),
        CheckConstraint(
            f"languages <@ ARRAY[{_LANGUAGES}]::text[] AND cardinality(languages) <= {len(LANGUAGE_CODES)}",
            name="professionals_languages_check",
        ),
        Index("professionals_approved_idx", "user_id", postgresql_where=text("approval_status = 'approved'")),
        *(
            Index(f"professionals_{name}_idx", name, "user_id")
            for name in ("admin_status", "jobs", "stars", "home_pincode")
        ),
        Index("professionals_trade_idx", "trade", postgresql_using="gin", postgresql_ops={"trade": "gin_trgm_ops"}),
    )
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"), primary_key=True, autoincrement=False)
    approval_status: Mapped[ApprovalStatus] = mapped_column(
        TextEnum(ApprovalStatus), default=ApprovalStatus.PENDING, server_default=ApprovalStatus.PENDING
    )
    trade: Mapped[str]
    experience_years: Mapped[int] = mapped_column(Integer)
    languages: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    home_pincode: Mapped[str] = mapped_column(String(6), ForeignKey("pincodes.pincode"))
    denial_reason: Mapped[str | None]
    approved_at: Mapped[datetime | None]
    documents_expire_on: Mapped[date | None] = mapped_column(Date)
    created_at: Mapped[datetime]
    admin_status: Mapped[int] = mapped_column(SmallInteger, default=WAITING, server_default="0")
    jobs: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    stars: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    week: Mapped[str] = mapped_column(default="[]", server_default="[]")

    def approve(self) -> None:
        self.approval_status, self.approved_at, self.denial_reason = ApprovalStatus.APPROVED, clock.now(), None

    def deny(self, reason: str) -> None:
        self.approval_status, self.denial_reason = ApprovalStatus.DENIED, reason

    def apply_again(self) -> None:
        self.approval_status, self.denial_reason = ApprovalStatus.PENDING, None

    def describe_work(self, trade: str, experience_years: int, languages: list[str]) -> None:
        self.trade, self.experience_years, self.languages = trade, experience_years, languages

    def move_home(self, pincode: str) -> None:
        self.home_pincode = pincode

    def expire_documents_on(self, day: date | None) -> None:
        """Set the day from which there are no new offers (W7); None: no document expires."""
        self.documents_expire_on = day


class ProfessionalRating(StarCounts, NaturalKeyBase):
    """`jobs` counts completed jobs, reviewed or not."""

    __tablename__ = "professional_ratings"
    professional_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("professionals.user_id"), primary_key=True, autoincrement=False
    )
    jobs: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
