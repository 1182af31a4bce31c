"""The monthly report: each customer's exact calendar month, once (T0-25)."""

from app.core import clock
from app.reports.monthly_statement import month_before
from app.reports.monthly_statement_delivery import send_batch
from tasks.context import Context, unit_of_work


async def send_monthly_reports(ctx: Context) -> int:
    """On the 1st at 08:00, of the month before; batch by batch, so that a crash repeats no report."""
    month = month_before(ctx["tick"].astimezone(clock.IST).date())
    last, sent = 0, 0
    while True:
        async with unit_of_work(ctx) as db:
            batch = await send_batch(db, month, ctx["tick"], after=last)
        if batch is None:
            return sent
        last, sent = batch.last_customer_id, sent + batch.sent
