"""JSON API of invoices: a customer's of a booking, a professional's commission invoices, all of them for admins."""

from datetime import datetime
from typing import Annotated, Any

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.bookings.repository import Bookings
from app.core.api_types import Listed, Moment, Paged, Paise, Price
from app.core.datetimes import to_ist
from app.core.money import format_decimal
from app.invoices.invoice import Invoice
from app.invoices.pages import choose_invoice
from app.invoices.repository import Invoices
from app.web.api import json_response, read_query
from app.web.guards import only
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc

TAG = "Invoices"
Number = Annotated[
    str, Meta(max_length=16, description="Number, without gaps in its series and year.", examples=["DI/26-27/000123"])
]
Kind = Annotated[
    str,
    Meta(
        description="`invoice`, `credit_note`, `commission` (to the professional) or `commission_credit`.",
        examples=["invoice"],
    ),
]


class InvoiceQuery(Struct, kw_only=True):
    """Which document of the booking."""

    number: Annotated[str, Meta(max_length=16, description="Its number; empty: the newest invoice.", examples=[""])] = (
        ""
    )


class PartyJson(Struct, kw_only=True):
    """Supplier or recipient, as they were when the document was issued."""

    name: Annotated[str, Meta(description="Name.", examples=["Devi Nair"])]
    business_name: Annotated[str, Meta(description="Name of the business; may be empty.", examples=[""])]
    gstin: Annotated[str, Meta(description="GSTIN; may be empty.", examples=["33AAAAA0000A1Z9"])]
    address: Annotated[str, Meta(description="Address; may be empty.", examples=["12 Beach Road, Adyar 600020"])]
    state: Annotated[str, Meta(description="State; may be empty.", examples=["Tamil Nadu"])]
    state_code: Annotated[str, Meta(description="Code of the state in GSTINs; may be empty.", examples=["33"])]


class InvoiceLineJson(Struct, kw_only=True):
    """A line of a document; `amount` is negative for what was refunded before the job ended."""

    kind: Annotated[
        str, Meta(description="`work`, `extra`, `released`, `fee`, `refund` or `commission`.", examples=["work"])
    ]
    text: Annotated[str, Meta(description="What it is for.", examples=["Fixing leaks and pipes"])]
    amount: Annotated[str, Meta(description="Rupees, tax included.", examples=["149.00"])]
    amount_paise: Annotated[int, Meta(description="The same in paise.", examples=[14900])]


class InvoiceJson(Struct, kw_only=True):
    """An issued document, which never changes. Amounts include tax unless they say otherwise."""

    number: Number
    kind: Kind
    issued_at: Moment
    booking: Annotated[str, Meta(description="The booking's reference.", examples=["7K3MQ9WD"])]
    supplier: PartyJson
    recipient: PartyJson
    place_of_supply: Annotated[str, Meta(description="State of the work.", examples=["Tamil Nadu"])]
    form: Annotated[str, Meta(description="Section of the CGST Act: `9(5)`, `52` or empty.", examples=["9(5)"])]
    sac: Annotated[str, Meta(description="Services Accounting Code; empty without tax.", examples=["998719"])]
    rate: Annotated[str, Meta(description="Tax rate in percent.", examples=["18"])]
    lines: Annotated[list[InvoiceLineJson], Meta(description="What was charged.", examples=[[]])]
    taxable: Price
    taxable_paise: Paise
    cgst: Price
    cgst_paise: Paise
    sgst: Price
    sgst_paise: Paise
    igst: Price
    igst_paise: Paise
    total: Price
    total_paise: Paise
    coupon: Price
    coupon_paise: Paise
    credit: Price
    credit_paise: Paise
    tip: Price
    tip_paise: Paise
    in_words: Annotated[str, Meta(description="The total in words.", examples=["One hundred forty-nine rupees only"])]
    corrects: Annotated[
        str | None, Meta(description="Number that a credit note corrects.", examples=[None, "DI/26-27/000122"])
    ]


AMOUNTS = ("taxable", "cgst", "sgst", "igst", "total", "coupon", "credit", "tip")
SHOW = Doc(
    summary="Get an invoice or credit note of your booking",
    tag=TAG,
    query=InvoiceQuery,
    path={"ref": "The booking's public reference."},
    responses={200: InvoiceJson},
)
LIST = Doc(
    summary="List the commission invoices to you, newest first",
    tag=TAG,
    query=Paged,
    responses={200: Listed[InvoiceJson]},
    error_statuses=(404,),
)


class BookingInvoiceApi(Controller):
    path = "/api/bookings/{ref:str}/invoice"
    opt = only("customer", api=True)

    @get(name="api_invoice", opt={"doc": SHOW})
    async def show(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        number = read_query(request, InvoiceQuery).number
        booking = await Bookings(db).for_customer(me, ref)
        return json_response(invoice_json(choose_invoice(await Invoices(db).of_booking(booking.id, me.id), number)))


class EarningsInvoiceApi(Controller):
    path = "/api/earnings/invoices"
    opt = only("professional", api=True)

    @get(name="api_earnings_invoices", opt={"doc": LIST})
    async def index(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> JsonResponse:
        query = read_query(request, Paged)
        found = await Invoices(db).of_person(me.id, query.after, query.limit)
        return json_response(Listed(items=[invoice_json(invoice) for invoice in found.items], next=found.next))


def invoice_json(invoice: Invoice) -> InvoiceJson:
    content: dict[str, Any] = invoice.content
    amounts: dict[str, Any] = {name: format_decimal(content[name]) for name in AMOUNTS}
    amounts |= {f"{name}_paise": content[name] for name in AMOUNTS}
    issued_at: datetime = to_ist(invoice.issued_at)
    return InvoiceJson(
        number=invoice.number,
        kind=invoice.kind,
        issued_at=issued_at,
        booking=content["booking"],
        supplier=PartyJson(**content["supplier"]),
        recipient=PartyJson(**content["recipient"]),
        place_of_supply=content["place_of_supply"]["state"],
        form=content["form"],
        sac=content["sac"],
        rate=f"{content['rate'] / 100:g}",
        lines=[
            InvoiceLineJson(
                kind=line["kind"],
                text=line["text"],
                amount=("-" if line["amount"] < 0 else "") + format_decimal(abs(line["amount"])),
                amount_paise=line["amount"],
            )
            for line in content["lines"]
        ],
        in_words=content["in_words"],
        corrects=content["corrects"]["number"] if content["corrects"] else None,
        **amounts,
    )
