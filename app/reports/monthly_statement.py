"""A customer's month, as it was when it was over: what the mail said stays readable on /reports."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.orm import Base


class MonthlyReport(Base):
    """`month` is its first day, Asia/Kolkata; one for each customer and month."""

    __tablename__ = "monthly_reports"
    __table_args__ = (
        CheckConstraint("extract(day FROM month) = 1", name="monthly_reports_month_check"),
        UniqueConstraint("user_id", "month", name="monthly_reports_month_key"),
    )
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"))
    month: Mapped[date] = mapped_column(Date)
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    made_at: Mapped[datetime]
