"""The admin's table of invoices, and the dated tax rates. Filters: kind, number (its beginning), from and to (days)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.catalog.service import Category
from app.core import clock
from app.core.datetimes import YEARS, parse_day
from app.core.db import violated_constraint
from app.core.errors import Invalid
from app.core.i18n import _
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
        query = SELECT_INVOICES.where(*_conditions(filters))
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

    async def add(self, rate: TaxRate) -> None:
        """Invalid("valid_from") when there is one from the same day."""
        try:
            async with self._db.begin_nested():
                self._db.add(rate)
        except IntegrityError as clash:
            if violated_constraint(clash) != "tax_rates_day_key":
                raise
            raise Invalid({"valid_from": _("There's a rate from this day already. Choose another day.")}) from clash


def _conditions(filters: Mapping[str, str]) -> Iterator[ColumnElement[bool]]:
    if kind := filters.get("kind"):
        yield Invoice.kind == kind
    if number := filters.get("number"):
        yield Invoice.number.startswith(number.strip().upper(), autoescape=True)
    if since := parse_day(filters.get("from", ""), YEARS):
        yield Invoice.issued_at >= clock.at(since)
    if until := parse_day(filters.get("to", ""), YEARS):
        yield Invoice.issued_at < clock.at(until + timedelta(days=1))
