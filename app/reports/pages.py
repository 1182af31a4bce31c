"""/reports: a customer's past months, as they were told."""

from datetime import date

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.core.errors import Missing
from app.reports.month import of_facts
from app.reports.statement_repository import MonthlyReports
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import page


class MonthlyPages(Controller):
    path = "/reports"
    opt = only("customer")

    @get(name="months")
    async def index(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        months = [(one.month, of_facts(one.facts)) for one in await MonthlyReports(db).of(me.id)]
        return page(request, "reports/months.html", months=months)

    @get("/{month:str}", name="month")
    async def show(
        self, request: Request, month: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        found = await MonthlyReports(db).one(me.id, _month_of(month))
        return page(request, "reports/month.html", month=found.month, told=of_facts(found.facts))


def _month_of(typed: str) -> date:
    """2026-11; anything else is no month of ours."""
    try:
        return date.fromisoformat(f"{typed}-01")
    except ValueError:
        raise Missing from None
