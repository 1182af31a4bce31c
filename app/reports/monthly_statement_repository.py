"""Build the summary of a customer's month, and store and find monthly statements."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import bindparam, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import BigInteger, DateTime

from app.core import clock
from app.payments.ledger import SPENT_SQL
from app.reports.monthly_statement import (
    MonthBooking,
    MonthLine,
    MonthlyStatement,
    MonthlySummary,
    UpcomingBooking,
    month_span,
)

MAX_BOOKINGS_LISTED = 50
SPAN_PARAMS = (bindparam("since", type_=DateTime(timezone=True)), bindparam("until", type_=DateTime(timezone=True)))
# What was paid in the span for one booking: captures, fees and paid dues, also with credit, less refunds.
PAID_IN_SPAN = f"""
    (SELECT coalesce(sum(e.amount), 0)::bigint FROM ledger_transactions t
       JOIN ledger_entries e ON e.transaction_id = t.id AND {SPENT_SQL}
      WHERE t.booking_id = b.id AND t.at >= :since AND t.at < :until)
"""
BOOKED = text(f"""
    SELECT b.starts_at, b.reference, b.service_name, b.state, {PAID_IN_SPAN} AS paid FROM bookings b
     WHERE b.customer_id = :id AND b.requested_at IS NOT NULL AND b.starts_at >= :since AND b.starts_at < :until
     ORDER BY b.starts_at, b.id LIMIT {MAX_BOOKINGS_LISTED}
""").bindparams(*SPAN_PARAMS)
SPENT = text(f"""
    SELECT coalesce(sum(e.amount), 0)::bigint FROM bookings b JOIN ledger_transactions t ON t.booking_id = b.id
      JOIN ledger_entries e ON e.transaction_id = t.id AND {SPENT_SQL}
     WHERE b.customer_id = :id AND t.at >= :since AND t.at < :until
""").bindparams(*SPAN_PARAMS)
BOOKING_COUNTS = text("""
    SELECT count(*) FILTER (WHERE state IN ('completed', 'closed')) AS done,
           count(*) FILTER (WHERE state = 'cancelled') AS cancelled
      FROM bookings WHERE customer_id = :id AND requested_at IS NOT NULL AND starts_at >= :since AND starts_at < :until
""").bindparams(*SPAN_PARAMS)
REVIEW_STATS = text("""
    SELECT count(*) AS reviews, coalesce(avg(rating), 0)::double precision AS stars FROM reviews
     WHERE customer_id = :id AND created_at >= :since AND created_at < :until
""").bindparams(*SPAN_PARAMS)
UPCOMING = text(f"""
    SELECT starts_at, reference, service_name FROM bookings
     WHERE customer_id = :id AND state IN ('requested', 'assigned') AND starts_at >= :now
     ORDER BY starts_at, id LIMIT {MAX_BOOKINGS_LISTED}
""").bindparams(bindparam("now", type_=DateTime(timezone=True)))
# Bookings by the month of their start, and what was paid by the month of the payment; for months without a statement.
BOOKED_BY_MONTH = text("""
    SELECT date_trunc('month', starts_at AT TIME ZONE 'Asia/Kolkata')::date AS month,
           count(*) FILTER (WHERE state IN ('completed', 'closed')) AS done
      FROM bookings WHERE customer_id = :id AND requested_at IS NOT NULL AND starts_at < :until GROUP BY 1
""").bindparams(bindparam("until", type_=DateTime(timezone=True)))
SPENT_BY_MONTH = text(f"""
    SELECT date_trunc('month', t.at AT TIME ZONE 'Asia/Kolkata')::date AS month, sum(e.amount)::bigint AS spent
      FROM bookings b JOIN ledger_transactions t ON t.booking_id = b.id
      JOIN ledger_entries e ON e.transaction_id = t.id AND {SPENT_SQL}
     WHERE b.customer_id = :id GROUP BY 1
""")
# Customers with a verified email and at least one booking, not blocked.
RECIPIENTS = text("""
    SELECT u.id FROM users u
     WHERE u.role = 'customer' AND u.email_verified_at IS NOT NULL AND u.deleted_at IS NULL AND u.id > :after
       AND EXISTS (SELECT 1 FROM bookings b WHERE b.customer_id = u.id AND b.requested_at IS NOT NULL)
       AND NOT EXISTS (SELECT 1 FROM blocks k WHERE k.user_id = u.id AND k.lifted_at IS NULL)
     ORDER BY u.id LIMIT :limit
""").bindparams(bindparam("after", type_=BigInteger))


class MonthlySummaryQueries:
    """Build monthly summaries and find who gets them."""

    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def summary(self, customer_id: int, month: date, now: datetime) -> MonthlySummary:
        """Build the summary of a month; upcoming bookings are those after `now`."""
        since, until = month_span(month)
        params = {"id": customer_id, "since": since, "until": until}
        counted = (await self._db.execute(BOOKING_COUNTS, params)).one()
        rated = (await self._db.execute(REVIEW_STATS, params)).one()
        upcoming = await self._db.execute(UPCOMING, {"id": customer_id, "now": now})
        return MonthlySummary(
            done=counted.done,
            cancelled=counted.cancelled,
            spent=(await self._db.execute(SPENT, params)).scalar_one(),
            reviews=rated.reviews,
            stars=rated.stars,
            bookings=[MonthBooking(*row) for row in await self._db.execute(BOOKED, params)],
            upcoming=[UpcomingBooking(*row) for row in upcoming],
        )

    async def months(self, customer_id: int, until: datetime) -> list[MonthLine]:
        """The months with a booking that started before `until`, or a payment, the latest first."""
        booked = {
            row.month: row.done for row in await self._db.execute(BOOKED_BY_MONTH, {"id": customer_id, "until": until})
        }
        spent = {row.month: row.spent for row in await self._db.execute(SPENT_BY_MONTH, {"id": customer_id})}
        months = sorted({*booked, *(month for month, paise in spent.items() if paise)}, reverse=True)
        return [MonthLine(month, booked.get(month, 0), spent.get(month, 0)) for month in months]

    async def recipients(self, after: int, limit: int) -> list[int]:
        """List ids of customers who get a statement, after the id `after`."""
        return list(await self._db.scalars(RECIPIENTS, {"after": after, "limit": limit}))


class MonthlyStatements:
    """Store and find monthly statements."""

    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def save(self, user_id: int, month: date, facts: dict[str, Any]) -> bool:
        """Save a statement; False if there is one already."""
        row = {"user_id": user_id, "month": month, "facts": facts, "created_at": clock.now()}
        inserted = insert(MonthlyStatement).values(row).on_conflict_do_nothing().returning(MonthlyStatement.id)
        return (await self._db.execute(inserted)).scalar_one_or_none() is not None

    async def of_customer(self, user_id: int) -> Sequence[MonthlyStatement]:
        query = select(MonthlyStatement).where(MonthlyStatement.user_id == user_id)
        return (await self._db.scalars(query.order_by(MonthlyStatement.month.desc()))).all()

    async def by_month(self, user_id: int, month: date) -> MonthlyStatement | None:
        query = select(MonthlyStatement).where(MonthlyStatement.user_id == user_id, MonthlyStatement.month == month)
        return (await self._db.scalars(query)).one_or_none()
