"""What stands in each file: the rows of the desk's tables with the same filters, names and not only numbers.

Cells of text that a spreadsheet would take for a formula begin with an apostrophe; numbers are never below zero.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Numeric,
    SQLColumnExpression,
    Text,
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
from app.accounts.professional import Professional
from app.accounts.repository import IDS
from app.accounts.user import User
from app.billing.ledger_repository import lines_asked
from app.bookings.booking import Booking
from app.catalog.service import Category, Service
from app.core.keyset import Query
from app.core.references import row_number
from app.dispatch.repository import Desk, called, conditions
from app.payments.ledger import LedgerEntry, LedgerTransaction
from app.people import customer_repository, professional_repository

FORMULA = tuple(ord(sign) for sign in "=+-@\t\r\n")  # what Excel, LibreOffice and their like would work out
_customer, _worker = aliased(User), aliased(User)


class Asked(NamedTuple):
    """One statement for COPY, one that counts its rows, each with its values in order."""

    rows: str
    values: Sequence[Any]
    counting: str
    counting_values: Sequence[Any]


async def query_of(db: AsyncSession, kind: str, filters: Mapping[str, str], asker: int) -> Asked:
    made = await _KINDS[kind](db, filters, asker)
    # Without its order and columns PostgreSQL counts without sorting, and without names that decide nothing.
    return Asked(
        *_compiled(made), *_compiled(made.with_only_columns(func.count(), maintain_column_froms=True).order_by(None))
    )


def _compiled(query: Query) -> tuple[str, list[Any]]:
    dialect = asyncpg.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy gives it no types
    compiled = query.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    names: Sequence[str] = compiled.positiontup or ()
    return str(compiled), [compiled.params[name] for name in names]


async def _bookings(db: AsyncSession, filters: Mapping[str, str], _asker: int) -> Query:
    found = await Desk(db).named(filters.get("q", ""))
    return (
        select(
            Booking.reference.label("reference"),
            _text(Booking.service_name).label("service"),
            _text(Category.name).label("category"),
            Booking.state.label("state"),
            func.coalesce(Booking.cancelled_as, "").label("cancelled_as"),
            _moment(Booking.starts_at).label("starts"),
            Booking.minutes.label("minutes"),
            _text(_customer.full_name).label("customer"),
            _text(func.coalesce(_worker.full_name, "")).label("professional"),
            _text(Pincode.place).label("area"),
            Booking.pincode.label("pincode"),
            _rupees(Booking.price).label("price"),
            _rupees(Booking.fee).label("fee"),
            func.coalesce(Booking.payment, "").label("payment"),
            _moment(Booking.requested_at).label("booked"),
            _moment(Booking.assigned_at).label("accepted"),
            _moment(Booking.completed_at).label("completed"),
            Booking.rating.label("rating"),
        )
        .select_from(Booking)
        .join(Service, Service.id == Booking.service_id)
        .join(Category, Category.id == Service.category_id)
        .join(_customer, _customer.id == Booking.customer_id)
        .outerjoin(_worker, _worker.id == Booking.professional_id)
        .join(Pincode, Pincode.pincode == Booking.pincode)
        .where(*conditions(filters), *called(found))
        .order_by(Booking.id)
    )


async def _customers(_db: AsyncSession, filters: Mapping[str, str], _asker: int) -> Query:
    state = filters.get("state", "")
    wanted = customer_repository.Wanted(filters.get("q", ""), state if state in customer_repository.STATES else "")
    return (
        customer_repository.found(wanted)
        .with_only_columns(
            User.id.label("id"),
            _text(User.full_name).label("name"),
            _text(User.email).label("email"),
            _text(User.phone).label("phone"),
            _text(func.coalesce(Pincode.place, "")).label("area"),
            func.coalesce(Pincode.pincode, "").label("pincode"),
            _moment(User.created_at).label("since"),
            _bookings_of(Booking.customer_id).label("bookings"),
            maintain_column_froms=True,
        )
        .order_by(User.id)
    )


async def _professionals(_db: AsyncSession, filters: Mapping[str, str], _asker: int) -> Query:
    state, service = filters.get("state", ""), row_number(filters.get("service", ""))
    pincode = filters.get("pincode", "")
    wanted = professional_repository.Wanted(
        filters.get("q", ""),
        state if state in professional_repository.STATES else "",
        service if service in IDS else None,
        pincode if pincode.isdecimal() else "",
    )
    return (
        professional_repository.found(wanted)
        .with_only_columns(
            User.id.label("id"),
            _text(User.full_name).label("name"),
            _text(User.email).label("email"),
            _text(User.phone).label("phone"),
            _text(Professional.trade).label("trade"),
            Professional.experience_years.label("years"),
            Professional.standing.label("standing"),
            _text(Pincode.place).label("area"),
            Pincode.pincode.label("pincode"),
            Professional.jobs.label("jobs"),
            _moment(User.created_at).label("since"),
            maintain_column_froms=True,
        )
        .order_by(User.id)
    )


async def _ledger(_db: AsyncSession, filters: Mapping[str, str], _asker: int) -> Query:
    person = aliased(User)
    return (
        _lines()
        .add_columns(_text(func.coalesce(person.full_name, "")).label("person"))
        .outerjoin(person, person.id == LedgerEntry.person_id)
        .where(*lines_asked(filters))
        .order_by(LedgerEntry.id)
    )


async def _earnings(_db: AsyncSession, _filters: Mapping[str, str], asker: int) -> Query:
    """A professional's own lines, and nobody else's."""
    own = LedgerEntry.person_id == asker, LedgerEntry.account.in_(("earnings", "payout_held"))
    return _lines().where(*own).order_by(LedgerEntry.id)


def _lines() -> Query:
    """Two columns of money, so that no cell begins with a minus."""
    return (
        select(
            LedgerEntry.id.label("line"),
            _moment(LedgerTransaction.at).label("at"),
            Booking.reference.label("booking"),
            _text(Booking.service_name).label("service"),
            LedgerTransaction.kind.label("kind"),
            LedgerEntry.account.label("account"),
            _rupees(func.greatest(LedgerEntry.amount, 0)).label("debit"),
            _rupees(func.greatest(-LedgerEntry.amount, 0)).label("credit"),
        )
        .select_from(LedgerEntry)
        .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
        .join(Booking, Booking.id == LedgerTransaction.booking_id)
    )


def _bookings_of(column: Any) -> ColumnElement[int]:
    counted = select(func.count()).select_from(Booking).where(column == User.id, Booking.requested_at.is_not(None))
    return counted.scalar_subquery()


def _text(column: SQLColumnExpression[str]) -> ColumnElement[str]:
    first = func.ascii(column)  # 0 of an empty text
    signs: list[ColumnElement[int]] = [literal_column(str(code)) for code in FORMULA]
    # Letters are told apart by one comparison: that is nearly every cell of a million rows.
    return case(
        (first > literal_column(str(max(FORMULA))), column),
        (first.in_(signs), literal("'", Text) + column),
        else_=column,
    )


def _rupees(paise: SQLColumnExpression[int]) -> ColumnElement[Decimal]:
    """149.00, exact."""
    return cast(cast(paise, Numeric) / 100, Numeric(14, 2))


def _moment(column: SQLColumnExpression[Any]) -> ColumnElement[datetime]:
    """2026-11-22 15:30:00+05:30, by the zone of the line that copies (tasks.exports); empty where there is none.

    As PostgreSQL writes it: to_char took a fifth of an export.
    """
    return func.date_trunc(literal_column("'second'"), column)


_KINDS = {
    "bookings": _bookings,
    "customers": _customers,
    "professionals": _professionals,
    "ledger": _ledger,
    "earnings": _earnings,
}
