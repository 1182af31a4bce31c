"""The lines of the ledger as admins list them, by booking.

The filters of /admin/ledger, all optional: booking (none: only lines that belong to no booking, such as payouts);
account (one of app.payments.ledger.ACCOUNTS, or revenue: money that
reached us or is owed to us), kind (one of KINDS); category, pincode, professional and service of the booking; from and
to, the days in which its work begins.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, literal_column, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.user import User
from app.bookings.booking import Booking
from app.core.paging import AnyRow, CountedPage, Query, Sort, fetch_page
from app.dispatch.repository import filter_conditions
from app.payments.ledger import ACCOUNTS, KINDS, LedgerEntry, LedgerTransaction, is_revenue

FILTERS = ("booking", "account", "kind", "from", "to", "category", "pincode", "professional", "service")
ACCOUNT_GROUPS = {"revenue": ("gateway", "receivable"), **{account: (account,) for account in ACCOUNTS}}
HELD_ACCOUNTS = frozenset({"hold", "hold_contra"})
SORTS = {"starts": Sort(Booking.starts_at, datetime)}
RECORDED = Sort(LedgerTransaction.at, datetime)  # of lines without a booking
# Every line of these has none.
ACCOUNTS_WITHOUT_BOOKING, PAYOUT_KINDS = ("payouts",), ("payout", "payout_paid", "payout_failed")
LEDGER_FIELDS = ("booking", "account", "kind")
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

SELECT_LINES_WITHOUT_BOOKING: Query = (
    select(
        LedgerEntry.id,
        LedgerEntry.account,
        LedgerEntry.amount,
        LedgerTransaction.kind,
        LedgerTransaction.at,
        literal_column("NULL").label("reference"),
        User.full_name.label("person"),
    )
    .select_from(LedgerTransaction)
    .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
    .outerjoin(User, User.id == LedgerEntry.person_id)
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
        if is_without_booking(filters):
            query, by = SELECT_LINES_WITHOUT_BOOKING.where(*own_conditions({**filters, "booking": "none"})), RECORDED
        else:
            query, by = SELECT_LINES.where(*ledger_conditions(filters), *_charged_only(filters)), SORTS["starts"]
        page = await fetch_page(self._db, query, key=LedgerEntry.id, sort=by, descending=descending, after=after)
        return LedgerPage(page, await self._total(query) if page.total is not None else None)

    async def of_booking(self, booking_id: int) -> Sequence[AnyRow]:
        """All entries of a booking, in order of creation."""
        query = SELECT_LINES.where(Booking.id == booking_id)
        return (await self._db.execute(query.order_by(LedgerEntry.id).limit(100))).all()

    async def _total(self, query: Query) -> int:
        sum_query = query.with_only_columns(func.coalesce(func.sum(LedgerEntry.amount), 0), maintain_column_froms=True)
        return int((await self._db.execute(sum_query)).scalar_one())


def is_without_booking(filters: Mapping[str, str]) -> bool:
    """Whether the filters leave only lines that belong to no booking."""
    return (
        filters.get("booking") == "none"
        or filters.get("account") in ACCOUNTS_WITHOUT_BOOKING
        or filters.get("kind") in PAYOUT_KINDS
    )


def ledger_conditions(filters: Mapping[str, str]) -> Iterator[ColumnElement[bool]]:
    """The conditions of all filters."""
    yield from filter_conditions({name: value for name, value in filters.items() if name not in LEDGER_FIELDS})
    yield from own_conditions(filters)


def own_conditions(filters: Mapping[str, str]) -> Iterator[ColumnElement[bool]]:
    """The conditions of the filters that are the ledger's own."""
    if filters.get("booking") == "none":
        yield LedgerTransaction.booking_id.is_(None)
    if account := filters.get("account"):
        accounts = ACCOUNT_GROUPS.get(account, ())
        yield is_revenue() if account == "revenue" else LedgerEntry.account.in_(accounts)
    if kind := filters.get("kind"):
        yield LedgerTransaction.kind.in_((kind,) if kind in KINDS else ())


def _charged_only(filters: Mapping[str, str]) -> Iterator[ColumnElement[bool]]:
    accounts = ACCOUNT_GROUPS.get(filters.get("account", ""), ())
    if filters.get("account") and not HELD_ACCOUNTS.intersection(accounts):
        yield Booking.is_charged == true()  # the newest bookings are not yet, and would all be read and passed over
