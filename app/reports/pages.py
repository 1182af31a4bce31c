"""/reports: a customer's monthly statements."""

from datetime import date

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.core.errors import Missing
from app.reports.monthly_statement import from_facts
from app.reports.monthly_statement_repository import MonthlyStatements
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import page


class MonthlyStatementPages(Controller):
    path = "/reports"
    opt = only("customer")

    @get(name="months")
    async def index(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        months = [
            (statement.month, from_facts(statement.facts))
            for statement in await MonthlyStatements(db).of_customer(me.id)
        ]
        return page(request, "reports/months.html", months=months)

    @get("/{month:str}", name="month")
    async def show(
        self, request: Request, month: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        statement = await MonthlyStatements(db).by_month(me.id, _month_of(month))
        return page(request, "reports/month.html", month=statement.month, summary=from_facts(statement.facts))


def _month_of(typed: str) -> date:
    """Parse 2026-11; raises Missing for anything else."""
    try:
        return date.fromisoformat(f"{typed}-01")
    except ValueError:
        raise Missing from None
