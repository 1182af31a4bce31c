"""A professional's past jobs."""

from litestar import get
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
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
