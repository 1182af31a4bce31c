"""The admin's table of invoices, and the dated tax rates. Filters: kind, number (its beginning), from and to (days)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.catalog.service import Category
from app.core import clock
from app.core.datetimes import YEARS, parse_day
from app.core.paging import AnyRow, CountedPage, Query, Sort, fetch_page
from app.invoices.invoice import Invoice
from app.payments.tax import TaxRate

FILTERS = ("kind", "number", "from", "to")
SORTS = {"issued": Sort(Invoice.issued_at, datetime)}
SELECT_INVOICES: Query = select(
    Invoice.id,
    Invoice.number,
    Invoice.kind,
    Invoice.issued_at,
    Invoice.total,
    Invoice.tax,
    Invoice.content["recipient"]["name"].astext.label("recipient"),
    Booking.reference,
).join(Booking, Booking.id == Invoice.booking_id)


class InvoiceTable:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def listed(self, filters: Mapping[str, str], *, descending: bool, after: str) -> CountedPage:
        query = SELECT_INVOICES.where(*invoice_conditions(filters))
        return await fetch_page(
            self._db, query, key=Invoice.id, sort=SORTS["issued"], descending=descending, after=after
        )


class TaxRateTable:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def all(self) -> Sequence[AnyRow]:
        """Every rate with the name of its category, newest first."""
        query = select(TaxRate, Category.name.label("category")).outerjoin(Category, Category.id == TaxRate.category_id)
        return (await self._db.execute(query.order_by(TaxRate.valid_from.desc(), TaxRate.id.desc()).limit(200))).all()


def invoice_conditions(filters: Mapping[str, str]) -> Iterator[ColumnElement[bool]]:
    """The conditions of all filters."""
    if kind := filters.get("kind"):
        yield Invoice.kind == kind
    if number := filters.get("number"):
        yield Invoice.number.startswith(number.strip().upper(), autoescape=True)
    if since := parse_day(filters.get("from", ""), YEARS):
        yield Invoice.issued_at >= clock.at(since)
    if until := parse_day(filters.get("to", ""), YEARS):
        yield Invoice.issued_at < clock.at(until + timedelta(days=1))
