"""Issue documents for what a transaction did to the ledger, at its end: the numbers are locked for the commit alone."""

from collections.abc import Iterable, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.invoices.content import (
    draft_commission,
    draft_commission_credit,
    draft_credit_note,
    draft_fee_invoice,
    draft_invoice,
)
from app.invoices.facts import Movement, movement_of
from app.invoices.invoice import Draft, InvoiceKind
from app.invoices.repository import Invoices
from app.payments.charges import Posted, pop_posted

JOB_KINDS, FEE_KINDS, REFUND_KINDS = ("capture", "receivable"), ("fee",), ("refund",)


async def issue_documents(db: AsyncSession) -> None:
    """Issue what the session's money calls for; the last thing before the commit.

    Series are taken in one order, so that two transactions never wait for each other's.
    """
    posted = pop_posted(db)
    if posted:
        await db.flush()
        await issue_for(db, posted)


async def issue_for(db: AsyncSession, posted: Sequence[Posted]) -> None:
    """Issue what these written transactions call for."""
    drafts: list[Draft] = []
    booking_ids = dict.fromkeys(item.transaction.booking_id for item in posted)
    for booking_id in booking_ids:
        if booking_id is not None:
            drafts += await _drafts(
                db, booking_id, [item for item in posted if item.transaction.booking_id == booking_id]
            )
    for draft in sorted(drafts, key=lambda draft: (draft.series, draft.transaction_ids)):
        await Invoices(db).issue(draft)


async def _drafts(db: AsyncSession, booking_id: int, posted: Iterable[Posted]) -> list[Draft]:
    job = _movement(posted, JOB_KINDS)
    fee = _movement(posted, FEE_KINDS)
    drafts: list[Draft] = []
    for movement, draft_of in ((job, draft_invoice), (fee, draft_fee_invoice)):
        if movement.paid > 0:
            facts = await Invoices(db).facts_of(booking_id, movement.professional_id)
            drafts.append(draft_of(facts, booking_id, movement, facts.doorstep))
            if movement.professional_id is not None and movement.commission > 0:
                drafts.append(draft_commission(facts, booking_id, movement, facts.doorstep))
    return [*drafts, *await _credit_drafts(db, booking_id, posted)]


async def _credit_drafts(db: AsyncSession, booking_id: int, posted: Iterable[Posted]) -> list[Draft]:
    """One credit note for each document that refunds of this session take something of."""
    invoices, drafts = Invoices(db), list[Draft]()
    by_invoice: dict[tuple[InvoiceKind, int], list[Posted]] = {}
    found = {}
    for item in posted:
        charge = item.transaction.charge
        if item.transaction.kind in REFUND_KINDS and charge is not None:
            for kind in (InvoiceKind.INVOICE, InvoiceKind.COMMISSION):
                invoice = await invoices.invoice_of_charge(booking_id, charge.id, kind)
                if invoice is not None:
                    found[invoice.id] = invoice
                    by_invoice.setdefault((kind, invoice.id), []).append(item)
    for (kind, invoice_id), items in by_invoice.items():
        refund = movement_of(((item.transaction, item.tax) for item in items), sign=-1)
        if kind == InvoiceKind.INVOICE and refund.paid > 0:
            drafts.append(draft_credit_note(found[invoice_id], refund, await invoices.credited(invoice_id)))
        if kind == InvoiceKind.COMMISSION and refund.earning > 0 and refund.commission > 0:
            drafts.append(draft_commission_credit(found[invoice_id], refund))
    return drafts


def _movement(posted: Iterable[Posted], kinds: tuple[str, ...]) -> Movement:
    return movement_of((item.transaction, item.tax) for item in posted if item.transaction.kind in kinds)
