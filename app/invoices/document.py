"""An issued document as pages, PDFs and the API show it."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from babel.numbers import format_decimal

from app.core.datetimes import to_ist
from app.core.pdf import compile_pdf
from app.receipts.qr_code import qr_picture

AMOUNT_PATTERN = "#,##,##0.00"
PDF_TEMPLATE = "invoices/invoice.typ"
TITLES = {
    "invoice": "Invoice",
    "credit_note": "Credit note",
    "commission": "Commission invoice",
    "commission_credit": "Commission credit note",
}
# What the lines of a document are called in English, which the PDF is in; pages have these in their language.
LABELS = {
    "extra": "Extra work",
    "released": "Refunded before the job ended",
    "fee": "Cancellation or rescheduling fee",
    "refund": "Refund",
    "commission": "Commission",
    "taxable": "Taxable value",
    "cgst": "CGST",
    "sgst": "SGST",
    "igst": "IGST",
    "total": "Total",
    "coupon": "Paid by coupon",
    "credit": "Paid by credit",
    "tip": "Tip for the professional, outside the taxable supply",
}


class IssuedDocument(Protocol):
    """What is shown of a row of `invoices`."""

    @property
    def number(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def issued_at(self) -> datetime: ...
    @property
    def content(self) -> dict[str, Any]: ...


def document_of(invoice: IssuedDocument) -> dict[str, Any]:
    """The document with formatted amounts and dates; labels are keys of LABELS."""
    content = invoice.content
    rate = content["rate"] / 100
    sums = [_row("taxable", "", content["taxable"])] if content["tax"] else []
    for key, share in (("cgst", rate / 2), ("sgst", rate / 2), ("igst", rate)):
        if content[key]:
            sums.append(_row(key, f"{share:g} %", content[key]))
    after = [_row(key, "", content[key]) for key in ("coupon", "credit", "tip") if content[key]]
    corrects = content["corrects"]
    return {
        "number": invoice.number,
        "kind": invoice.kind,
        "is_taxed": bool(content["tax"]),
        "issued_on": _day(invoice.issued_at),
        "moments": {"issued": invoice.issued_at, "visited": datetime.fromisoformat(content["starts_at"])},
        "supplier": content["supplier"],
        "recipient": content["recipient"],
        "place_of_supply": content["place_of_supply"],
        "booking": content["booking"],
        "visited_on": _day(datetime.fromisoformat(content["starts_at"])),
        "professional": content["professional"],
        "form": content["form"],
        "sac": content["sac"],
        "lines": [_row(line["kind"], line["text"], line["amount"]) for line in content["lines"]],
        "sums": sums,
        "total": format_amount(content["total"]),
        "in_words": content["in_words"],
        "after": after,
        "corrects": {"number": corrects["number"], "issued_on": _day(datetime.fromisoformat(corrects["issued_at"]))}
        if corrects
        else None,
    }


async def pdf_of(invoice: IssuedDocument, verification_url: str = "") -> bytes:
    """The document as PDF/A-3b, in English; the same bytes each time.

    `verification_url`: where anyone verifies the receipt of the handover, as a QR code below it.
    """
    document = document_of(invoice)
    title = ("Tax " + TITLES[invoice.kind].lower()) if _is_tax_invoice(document) else TITLES[invoice.kind]
    data = {name: value for name, value in document.items() if name != "moments"}
    data |= {"title": title, "labels": LABELS, "verification": None}
    if verification_url:
        data["verification"] = {"url": verification_url, "picture": qr_picture(verification_url)}
    return await compile_pdf(PDF_TEMPLATE, data, created_at=invoice.issued_at)


def _is_tax_invoice(document: Mapping[str, Any]) -> bool:
    return bool(document["is_taxed"]) and document["kind"] in ("invoice", "commission")


def format_amount(paise: int) -> str:
    """ "₹1,23,456.50", always with paise."""
    return (
        ("−" if paise < 0 else "")
        + "₹"
        + str(format_decimal(Decimal(abs(paise)) / 100, format=AMOUNT_PATTERN, locale="en_IN"))
    )


def _row(key: str, text: str, amount: int) -> dict[str, str]:
    return {"key": key, "text": text, "amount": format_amount(amount)}


def _day(moment: datetime) -> str:
    day = to_ist(moment)
    return f"{day.day} {day:%b %Y}"
