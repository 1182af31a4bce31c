"""What a document says, as JSON: decided once, when it is issued. Money in paise; without I/O."""

from typing import Any

from app.invoices.facts import BookingFacts, Movement
from app.invoices.invoice import OWN_SERIES, Draft, Invoice, InvoiceKind, professional_series
from app.invoices.supplier import Party
from app.invoices.words import amount_in_words
from app.payments.shares import rounded_share
from app.payments.tax import TaxRule, included_tax

Line = dict[str, Any]


def draft_invoice(facts: BookingFacts, booking_id: int, job: Movement, doorstep: Party) -> Draft:
    """The customer's invoice for a job. Coupon and credit are payments: they change no price."""
    lines = [_line("work", facts.service, facts.price)]
    lines += [_line("extra", text, price) for text, price in facts.extras]
    rest = job.paid - sum(line["amount"] for line in lines)
    if rest:
        lines.append(_line("released", "", rest))
    return _customer_draft(facts, booking_id, job, lines, doorstep)


def draft_fee_invoice(facts: BookingFacts, booking_id: int, fee: Movement, doorstep: Party) -> Draft:
    """The customer's invoice for a kept fee."""
    return _customer_draft(facts, booking_id, fee, [_line("fee", facts.service, fee.paid)], doorstep, tip=0)


def draft_credit_note(invoice: Invoice, refund: Movement, credited: int) -> Draft:
    """The credit note of a refund; `credited` paise of the invoice were credited before.

    The tax is that of the ledger, or of the professional's own invoice its part, pro rata in even paise.
    """
    content = invoice.content
    tax = refund.tax
    if content["form"] == "52":
        after = rounded_share(content["tax"] // 2, credited + refund.paid, invoice.total)
        tax = 2 * (after - rounded_share(content["tax"] // 2, credited, invoice.total))
    series = professional_series(refund.professional_id or 0, InvoiceKind.CREDIT_NOTE)
    if invoice.series == OWN_SERIES[InvoiceKind.INVOICE]:
        series = OWN_SERIES[InvoiceKind.CREDIT_NOTE]
    else:
        series = "C" + invoice.series[1:]
    return _correction(invoice, InvoiceKind.CREDIT_NOTE, series, refund, refund.paid, tax, "refund")


def draft_commission(facts: BookingFacts, booking_id: int, job: Movement, doorstep: Party) -> Draft:
    """Doorstep's invoice to the professional for its commission on a job or fee."""
    assert facts.professional is not None
    assert job.professional_id is not None
    rate = job.rule.commission_rate if job.rule else 0
    sac = job.rule.commission_sac if job.rule else ""
    total = job.commission + job.commission_tax
    content = _content(
        supplier=doorstep,
        recipient=facts.professional,
        facts=facts,
        place=facts.professional.state,
        lines=[_line("commission", facts.service, total)],
        total=total,
        tax=job.commission_tax,
        rate=rate if job.commission_tax else 0,
        sac=sac if job.commission_tax else "",
        form="",
    )
    kind = InvoiceKind.COMMISSION
    return Draft(
        kind, OWN_SERIES[kind], booking_id, job.professional_id, job.transaction_ids, total, job.commission_tax, content
    )


def draft_commission_credit(invoice: Invoice, refund: Movement) -> Draft:
    """What of the commission is given back, when the professional bears a part of a refund."""
    kind = InvoiceKind.COMMISSION_CREDIT
    total = refund.commission + refund.commission_tax
    return _correction(invoice, kind, OWN_SERIES[kind], refund, total, refund.commission_tax, "commission")


def _customer_draft(
    facts: BookingFacts, booking_id: int, job: Movement, lines: list[Line], doorstep: Party, tip: int | None = None
) -> Draft:
    rule, kind = job.rule, InvoiceKind.INVOICE
    by_professional = rule is not None and rule.form == "52" and facts.professional is not None
    tax = _tax_of(job, rule)
    series = OWN_SERIES[kind]
    if by_professional and facts.professional and facts.professional.gstin:
        series = professional_series(job.professional_id or 0, kind)
    content = _content(
        supplier=facts.professional if by_professional and facts.professional else doorstep,
        recipient=facts.customer,
        facts=facts,
        place=facts.state,
        lines=lines,
        total=job.paid,
        tax=tax,
        rate=rule.rate if rule and tax else 0,
        sac=rule.sac if rule and tax else "",
        form=rule.form if rule else "",
    )
    content["coupon"], content["credit"] = job.coupon, job.credit
    content["tip"] = facts.tip if tip is None else tip
    return Draft(kind, series, booking_id, facts.customer_id, job.transaction_ids, job.paid, tax, content)


def _tax_of(job: Movement, rule: TaxRule | None) -> int:
    """The tax in the price: what Doorstep owes by the ledger, or what the professional owes."""
    if rule is None:
        return 0
    return job.tax if rule.form == "9(5)" else included_tax(job.paid, rule.rate)


def _correction(
    invoice: Invoice, kind: InvoiceKind, series: str, refund: Movement, total: int, tax: int, line: str
) -> Draft:
    content: dict[str, Any] = {
        **invoice.content,
        "lines": [_line(line, invoice.content["service"], total)],
        "corrects": {"number": invoice.number, "issued_at": invoice.issued_at.isoformat()},
        "coupon": 0,
        "credit": 0,
        "tip": 0,
        **_sums(total, tax, is_local=not invoice.content["igst"]),
    }
    return Draft(
        kind, series, invoice.booking_id, invoice.person_id, refund.transaction_ids, total, tax, content, invoice.id
    )


def _content(
    *,
    supplier: Party,
    recipient: Party,
    facts: BookingFacts,
    place: str,
    lines: list[Line],
    total: int,
    tax: int,
    rate: int,
    sac: str,
    form: str,
) -> dict[str, Any]:
    return {
        "supplier": _party(supplier),
        "recipient": _party(recipient),
        "booking": facts.reference,
        "service": facts.service,
        "starts_at": facts.starts_at.isoformat(),
        "professional": facts.professional.name if facts.professional else "",
        "place_of_supply": _party(Party("", state=place)),
        "form": form,
        "sac": sac,
        "rate": rate,
        "lines": lines,
        "corrects": None,
        "coupon": 0,
        "credit": 0,
        "tip": 0,
        **_sums(total, tax, is_local=supplier.state == place),
    }


def _sums(total: int, tax: int, *, is_local: bool) -> dict[str, Any]:
    """Within a state the tax has two equal halves, CGST and SGST; between states it is IGST."""
    half = tax // 2
    return {
        "total": total,
        "taxable": total - tax,
        "tax": tax,
        "cgst": half if is_local else 0,
        "sgst": tax - half if is_local else 0,
        "igst": 0 if is_local else tax,
        "in_words": amount_in_words(total),
    }


def _line(kind: str, text: str, amount: int) -> Line:
    return {"kind": kind, "text": text, "amount": amount}


def _party(party: Party) -> dict[str, str]:
    return {
        "name": party.name,
        "business_name": party.business_name,
        "gstin": party.gstin,
        "address": party.address,
        "state": party.state,
        "state_code": party.state_code,
    }
