"""Reports of reviews (W31): one per reader and review, settled by an admin's decision."""

from datetime import datetime, timedelta

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.orm import NaturalKeyBase

REPORT_RETENTION = timedelta(days=3 * 365)  # from the decision


class ReviewReport(NaturalKeyBase):
    """Why a signed-in person thinks that a review should not be public; waiting while `settled_at` is empty."""

    __tablename__ = "review_reports"
    __table_args__ = (
        CheckConstraint("length(reason) BETWEEN 1 AND 1000", name="review_reports_reason_check"),
        Index("review_reports_waiting_idx", "review_id", "created_at", postgresql_where=text("settled_at IS NULL")),
        Index("review_reports_reporter_id_idx", "reporter_id"),
    )
    review_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("reviews.id"), primary_key=True)
    reporter_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"), primary_key=True)
    reason: Mapped[str]
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
