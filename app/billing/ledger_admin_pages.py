"""/admin/ledger: every line of the double entry, by what it is about; the sum of those that were asked for."""

from litestar import Controller, get
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.ledger_repository import FILTERS, SORTS, Ledger
from app.bookings.labels import accounts, kinds
from app.dispatch.admin_pages import filters_in_words
from app.dispatch.repository import Desk
from app.web.admin import desk
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.table import view

PATH = "/admin/ledger"


class LedgerDesk(Controller):
    path = PATH
    opt = only("admin")

    @get(name="desk-ledger")
    async def index(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        asked, lists = view(request, PATH, sorts=SORTS, default="-starts", filters=FILTERS), Desk(db)
        lines = await Ledger(db).listed(asked.chosen, descending=asked.descending, after=asked.after)
        return await desk(
            request,
            db,
            "billing/ledger.html",
            "billing/_ledger.html",
            view=asked,
            page=lines.page,
            total=lines.total,
            accounts=accounts(),
            kinds=kinds(),
            categories=await lists.categories(),
            told=await filters_in_words(lists, asked.chosen),
        )
