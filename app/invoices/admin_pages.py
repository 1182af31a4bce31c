"""/admin/invoices: every issued document, by kind, day or number."""

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import Missing
from app.core.i18n import N_, _
from app.invoices.admin_repository import FILTERS, SORTS, InvoiceTable
from app.invoices.pages import PDF_ENDING, pdf_response
from app.invoices.repository import Invoices
from app.web.admin import admin_page
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.table import table_view

PATH = "/admin/invoices"
KIND_LABELS = {
    "invoice": N_("Invoice"),
    "credit_note": N_("Credit note"),
    "commission": N_("Commission invoice"),
    "commission_credit": N_("Commission credit note"),
}


class InvoiceAdminPages(Controller):
    path = PATH
    opt = only("admin", right="money")

    @get(name="admin-invoices")
    async def index(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        view = table_view(request, PATH, sorts=SORTS, default="-issued", filters=FILTERS)
        return await admin_page(
            request,
            db,
            "invoices/admin.html",
            "invoices/_admin.html",
            view=view,
            page=await InvoiceTable(db).listed(view.filters, descending=view.descending, after=view.after),
            kinds={kind: _(label) for kind, label in KIND_LABELS.items()},
        )

    @get("/{file_name:str}", name="admin-invoice-pdf")
    async def download(self, file_name: FromPath[str], db: NamedDependency[AsyncSession]) -> Response[bytes]:
        if not file_name.endswith(PDF_ENDING):
            raise Missing
        return await pdf_response(await Invoices(db).numbered(file_name.removesuffix(PDF_ENDING)))
