"""The ledger as the desk lists it: line by line, by the booking that it is about.

The fields of /admin/ledger, each may be left out: account (one of app.payments.ledger.ACCOUNTS, or revenue: what
reached us or is owed to us), kind (one of KINDS); category, pincode, professional and service of the booking; from and
to, the days in which its work begins.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.core.keyset import AnyRow, Query, Slice, Sort, slice_of
from app.dispatch.repository import conditions
from app.payments.ledger import ACCOUNTS, KINDS, LedgerEntry, LedgerTransaction

FILTERS = ("account", "kind", "from", "to", "category", "pincode", "professional", "service")
GROUPS = {"revenue": ("gateway", "receivable"), **{account: (account,) for account in ACCOUNTS}}
SORTS = {"starts": Sort(Booking.starts_at, datetime)}
_LINES: Query = (
    select(
        LedgerEntry.id,
        LedgerEntry.account,
        LedgerEntry.amount,
        LedgerTransaction.kind,
        LedgerTransaction.at,
        Booking.reference,
        Booking.service_name,
        Booking.starts_at,
    )
    .select_from(Booking)
    .join(LedgerTransaction, LedgerTransaction.booking_id == Booking.id)
    .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
)


@dataclass(frozen=True, slots=True)
class Lines:
    """`total` paise of all the lines that were asked for; None when they are too many to add up for a page."""

    page: Slice
    total: int | None


class Ledger:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def listed(self, chosen: Mapping[str, str], *, descending: bool, after: str) -> Lines:
        query = _LINES.where(*lines_asked(chosen))
        by = SORTS["starts"]
        page = await slice_of(self._db, query, key=LedgerEntry.id, sort=by, descending=descending, after=after)
        return Lines(page, await self._total(query) if page.total is not None else None)

    async def of_booking(self, booking_id: int) -> Sequence[AnyRow]:
        """Every line about it, in the order in which they were written."""
        query = _LINES.where(Booking.id == booking_id)
        return (await self._db.execute(query.order_by(LedgerEntry.id).limit(100))).all()

    async def _total(self, query: Query) -> int:
        summed = query.with_only_columns(func.coalesce(func.sum(LedgerEntry.amount), 0), maintain_column_froms=True)
        return int((await self._db.execute(summed)).scalar_one())


def lines_asked(chosen: Mapping[str, str]) -> Iterator[ColumnElement[bool]]:
    yield from conditions({name: value for name, value in chosen.items() if name not in ("account", "kind")})
    if account := chosen.get("account"):
        yield LedgerEntry.account.in_(GROUPS.get(account, ()))
    if kind := chosen.get("kind"):
        yield LedgerTransaction.kind.in_((kind,) if kind in KINDS else ())
