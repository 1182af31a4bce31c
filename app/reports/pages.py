"""/reports: a customer's monthly statements."""

from datetime import date

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.core import clock
from app.core.datetimes import YEARS
from app.core.errors import Missing
from app.reports.monthly_statement import from_facts, line_of
from app.reports.monthly_statement_repository import MonthlyStatements, MonthlySummaryQueries
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import page


class MonthlyStatementPages(Controller):
    path = "/reports"
    opt = only("customer")

    @get(name="months")
    async def index(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        """Every month from the first booking on: as its statement was stored, or as it is now."""
        lines = {line.month: line for line in await MonthlySummaryQueries(db).months(me.id, clock.now())}
        lines |= {statement.month: line_of(statement) for statement in await MonthlyStatements(db).of_customer(me.id)}
        months = sorted(lines.values(), key=lambda line: line.month, reverse=True)
        return page(request, "reports/months.html", months=months)

    @get("/{month:str}", name="month")
    async def show(
        self, request: Request, month: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        first_day = _month_of(month)
        statement = await MonthlyStatements(db).by_month(me.id, first_day)
        if statement is not None:
            summary = from_facts(statement.facts)
        elif first_day.year not in YEARS or first_day > clock.today():
            raise Missing
        else:
            summary = await MonthlySummaryQueries(db).summary(me.id, first_day, clock.now())
            if summary.is_empty:
                raise Missing
        return page(request, "reports/month.html", month=first_day, summary=summary, is_stored=statement is not None)


def _month_of(typed: str) -> date:
    """Parse 2026-11; raises Missing for anything else."""
    try:
        return date.fromisoformat(f"{typed}-01")
    except ValueError:
        raise Missing from None
