"""/earnings: what a professional earned by week and by day, the next payout, and every line of it."""

from datetime import timedelta

from litestar import get
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.billing.earnings import next_payout_of, weeks_of
from app.billing.statement_repository import Statements
from app.core import clock
from app.jobs.repository import Jobs
from app.payments.repository import Charges
from app.web.forms import parse_query
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import page

PAGE_SIZE = 20
SHOWN_DAYS = 14


@get("/earnings", name="earnings", opt=only("professional"))
async def earnings(request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
    """Show totals and lines from the same ledger entries."""
    charges, statements, after = Charges(db), Statements(db, me.id), parse_query(request).get("after", "")
    lines = await charges.earnings_of(me.id, after, PAGE_SIZE)
    today = clock.today()
    days = await statements.earned_by("day", today - timedelta(days=SHOWN_DAYS - 1), today + timedelta(days=1))
    return page(
        request,
        "billing/earnings.html",
        "billing/_earnings.html",
        lines=lines,
        jobs=await Jobs(db).labels([line.booking_id for line in lines.items]),
        first=not after,
        weeks=await weeks_of(statements),
        days=list(reversed(days)),
        payout=await next_payout_of(db, me.id),
        this_month=await charges.earned_between(me.id, clock.at(today.replace(day=1)), clock.now()),
    )
