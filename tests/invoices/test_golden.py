"""Twelve documents as they are issued, on the page and as PDF, word for word.

After a change that is meant: GOLDEN=write bin/test tests/invoices/test_golden.py, and read what git shows.
"""

import os
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from app.invoices.content import draft_commission, draft_credit_note, draft_fee_invoice, draft_invoice
from app.invoices.document import document_of, pdf_of
from app.invoices.facts import BookingFacts, Movement, movement_of
from app.invoices.invoice import Draft, Invoice
from app.invoices.supplier import Party
from app.payments.booking_money import BookingMoney
from app.payments.ledger import LedgerTransaction, new_transaction
from app.payments.pretend_bank import Authorisation, Instrument
from app.payments.tax import tax_rule
from app.services import page_templates

GOLDEN = Path(__file__).parent / "golden"
WRITE = os.environ.get("GOLDEN") == "write"
ISSUED_AT = datetime(2026, 12, 1, 6, 30, tzinfo=UTC)
RAVI, BOOKING_ID = 12, 7
DOORSTEP = Party("Doorstep Home Services Pvt Ltd", "33AAAAA0000A1Z9", state="Tamil Nadu")
ASHA = Party("Asha Raman", address="Flat 3B, Kasturba Nagar, Adyar 600020", state="Tamil Nadu")
PROFESSIONAL = Party("Ravi Kumar", address="Adyar 600020", state="Tamil Nadu")
REGISTERED = Party("Ravi Kumar", "33AAAAA0000A1Z9", "Ravi Plumbing", "Adyar 600020", "Tamil Nadu")
UNREGISTERED_RULE = tax_rule("9(5)", 18_00, "998719", commission_rate=18_00)
REGISTERED_RULE = tax_rule("9(5)", 18_00, "998719", commission_rate=18_00, is_registered=True)
FACTS = BookingFacts(
    reference="7K3MQ9WD",
    service="Fixing leaks and pipes",
    price=149_00,
    starts_at=datetime(2026, 12, 1, 4, 30, tzinfo=UTC),
    customer_id=5,
    customer=ASHA,
    state="Tamil Nadu",
    professional=PROFESSIONAL,
)


@dataclass(frozen=True)
class Job:
    """A job or fee as the ledger has it."""

    facts: BookingFacts = FACTS
    rule: Any = UNREGISTERED_RULE
    fee: int = 0
    coupon: int = 0

    def transactions(self) -> list[LedgerTransaction]:
        money = BookingMoney(BOOKING_ID, self.facts.customer_id, tax=self.rule)
        card = Authorisation("authorised", Instrument("card", "Visa", "4242"))
        total = self.facts.price + sum(price for _text, price in self.facts.extras)
        money.authorise(self.facts.price, "booking", card)
        if self.fee:
            money.take_fee(RAVI, self.fee)
        else:
            money.capture(RAVI, total, held_payout=False)
        return [item for item in money.transactions if item.kind in ("capture", "receivable", "fee")]

    def movement(self) -> Movement:
        transactions = self.transactions()
        for number, transaction in enumerate(transactions, 1):
            transaction.id = number
        movement = movement_of((transaction, self.rule) for transaction in transactions)
        movement.coupon = self.coupon
        return movement


def issued(draft: Draft, number: str) -> Invoice:
    return Invoice(
        id=1,
        number=number,
        series=draft.series,
        kind=str(draft.kind),
        booking_id=draft.booking_id,
        person_id=draft.person_id,
        issued_at=ISSUED_AT,
        total=draft.total,
        tax=draft.tax,
        content=draft.content,
    )


def invoice_of(job: Job, number: str = "DI/26-27/000123") -> Invoice:
    draft_of = draft_fee_invoice if job.fee else draft_invoice
    return issued(draft_of(job.facts, BOOKING_ID, job.movement(), DOORSTEP), number)


def partial_refund() -> Invoice:
    invoice = invoice_of(Job())
    lines = [("gateway", None, -49_00), ("tax", None, 7_48), ("earnings", RAVI, 34_18), ("commission", None, 7_34)]
    refund = new_transaction("refund", BOOKING_ID, None, lines)
    refund.id = 9
    return issued(draft_credit_note(invoice, movement_of([(refund, None)], sign=-1), 0), "DC/26-27/000004")


def commission() -> Invoice:
    return issued(draft_commission(FACTS, BOOKING_ID, Job().movement(), DOORSTEP), "DM/26-27/000123")


CASES = {
    "intra_state": lambda: invoice_of(Job()),
    "inter_state": lambda: invoice_of(
        Job(replace(FACTS, state="Karnataka", customer=replace(ASHA, state="Karnataka")))
    ),
    "coupon": lambda: invoice_of(Job(coupon=50_00)),
    "extra_work": lambda: invoice_of(Job(replace(FACTS, extras=[("New washer & tap", 250_50)]))),
    "partial_refund": partial_refund,
    "fee_only": lambda: invoice_of(Job(fee=100_00)),
    "tip": lambda: invoice_of(Job(replace(FACTS, tip=50_00))),
    "section_9_5": lambda: invoice_of(Job(replace(FACTS, price=1_23_456_50))),
    "section_52": lambda: invoice_of(Job(replace(FACTS, professional=REGISTERED), REGISTERED_RULE), "PC/2627/41"),
    "registered_buyer": lambda: invoice_of(
        Job(replace(FACTS, customer=replace(ASHA, gstin="33AAAAA0000A1Z9", business_name="Raman & Sons")))
    ),
    "tamil_name_with_emoji": lambda: invoice_of(
        Job(replace(FACTS, customer=replace(ASHA, name="ஆஷா ராமன் \U0001f338", business_name="#panic() <b>*")))
    ),
    "tax_off": lambda: invoice_of(Job(rule=None)),
    "commission": commission,
}


@pytest.mark.parametrize("case", CASES)
async def test_a_document_is_word_for_word_what_it_was(case) -> None:
    invoice = CASES[case]()
    html = page_templates().get_template("invoices/_document.html").render(invoice=document_of(invoice))
    shown = {"page": text_of_html(html), "pdf": text_of_pdf(await pdf_of(invoice))}
    for kind, text in shown.items():
        file = GOLDEN / f"{case}.{kind}.txt"
        if WRITE:
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES)
def test_the_parts_add_up_to_the_paisa(case) -> None:
    content = CASES[case]().content
    assert content["taxable"] + content["cgst"] + content["sgst"] + content["igst"] == content["total"]
    assert sum(line["amount"] for line in content["lines"]) == content["total"]
    assert content["cgst"] == content["sgst"]


def test_what_people_typed_is_escaped() -> None:
    invoice = document_of(CASES["tamil_name_with_emoji"]())
    html = page_templates().get_template("invoices/_document.html").render(invoice=invoice)
    assert "&lt;b&gt;" in html
    assert "<b>" not in html


def text_of_html(html: str) -> str:
    text = re.sub(r"<[^>]+>", "\n", html)
    return "\n".join(line.strip() for line in unescape(text).split("\n") if line.strip()) + "\n"


def text_of_pdf(document: bytes) -> str:
    pages = [page.extract_text() for page in PdfReader(BytesIO(document)).pages]
    return "\n".join(line.strip() for line in "\n".join(pages).split("\n") if line.strip()) + "\n"
