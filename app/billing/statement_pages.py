"""/earnings/statements: the weeks of a professional, each as a page, a PDF document and a CSV file."""

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.billing.statement_repository import Statements
from app.billing.statements import parse_week, statement_csv, statement_data
from app.bookings.labels import LEDGER_KINDS, translated
from app.core import clock
from app.core.pdf import compile_pdf
from app.web.forms import parse_query
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import page

WEEKS_ON_PAGE = 53


class StatementPages(Controller):
    path = "/earnings/statements"
    opt = only("professional")

    @get(name="statements")
    async def index(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        before = parse_query(request).get("before", "")
        weeks = await Statements(db, me.id).weeks(WEEKS_ON_PAGE + 1, parse_week(before) if before else None)
        older = weeks[WEEKS_ON_PAGE - 1].week if len(weeks) > WEEKS_ON_PAGE else None
        return page(request, "billing/statements.html", weeks=weeks[:WEEKS_ON_PAGE], older=older)

    @get("/{week:str}", name="statement")
    async def show(
        self, request: Request, week: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        statement = await Statements(db, me.id).statement(parse_week(week))
        return page(request, "billing/statement.html", statement=statement, kinds=translated(LEDGER_KINDS))

    @get("/{week:str}/statement.csv", name="statement-csv")
    async def csv_file(
        self, week: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> Response[bytes]:
        statement = await Statements(db, me.id).statement(parse_week(week))
        return _file(statement_csv(statement).encode(), "text/csv", f"doorstep-{statement.week}.csv")

    @get("/{week:str}/statement.pdf", name="statement-pdf")
    async def pdf_file(
        self, week: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> Response[bytes]:
        statement = await Statements(db, me.id).statement(parse_week(week))
        document = await compile_pdf(
            "billing/statement.typ", statement_data(statement, me.name), created_at=clock.at(clock.today())
        )
        return _file(document, "application/pdf", f"doorstep-{statement.week}.pdf")


def _file(content: bytes, media_type: str, name: str) -> Response[bytes]:
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; sandbox",
    }
    return Response(content, media_type=media_type, headers=headers)
