"""A customer's invoices by booking, and a professional's commission invoices."""

from collections.abc import Sequence

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.bookings.repository import Bookings
from app.core.errors import Missing
from app.invoices.document import document_of, pdf_of
from app.invoices.invoice import Invoice, InvoiceKind, path_number
from app.invoices.repository import Invoices
from app.receipts.qr_code import verification_path
from app.receipts.repository import Receipts
from app.settings import Settings
from app.web.forms import parse_query
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import page

PAGE_SIZE = 20
PDF_ENDING = ".pdf"


class BookingInvoicePages(Controller):
    """The customer's documents of a booking; `number` chooses one, else it is the job's invoice."""

    path = "/bookings/{ref:str}"
    opt = only("customer")

    @get("/invoice", name="invoice")
    async def show(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        invoices = await _invoices_of(db, me, ref)
        chosen = choose_invoice(invoices, parse_query(request).get("number", ""))
        return page(
            request,
            "invoices/booking.html",
            invoice=document_of(chosen),
            reference=chosen.content["booking"],
            others=[invoice.number for invoice in invoices if invoice is not chosen],
        )

    @get("/invoice.pdf", name="invoice-pdf")
    async def download(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        settings: NamedDependency[Settings],
    ) -> Response[bytes]:
        invoice = choose_invoice(await _invoices_of(db, me, ref), parse_query(request).get("number", ""))
        receipt = await Receipts(db).of_booking(invoice.booking_id) if invoice.kind == InvoiceKind.INVOICE else None
        return await pdf_response(invoice, settings.base_url + verification_path(receipt.digest) if receipt else "")


class EarningsInvoicePages(Controller):
    path = "/earnings/invoices"
    opt = only("professional")

    @get(name="earnings-invoices")
    async def index(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        after = parse_query(request).get("after", "")
        invoices = await Invoices(db).of_person(me.id, after, PAGE_SIZE)
        return page(
            request,
            "invoices/earnings.html",
            "invoices/_earnings.html",
            page_of_invoices=invoices,
            first=not after,
        )

    @get("/{file_name:str}", name="earnings-invoice-pdf")
    async def download(
        self, file_name: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> Response[bytes]:
        if not file_name.endswith(PDF_ENDING):
            raise Missing
        return await pdf_response(await Invoices(db).numbered(file_name.removesuffix(PDF_ENDING), person_id=me.id))


async def _invoices_of(db: AsyncSession, me: Me, ref: str) -> Sequence[Invoice]:
    booking = await Bookings(db).for_customer(me, ref)
    return await Invoices(db).of_booking(booking.id, me.id)


def choose_invoice(invoices: Sequence[Invoice], number: str) -> Invoice:
    """The document with this number; without one the newest invoice. Missing if there is none."""
    chosen = [
        invoice for invoice in invoices if (invoice.number == number if number else invoice.kind == InvoiceKind.INVOICE)
    ]
    if not chosen:
        raise Missing
    return chosen[-1]


async def pdf_response(invoice: Invoice, verification_url: str = "") -> Response[bytes]:
    name = path_number(invoice.number)
    headers = {"content-disposition": f'attachment; filename="{name}.pdf"', "x-content-type-options": "nosniff"}
    return Response(await pdf_of(invoice, verification_url), media_type="application/pdf", headers=headers)
