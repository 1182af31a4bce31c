"""May this person work?"""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Index, Integer, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.orm import Keyed

# How somebody stands on the desk; the database keeps it (settle_shown). Those who wait come first.
WAITING, APPROVED, DENIED, BLOCKED, LEFT = range(5)
SORTED = ("shown_as", "jobs", "stars", "home_pincode")


class Professional(Keyed):
    """The working side of a professional's account: trade, years, home area and standing.

    From `papers_expire_on` on a paper is out of date and there are no new offers (W7); None: none of them expires.
    `shown_as`, `jobs` done and `stars` (the average in hundredths, 0 without reviews) are kept by the database.
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
    standing: Mapped[str] = mapped_column(default="pending", server_default="pending")
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
