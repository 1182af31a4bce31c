"""A professional's past jobs, and their earnings from the ledger."""

from litestar import get
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.core import clock
from app.jobs.repository import Jobs
from app.payments.repository import Charges
from app.web.forms import parse_query
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import page

PAGE_SIZE = 20


@get("/jobs/history", name="job-history", opt=only("professional"))
async def history(request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
    jobs, after = Jobs(db), parse_query(request).get("after", "")
    rows = await jobs.history(me, after, PAGE_SIZE)
    return page(
        request,
        "jobs/history.html",
        "jobs/_history.html",
        rows=rows,
        first=not after,
        earned=await Charges(db).earned_by_booking(me.id, [row.id for row in rows.items]),
    )


@get("/earnings", name="earnings", opt=only("professional"))
async def earnings(request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
    """Show totals and lines from the same ledger entries."""
    charges, after = Charges(db), parse_query(request).get("after", "")
    lines = await charges.earnings_of(me.id, after, PAGE_SIZE)
    month = clock.at(clock.today().replace(day=1))
    ready, held = await charges.balances_of(me.id)
    return page(
        request,
        "jobs/earnings.html",
        "jobs/_earnings.html",
        lines=lines,
        jobs=await Jobs(db).labels([line.booking_id for line in lines.items]),
        first=not after,
        ready=ready,
        held=held,
        this_month=await charges.earned_between(me.id, month, clock.now()),
    )
