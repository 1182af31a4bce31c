"""Write monthly statements and notify their customers, batch by batch."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.notifications.notification import Notification, notify_many
from app.reports.monthly_statement import to_facts
from app.reports.monthly_statement_repository import MonthlyStatements, MonthlySummaryQueries

BATCH_SIZE = 100


@dataclass(frozen=True, slots=True)
class Batch:
    last_customer_id: int
    sent: int


async def send_batch(db: AsyncSession, month: date, tick: datetime, *, after: int) -> Batch | None:
    """Write the statements of the next customers by id; None when there are no more."""
    customers = await MonthlySummaryQueries(db).recipients(after, BATCH_SIZE)
    sent = [await _send(db, customer_id, month, tick) for customer_id in customers]
    return Batch(customers[-1], sum(sent)) if customers else None


async def _send(db: AsyncSession, customer_id: int, month: date, tick: datetime) -> int:
    """Return 1 when it was written now; an empty month is not written."""
    summary = await MonthlySummaryQueries(db).summary(customer_id, month, tick)
    facts = to_facts(summary)
    if summary.is_empty or not await MonthlyStatements(db).save(customer_id, month, facts):
        return 0
    data = {"month": month.isoformat(), "facts": facts}
    key = f"month:{month.isoformat()}:{customer_id}"
    return await notify_many(db, [Notification("monthly_report", customer_id, data, key, tick)])
