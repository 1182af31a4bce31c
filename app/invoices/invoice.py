"""Issued documents: invoices, credit notes, and the same for the commission. Rows are only ever added."""

import enum
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.orm import Base, NaturalKeyBase

FIRST_MONTH_OF_YEAR = 4  # India's financial year begins in April
MAX_NUMBER_LENGTH = 16  # GST rule 46
BASE36_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class InvoiceKind(enum.StrEnum):
    INVOICE = "invoice"  # a job or a kept fee, to the customer
    CREDIT_NOTE = "credit_note"  # of it
    COMMISSION = "commission"  # Doorstep's commission, to the professional
    COMMISSION_CREDIT = "commission_credit"  # of it


OWN_SERIES = {
    InvoiceKind.INVOICE: "DI",
    InvoiceKind.CREDIT_NOTE: "DC",
    InvoiceKind.COMMISSION: "DM",
    InvoiceKind.COMMISSION_CREDIT: "DN",
}
CUSTOMER_KINDS = (InvoiceKind.INVOICE, InvoiceKind.CREDIT_NOTE)
CREDIT_KINDS = {InvoiceKind.CREDIT_NOTE, InvoiceKind.COMMISSION_CREDIT}


@dataclass(frozen=True, slots=True)
class Draft:
    """A document before it has its number. Money in paise; `content` is all that it says (app.invoices.content)."""

    kind: InvoiceKind
    series: str
    booking_id: int
    person_id: int
    transaction_ids: list[int]
    total: int
    tax: int
    content: dict[str, Any]
    corrects_id: int | None = None


class InvoiceCounter(NaturalKeyBase):
    """The last number of a series in a financial year ("2627"); its row is locked until the number is committed."""

    __tablename__ = "invoice_counters"
    __table_args__ = (CheckConstraint("last > 0", name="invoice_counters_last_check"),)
    series: Mapped[str] = mapped_column(primary_key=True)
    year: Mapped[str] = mapped_column(String(4), primary_key=True)
    last: Mapped[int] = mapped_column(Integer)


class Invoice(Base):
    """A document as it was issued, in `content`; `person_id` is whom it is for. Money in paise.

    `transaction_ids` are the ledger's transactions that it is about, `transaction_id` the first of them.
    """

    __tablename__ = "invoices"
    __table_args__ = (
        UniqueConstraint("number", name="invoices_number_key"),
        UniqueConstraint("series", "year", "sequence", name="invoices_sequence_key"),
        UniqueConstraint("kind", "transaction_id", name="invoices_transaction_key"),
        CheckConstraint(
            "kind IN ('invoice', 'credit_note', 'commission', 'commission_credit')", name="invoices_kind_check"
        ),
        CheckConstraint("length(number) BETWEEN 1 AND 16", name="invoices_number_check"),
        CheckConstraint("sequence > 0", name="invoices_sequence_check"),
        CheckConstraint("total > 0 AND taxable >= 0 AND tax >= 0 AND taxable + tax = total", name="invoices_sum_check"),
        CheckConstraint(
            "(kind IN ('credit_note', 'commission_credit')) = (corrects_id IS NOT NULL)", name="invoices_corrects_check"
        ),
        CheckConstraint("transaction_ids[1] = transaction_id", name="invoices_transactions_check"),
        Index("invoices_booking_id_idx", "booking_id"),
        Index("invoices_person_id_idx", "person_id", "id"),
        Index("invoices_issued_at_idx", "issued_at", "id"),
    )
    number: Mapped[str]
    series: Mapped[str]
    year: Mapped[str] = mapped_column(String(4))
    sequence: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str]
    booking_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("bookings.id"))
    person_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"))
    corrects_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("invoices.id"))
    transaction_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("ledger_transactions.id"))
    transaction_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    issued_at: Mapped[datetime]
    total: Mapped[int]
    taxable: Mapped[int]
    tax: Mapped[int]
    content: Mapped[dict[str, Any]]


def financial_year(day: date) -> str:
    """The Indian financial year of a day: "2627" is April 2026 to March 2027."""
    first = day.year if day.month >= FIRST_MONTH_OF_YEAR else day.year - 1
    return f"{first % 100:02}{(first + 1) % 100:02}"


def professional_series(professional_id: int, kind: InvoiceKind) -> str:
    """The series of a registered professional, who is the supplier: "P1Z" for invoices, "C1Z" for credit notes."""
    digits, left = "", professional_id
    while left:
        left, digit = divmod(left, len(BASE36_DIGITS))
        digits = BASE36_DIGITS[digit] + digits
    return ("C" if kind in CREDIT_KINDS else "P") + digits


def path_number(number: str) -> str:
    """The number as a part of an address: "DI-26-27-000123"."""
    return number.replace("/", "-")
