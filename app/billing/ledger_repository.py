"""The lines of the ledger as admins list them, by booking.

The filters of /admin/ledger, all optional: account (one of app.payments.ledger.ACCOUNTS, or revenue: money that
reached us or is owed to us), kind (one of KINDS); category, pincode, professional and service of the booking; from and
to, the days in which its work begins.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.core.paging import AnyRow, CountedPage, Query, Sort, fetch_page
from app.dispatch.repository import filter_conditions
from app.payments.ledger import ACCOUNTS, KINDS, LedgerEntry, LedgerTransaction

FILTERS = ("account", "kind", "from", "to", "category", "pincode", "professional", "service")
ACCOUNT_GROUPS = {"revenue": ("gateway", "receivable"), **{account: (account,) for account in ACCOUNTS}}
HELD_ACCOUNTS = frozenset({"hold", "hold_contra"})
SORTS = {"starts": Sort(Booking.starts_at, datetime)}
SELECT_LINES: Query = (
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
class LedgerPage:
    """`total` paise of all matching entries; None if there are too many to sum for a page."""

    page: CountedPage
    total: int | None


class Ledger:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def listed(self, filters: Mapping[str, str], *, descending: bool, after: str) -> LedgerPage:
        query = SELECT_LINES.where(*ledger_conditions(filters))
        by = SORTS["starts"]
        page = await fetch_page(self._db, query, key=LedgerEntry.id, sort=by, descending=descending, after=after)
        return LedgerPage(page, await self._total(query) if page.total is not None else None)

    async def of_booking(self, booking_id: int) -> Sequence[AnyRow]:
        """All entries of a booking, in order of creation."""
        query = SELECT_LINES.where(Booking.id == booking_id)
        return (await self._db.execute(query.order_by(LedgerEntry.id).limit(100))).all()

    async def _total(self, query: Query) -> int:
        sum_query = query.with_only_columns(func.coalesce(func.sum(LedgerEntry.amount), 0), maintain_column_froms=True)
        return int((await self._db.execute(sum_query)).scalar_one())


def ledger_conditions(filters: Mapping[str, str]) -> Iterator[ColumnElement[bool]]:
    yield from filter_conditions({name: value for name, value in filters.items() if name not in ("account", "kind")})
    if account := filters.get("account"):
        accounts = ACCOUNT_GROUPS.get(account, ())
        yield LedgerEntry.account.in_(accounts)
        if not HELD_ACCOUNTS.intersection(accounts):
            yield Booking.is_charged == true()  # the newest bookings are not yet, and would all be read and passed over
    if kind := filters.get("kind"):
        yield LedgerTransaction.kind.in_((kind,) if kind in KINDS else ())
