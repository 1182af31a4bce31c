"""Build the SQL of each kind of export: the rows of the admin tables under the same filters, with names and ids.

Text cells that a spreadsheet would take for a formula begin with an apostrophe; numbers are never negative.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Numeric,
    SQLColumnExpression,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.accounts.address import Pincode
from app.accounts.contact_fields import typed_pincode
from app.accounts.professional import Professional
from app.accounts.repository import ROW_IDS
from app.accounts.user import User
from app.billing import ledger_repository
from app.billing.ledger_repository import PAYOUT_KINDS, ledger_conditions
from app.bookings.booking import Booking
from app.catalog.service import Category, Service
from app.core import clock
from app.core.csv_cells import FORMULA_STARTS
from app.core.paging import Query
from app.core.references import parse_row_id
from app.dispatch import repository as dispatch_repository
from app.dispatch.repository import AdminBookings, filter_conditions, search_conditions
from app.invoices import admin_repository as invoice_repository
from app.invoices.invoice import Invoice
from app.payments.charge import COUPON, CREDIT, Charge, ChargeState
from app.payments.ledger import LedgerEntry, LedgerTransaction
from app.people import customer_repository, professional_repository

INVOICE_AMOUNTS = ("taxable", "cgst", "sgst", "igst", "total")
MAX_FILTER_LENGTH = 100  # as in the tables
FILTER_FIELDS: Mapping[str, tuple[str, ...]] = {
    "bookings": ("q", *dispatch_repository.FILTERS),
    "customers": ("q", "state"),
    "professionals": ("q", "state", "service", "pincode"),
    "ledger": ledger_repository.FILTERS,
    "earnings": (),
    "invoices": invoice_repository.FILTERS,
}


FORMULA_START_CODES = tuple(map(ord, FORMULA_STARTS))
_customer, _professional = aliased(User), aliased(User)
_coupon, _credit = aliased(Charge), aliased(Charge)


class CompiledQuery(NamedTuple):
    """The statement for COPY and the one that counts its rows, each with its values in order."""

    rows_sql: str
    rows_values: Sequence[Any]
    count_sql: str
    count_values: Sequence[Any]


def clean_filters(kind: str, fields: Mapping[str, str]) -> dict[str, str]:
    """Keep the fields that the table itself reads, trimmed as it trims them."""
    values = {name: fields.get(name, "").strip()[:MAX_FILTER_LENGTH] for name in FILTER_FIELDS.get(kind, ())}
    return {name: value for name, value in values.items() if value}


async def compile_export_query(db: AsyncSession, kind: str, filters: Mapping[str, str], user_id: int) -> CompiledQuery:
    query = await _QUERY_BUILDERS[kind](db, filters, user_id)
    # Without columns and order PostgreSQL counts without sorting or joining names.
    return CompiledQuery(
        *_compiled(query), *_compiled(query.with_only_columns(func.count(), maintain_column_froms=True).order_by(None))
    )


def _compiled(query: Query) -> tuple[str, list[Any]]:
    dialect = asyncpg.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy gives it no types
    compiled = query.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    names: Sequence[str] = compiled.positiontup or ()
    return str(compiled), [compiled.params[name] for name in names]


async def _bookings(db: AsyncSession, filters: Mapping[str, str], _user_id: int) -> Query:
    found = await AdminBookings(db).search(filters.get("q", ""))
    return (
        select(
            Booking.reference.label("reference"),
            _safe_text(Booking.service_name).label("service"),
            _safe_text(Category.name).label("category"),
            Booking.state.label("state"),
            func.coalesce(Booking.cancelled_as, "").label("cancelled_as"),
            _timestamp(Booking.starts_at).label(_time_head("start")),
            Booking.minutes.label("minutes"),
            _safe_text(_customer.full_name).label("customer"),
            _safe_text(func.coalesce(_professional.full_name, "")).label("professional"),
            _safe_text(Pincode.place).label("area"),
            Booking.pincode.label("pincode"),
            _rupees(Booking.price).label("price"),
            _rupees(Booking.fee).label("fee"),
            func.coalesce(Booking.payment, "").label("payment"),
            func.coalesce(_coupon.coupon, "").label("coupon"),
            _rupees(func.coalesce(_coupon.amount, 0)).label("paid by coupon"),
            _rupees(func.coalesce(_credit.amount - _credit.released, 0)).label("paid with credit"),
            _timestamp(case((Booking.requested_at.is_not(None), Booking.created_at))).label(_time_head("booked")),
            _timestamp(Booking.assigned_at).label(_time_head("accepted")),
            _timestamp(Booking.completed_at).label(_time_head("completed")),
            Booking.rating.label("rating"),
        )
        .select_from(Booking)
        .join(Service, Service.id == Booking.service_id)
        .join(Category, Category.id == Service.category_id)
        .join(_customer, _customer.id == Booking.customer_id)
        .outerjoin(_professional, _professional.id == Booking.professional_id)
        .join(Pincode, Pincode.pincode == Booking.pincode)
        .outerjoin(_coupon, _promised(_coupon, COUPON))
        .outerjoin(_credit, _promised(_credit, CREDIT))
        .where(*filter_conditions(filters), *search_conditions(found))
        .order_by(Booking.id)
    )


def _promised(charge: type[Charge], method: str) -> ColumnElement[bool]:
    """What a coupon or credit pays of the booking: at most one charge of each."""
    states = (ChargeState.AUTHORISED, ChargeState.CAPTURED, ChargeState.REFUNDED)
    return and_(charge.booking_id == Booking.id, charge.method == method, charge.state.in_(states))


async def _customers(_db: AsyncSession, filters: Mapping[str, str], _user_id: int) -> Query:
    state = filters.get("state", "")
    person_filter = customer_repository.CustomerFilter(
        filters.get("q", ""), state if state in customer_repository.STATES else ""
    )
    return (
        customer_repository.filtered_query(person_filter)
        .with_only_columns(
            User.id.label("id"),
            _safe_text(User.full_name).label("name"),
            _safe_text(User.email).label("email"),
            _phone(User.phone).label("phone"),
            _safe_text(func.coalesce(Pincode.place, "")).label("area"),
            func.coalesce(Pincode.pincode, "").label("pincode"),
            _timestamp(User.created_at).label(_time_head("created")),
            _booking_count(Booking.customer_id).label("bookings"),
            maintain_column_froms=True,
        )
        .order_by(User.id)
    )


async def _professionals(_db: AsyncSession, filters: Mapping[str, str], _user_id: int) -> Query:
    state, service = filters.get("state", ""), parse_row_id(filters.get("service", ""))
    pincode = filters.get("pincode", "")
    person_filter = professional_repository.ProfessionalFilter(
        filters.get("q", ""),
        state if state in professional_repository.STATES else "",
        service if service in ROW_IDS else None,
        typed_pincode(pincode) or "",
    )
    return (
        professional_repository.filtered_query(person_filter)
        .with_only_columns(
            User.id.label("id"),
            _safe_text(User.full_name).label("name"),
            _safe_text(User.email).label("email"),
            _phone(User.phone).label("phone"),
            _safe_text(Professional.trade).label("trade"),
            Professional.experience_years.label("years"),
            Professional.approval_status.label("approval"),
            _safe_text(Pincode.place).label("area"),
            Pincode.pincode.label("pincode"),
            Professional.jobs.label("jobs"),
            _timestamp(User.created_at).label(_time_head("created")),
            maintain_column_froms=True,
        )
        .order_by(User.id)
    )


async def _ledger(_db: AsyncSession, filters: Mapping[str, str], _user_id: int) -> Query:
    person = aliased(User)
    return (
        _ledger_lines()
        .add_columns(_safe_text(func.coalesce(person.full_name, "")).label("person"))
        .outerjoin(person, person.id == LedgerEntry.person_id)
        .where(*ledger_conditions(filters))
        .order_by(LedgerEntry.id)
    )


async def _earnings(_db: AsyncSession, _filters: Mapping[str, str], user_id: int) -> Query:
    """Only the professional's own lines."""
    own = LedgerEntry.person_id == user_id, LedgerEntry.account.in_(("earnings", "payout_held", "tips"))
    other = aliased(LedgerEntry)
    commission = (
        select(func.coalesce(func.sum(func.abs(other.amount)), 0))
        .where(other.transaction_id == LedgerEntry.transaction_id, other.account == "commission")
        .scalar_subquery()
    )
    is_payout = LedgerTransaction.kind.in_(("payout_free", *PAYOUT_KINDS))  # moves what was earned before
    return (
        _ledger_lines()
        .add_columns(
            case((~is_payout, _rupees(func.abs(LedgerEntry.amount) + commission))).label("price"),
            case((~is_payout, _rupees(commission))).label("commission"),
            _rupees(func.abs(LedgerEntry.amount)).label("net"),
        )
        .where(*own)
        .order_by(LedgerEntry.id)
    )


async def _invoices(_db: AsyncSession, filters: Mapping[str, str], _user_id: int) -> Query:
    content = Invoice.content
    amounts = [_rupees(cast(content[name].astext, BigInteger)).label(name) for name in INVOICE_AMOUNTS]
    return (
        select(
            Invoice.number.label("number"),
            Invoice.kind.label("kind"),
            _timestamp(Invoice.issued_at).label(_time_head("issued")),
            Booking.reference.label("booking"),
            _safe_text(content["supplier"]["name"].astext).label("supplier"),
            _safe_text(func.coalesce(content["supplier"]["gstin"].astext, "")).label("supplier gstin"),
            _safe_text(content["recipient"]["name"].astext).label("billed to"),
            _safe_text(func.coalesce(content["recipient"]["gstin"].astext, "")).label("gstin"),
            _safe_text(content["place_of_supply"]["state"].astext).label("place of supply"),
            content["form"].astext.label("form"),
            content["sac"].astext.label("sac"),
            *amounts,
            func.coalesce(content["corrects"]["number"].astext, "").label("corrects"),
        )
        .select_from(Invoice)
        .join(Booking, Booking.id == Invoice.booking_id)
        .where(*invoice_repository.invoice_conditions(filters))
        .order_by(Invoice.id)
    )


def _ledger_lines() -> Query:
    """Ledger lines with debit and credit columns, so that no cell begins with a minus."""
    return (
        select(
            LedgerEntry.id.label("line"),
            _timestamp(LedgerTransaction.at).label(_time_head("time")),
            func.coalesce(Booking.reference, "").label("booking"),
            _safe_text(func.coalesce(Booking.service_name, "")).label("service"),
            LedgerTransaction.kind.label("kind"),
            LedgerEntry.account.label("account"),
            _rupees(func.greatest(LedgerEntry.amount, 0)).label("debit"),
            _rupees(func.greatest(-LedgerEntry.amount, 0)).label("credit"),
        )
        .select_from(LedgerEntry)
        .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
        .outerjoin(Booking, Booking.id == LedgerTransaction.booking_id)
    )


def _booking_count(column: Any) -> ColumnElement[int]:
    counted = select(func.count()).select_from(Booking).where(column == User.id, Booking.requested_at.is_not(None))
    return counted.scalar_subquery()


def _safe_text(column: SQLColumnExpression[str]) -> ColumnElement[str]:
    first = func.ascii(column)  # 0 of an empty text
    signs: list[ColumnElement[int]] = [literal_column(str(code)) for code in FORMULA_START_CODES]
    # One comparison settles nearly every cell of a million rows.
    return case(
        (first > literal_column(str(max(FORMULA_START_CODES))), column),
        (first.in_(signs), literal("'", Text) + column),
        else_=column,
    )


def _rupees(paise: SQLColumnExpression[int]) -> ColumnElement[Decimal]:
    """Convert to rupees, exact: 149.00."""
    return cast(cast(paise, Numeric) / 100, Numeric(14, 2))


def _timestamp(column: SQLColumnExpression[Any]) -> ColumnElement[datetime]:
    """Truncate to seconds of Asia/Kolkata, as spreadsheets read it: 2026-11-22 15:30:00. The head names the zone.

    PostgreSQL's own format is used: to_char took a fifth of an export's time.
    """
    return func.date_trunc(literal_column("'second'"), func.timezone(literal_column(f"'{clock.IST}'"), column))


def _time_head(name: str) -> str:
    return f"{name} ({clock.IST})"


def _phone(column: SQLColumnExpression[str]) -> ColumnElement[str]:
    """A phone as people write it, +91 98401 54321: with blanks, no spreadsheet takes it for a formula or a number."""
    indian = func.regexp_replace(column, r"^\+91(\d{5})(\d{5})$", r"+91 \1 \2")
    spaced = func.regexp_replace(indian, r"^(\+\d\d)(\d+)$", r"\1 \2")
    return case((column.regexp_match(r"^\+\d+$"), spaced), else_=_safe_text(column))


_QUERY_BUILDERS = {
    "bookings": _bookings,
    "customers": _customers,
    "professionals": _professionals,
    "ledger": _ledger,
    "earnings": _earnings,
    "invoices": _invoices,
}
