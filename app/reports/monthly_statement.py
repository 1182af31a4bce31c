"""The monthly statement of a customer: the summary of one calendar month, stored when it is over."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec
from msgspec import Struct, field
from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, UniqueConstraint
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.user import User
from app.core import clock
from app.core.orm import Base
from app.core.outbox import Outbox


class MonthlyStatement(Base):
    """One statement per customer and month; `month` is its first day, Asia/Kolkata."""

    __tablename__ = "monthly_reports"
    __table_args__ = (
        CheckConstraint("extract(day FROM month) = 1", name="monthly_reports_month_check"),
        UniqueConstraint("user_id", "month", name="monthly_reports_month_key"),
    )
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"))
    month: Mapped[date] = mapped_column(Date)
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]


class MonthBooking(Struct, frozen=True):
    """A booking of the month; `paid` is what was paid for it in the month, in paise."""

    at: datetime
    reference: str
    service: str
    state: str
    paid: int


class UpcomingBooking(Struct, frozen=True):
    """A booking that was upcoming when the month was over."""

    at: datetime
    reference: str
    service: str


class MonthlySummary(Struct, frozen=True):
    """Totals of a month: `spent` paise after refunds; `stars` is the mean rating of the reviews written."""

    done: int
    cancelled: int
    spent: int
    reviews: int
    stars: float
    bookings: list[MonthBooking]
    upcoming: list[UpcomingBooking] = field(name="coming")  # the name in stored facts

    @property
    def is_empty(self) -> bool:
        """Nothing happened in the month; what is only upcoming is no report."""
        return not (self.bookings or self.spent or self.reviews)


@dataclass(frozen=True, slots=True)
class MonthLine:
    """One month of the list; `spent` paise."""

    month: date
    done: int
    spent: int
    upcoming: int = 0


def line_of(statement: MonthlyStatement) -> MonthLine:
    """The line of a stored statement: what was upcoming counts only where nothing else happened."""
    summary = from_facts(statement.facts)
    return MonthLine(statement.month, summary.done, summary.spent, len(summary.upcoming) if summary.is_empty else 0)


def to_facts(month: MonthlySummary) -> dict[str, Any]:
    facts: dict[str, Any] = msgspec.to_builtins(month)
    return facts


def from_facts(facts: dict[str, Any]) -> MonthlySummary:
    return msgspec.convert(facts, MonthlySummary)


async def message_data(_db: AsyncSession, _user: User, row: Outbox) -> dict[str, Any]:
    """What the monthly message shows: the month as it was stored, as the page in the app does."""
    return {"month": date.fromisoformat(row.data["month"]), "summary": from_facts(row.data["facts"])}


def month_span(month: date) -> tuple[datetime, datetime]:
    """The start of the month and of the next one."""
    return clock.at(month), clock.at(next_month(month))


def next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def month_before(day: date) -> date:
    """The first day of the month before that of `day`."""
    return date(day.year - (day.month == 1), (day.month - 2) % 12 + 1, 1)
