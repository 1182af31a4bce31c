"""Queries of invoices."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import any_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.errors import Missing
from app.core.paging import Page, clamp_limit, decode_cursor, page_of
from app.core.sql import fetch_row, fetch_value
from app.invoices.facts import BookingFacts
from app.invoices.invoice import CUSTOMER_KINDS, Draft, Invoice, InvoiceKind, financial_year
from app.invoices.supplier import DOORSTEP, Party
from app.payments.ledger import LedgerTransaction

FACTS_SQL = """
    SELECT b.reference, b.service_name, b.price, b.starts_at, b.customer_id, b.address, b.pincode,
           place.place, place.state, c.full_name AS customer, ci.gstin AS customer_gstin,
           ci.business_name AS customer_business, p.full_name AS professional, pi.gstin AS professional_gstin,
           pi.business_name AS professional_business, home.place AS home_place, home.pincode AS home_pincode,
           home.state AS home_state,
           (SELECT json_agg(json_build_array(e.text, e.price) ORDER BY e.id) FROM extras e
             WHERE e.booking_id = b.id AND e.state = 'approved') AS extras,
           (SELECT coalesce(sum(e.amount), 0)::bigint FROM ledger_transactions t
              JOIN ledger_entries e ON e.transaction_id = t.id
             WHERE t.booking_id = b.id AND t.kind = 'tip' AND e.account = 'gateway') AS tip,
           (SELECT s.value FROM settings s WHERE s.name = 'legal_name') AS legal_name,
           (SELECT s.value FROM settings s WHERE s.name = 'gstin') AS own_gstin
      FROM bookings b JOIN pincodes place ON place.pincode = b.pincode
      JOIN users c ON c.id = b.customer_id LEFT JOIN tax_identities ci ON ci.user_id = b.customer_id
      LEFT JOIN users p ON p.id = $2 LEFT JOIN tax_identities pi ON pi.user_id = $2
      LEFT JOIN professionals pro ON pro.user_id = $2 LEFT JOIN pincodes home ON home.pincode = pro.home_pincode
     WHERE b.id = $1
"""
# The number is taken in the same statement that writes the document, and is everyone else's again at the commit.
ISSUE_SQL = """
    WITH counter AS (
        INSERT INTO invoice_counters AS c (series, year, last) VALUES ($1::text, $2::text, 1)
        ON CONFLICT (series, year) DO UPDATE SET last = c.last + 1 RETURNING c.last
    )
    INSERT INTO invoices (number, series, year, sequence, kind, booking_id, person_id, corrects_id, transaction_id,
                          transaction_ids, issued_at, total, taxable, tax, content)
    SELECT CASE WHEN $1::text ~ '^D[A-Z]$'
                THEN concat($1::text, '/', left($2::text, 2), '-', right($2::text, 2), '/', lpad(last::text, 6, '0'))
                ELSE concat($1::text, '/', $2::text, '/', last) END,
           $1::text, $2::text, last, $3::text, $4::bigint, $5::bigint, $6::bigint, ($7::bigint[])[1], $7::bigint[],
           $8::timestamptz, $9::bigint, $9::bigint - $10::bigint, $10::bigint, $11::jsonb
      FROM counter RETURNING number
"""

# The numbers of a customer's documents of a booking `b`, oldest first, for its page (app.listeners).
NUMBERS_SQL = f"""ARRAY(SELECT i.number FROM invoices i WHERE i.booking_id = b.id
    AND i.kind IN ({", ".join(f"'{kind}'" for kind in CUSTOMER_KINDS)}) ORDER BY i.id)"""


class Invoices:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def facts_of(self, booking_id: int, professional_id: int | None) -> BookingFacts:
        """The booking and its people as they are now."""
        row = await fetch_row(self._db, FACTS_SQL, booking_id, professional_id)
        assert row is not None
        professional = None
        if row["professional"]:
            gstin = row["professional_gstin"] or ""
            professional = Party(
                row["professional"],
                gstin,
                row["professional_business"] or "",
                f"{row['home_place']} {row['home_pincode']}",
                row["home_state"],
            )
        customer = Party(
            row["customer"],
            row["customer_gstin"] or "",
            row["customer_business"] or "",
            f"{row['address']}, {row['place']} {row['pincode']}",
            row["state"],
        )
        return BookingFacts(
            reference=row["reference"],
            service=row["service_name"],
            price=row["price"],
            starts_at=row["starts_at"],
            customer_id=row["customer_id"],
            customer=customer,
            state=row["state"],
            professional=professional,
            extras=[(text, price) for text, price in row["extras"] or ()],
            tip=row["tip"],
            doorstep=DOORSTEP.party_with(row["legal_name"] or "", row["own_gstin"] or ""),
        )

    async def issue(self, draft: Draft) -> str:
        """Take the next number of the series and write the document; return the number.

        The counter's row stays locked until the end of the transaction: call it last.
        """
        number: str = await fetch_value(
            self._db,
            ISSUE_SQL,
            draft.series,
            financial_year(clock.today()),
            str(draft.kind),
            draft.booking_id,
            draft.person_id,
            draft.corrects_id,
            draft.transaction_ids,
            clock.now(),
            draft.total,
            draft.tax,
            json.dumps(draft.content, ensure_ascii=False),
        )
        return number

    async def invoice_of_charge(self, booking_id: int, charge_id: int, kind: InvoiceKind) -> Invoice | None:
        """The document of this kind about the transaction that took or claimed the charge."""
        taken = (
            select(LedgerTransaction.id)
            .where(
                LedgerTransaction.booking_id == booking_id,
                LedgerTransaction.charge_id == charge_id,
                LedgerTransaction.kind.in_(("capture", "receivable", "fee")),
            )
            .scalar_subquery()
        )
        query = select(Invoice).where(
            Invoice.booking_id == booking_id, Invoice.kind == kind, taken == any_(Invoice.transaction_ids)
        )
        return (await self._db.scalars(query.limit(1))).first()

    async def credited(self, invoice_id: int) -> int:
        """Paise that credit notes gave back of an invoice."""
        query = select(func.coalesce(func.sum(Invoice.total), 0)).where(Invoice.corrects_id == invoice_id)
        return int((await self._db.execute(query)).scalar_one())

    async def of_booking(self, booking_id: int, person_id: int) -> Sequence[Invoice]:
        """The person's documents of a booking, oldest first."""
        query = select(Invoice).where(Invoice.booking_id == booking_id, Invoice.person_id == person_id)
        return (await self._db.scalars(query.order_by(Invoice.id))).all()

    async def of_person(self, person_id: int, cursor: str | None, limit: int | None = None) -> Page[Invoice]:
        """The documents for a person, newest first."""
        page_size, last = clamp_limit(limit), decode_cursor(cursor, int)
        query = select(Invoice).where(Invoice.person_id == person_id).order_by(Invoice.id.desc()).limit(page_size + 1)
        if last is not None:
            query = query.where(Invoice.id < last[0])
        return page_of((await self._db.scalars(query)).all(), page_size, lambda invoice: [invoice.id])

    async def numbered(self, path_number: str, **owner: Any) -> Invoice:
        """The document with the number as it is in addresses ("DI-26-27-000123"). Missing unless it is the owner's."""
        query = select(Invoice).where(func.replace(Invoice.number, "/", "-") == path_number).filter_by(**owner)
        invoice = (await self._db.scalars(query)).one_or_none()
        if invoice is None:
            raise Missing
        return invoice
