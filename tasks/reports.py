"""The monthly report: each customer's exact calendar month, once (T0-25)."""

from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.notifications.notification import Told
from app.notifications.notify import tell_all
from app.reports.month import month_before, to_facts
from app.reports.month_repository import Months
from app.reports.statement_repository import MonthlyReports
from tasks.context import Context, work

AT_ONCE = 100


async def send_monthly_reports(ctx: Context) -> int:
    """On the 1st at 08:00, of the month before; portion by portion, so that a crash repeats nobody's."""
    month = month_before(ctx["tick"].astimezone(clock.IST).date())
    last, sent = 0, 0
    while True:
        async with work(ctx) as db:
            readers = await Months(db).readers(last, AT_ONCE)
            for reader in readers:
                sent += await _report(db, reader, month, ctx["tick"])
        if not readers:
            return sent
        last = readers[-1]


async def _report(db: AsyncSession, reader: int, month: date, tick: datetime) -> int:
    """1 when it was made now; an empty month is not told."""
    found = await Months(db).of(reader, month, tick)
    facts = to_facts(found)
    if found.is_empty or not await MonthlyReports(db).keep(reader, month, facts):
        return 0
    data = {"month": month.isoformat(), "facts": facts}
    return await tell_all(db, [Told("monthly_report", reader, data, f"month:{month.isoformat()}:{reader}", tick)])
