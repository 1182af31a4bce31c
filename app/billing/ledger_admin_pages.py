"""/admin/ledger: the lines of the ledger, filtered, with their sum."""

from litestar import Controller, get
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.ledger_repository import FILTERS, SORTS, Ledger
from app.bookings.labels import LEDGER_ACCOUNTS, LEDGER_KINDS, translated
from app.dispatch.admin_pages import describe_filters
from app.dispatch.repository import AdminBookings
from app.web.admin import admin_page
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.table import table_view

PATH = "/admin/ledger"


class LedgerAdminPages(Controller):
    path = PATH
    opt = only("admin")

    @get(name="admin-ledger")
    async def index(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        params, bookings = table_view(request, PATH, sorts=SORTS, default="-starts", filters=FILTERS), AdminBookings(db)
        lines = await Ledger(db).listed(params.filters, descending=params.descending, after=params.after)
        return await admin_page(
            request,
            db,
            "billing/ledger.html",
            "billing/_ledger.html",
            view=params,
            page=lines.page,
            total=lines.total,
            accounts=translated(LEDGER_ACCOUNTS),
            kinds=translated(LEDGER_KINDS),
            categories=await bookings.categories(),
            filter_labels=await describe_filters(bookings, params.filters),
        )
