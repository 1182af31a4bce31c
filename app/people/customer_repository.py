"""The admin's table of customers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.address import Address, Pincode
from app.accounts.contact_fields import typed_pincode
from app.accounts.repository import ROW_IDS, matches_person
from app.accounts.user import Block, Role, User
from app.bookings.booking import Booking
from app.core.errors import Missing
from app.core.paging import PAGE_SIZE, AnyRow, CountedPage, Query, Sort, count_rows, fetch_page

SORTS = {"since": Sort(User.created_at, datetime), "name": Sort(User.full_name)}
STATES = ("", "blocked", "left")
MAX_RECENT_BOOKINGS = 20  # in the panel
_BLOCKED = select(Block.id).where(Block.user_id == User.id, Block.lifted_at.is_(None)).exists()
_CUSTOMER: Query = (
    select(
        User.id,
        User.full_name,
        User.email,
        User.phone,
        User.email_verified_at,
        User.created_at,
        User.deleted_at,
        func.coalesce(Pincode.place, "").label("place"),
        func.coalesce(Pincode.pincode, "").label("pincode"),
        _BLOCKED.label("blocked"),
    )
    .outerjoin(Address, (Address.user_id == User.id) & Address.is_main)
    .outerjoin(Pincode, Pincode.pincode == Address.pincode)
    .where(User.role == Role.CUSTOMER)
)
# `spent` and `due` in paise; `spent` is captured minus refunded.
TOTALS = text(
    """
    SELECT (SELECT count(*) FROM bookings WHERE customer_id = :id AND state <> 'held') AS bookings,
           (SELECT count(*) FROM bookings WHERE customer_id = :id AND state IN ('requested', 'assigned', 'started'))
               AS open,
           (SELECT count(*) FROM bookings WHERE customer_id = :id AND state = 'cancelled' AND requested_at IS NOT NULL)
               AS cancelled,
           (SELECT coalesce(sum(captured - refunded), 0)::bigint
              FROM charges WHERE customer_id = :id AND method <> 'coupon') AS spent,
           (SELECT coalesce(sum(amount), 0)::bigint FROM charges WHERE customer_id = :id AND state = 'due') AS due,
           (SELECT count(*) FROM reviews WHERE customer_id = :id) AS reviews
    """
)


@dataclass(frozen=True, slots=True)
class CustomerFilter:
    """Filters of the table: `q` searches name, email, phone or pincode; `state` is one of STATES."""

    q: str = ""
    state: str = ""


class Customers:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def list_page(
        self, criteria: CustomerFilter, *, sort: str, descending: bool, after: str, limit: int = PAGE_SIZE
    ) -> CountedPage:
        by = SORTS[sort]
        return await fetch_page(
            self._db,
            filtered_query(criteria),
            key=User.id,
            sort=by,
            descending=descending,
            after=after,
            limit=limit,
            count_query=_count_query(criteria),
        )

    async def counts(self, q: str) -> dict[str, int | None]:
        """The number of customers in each state among those matching `q`."""
        return {state: await count_rows(self._db, _count_query(CustomerFilter(q, state))) for state in STATES}

    async def get(self, customer_id: int) -> AnyRow:
        if customer_id not in ROW_IDS:
            raise Missing()
        row = (await self._db.execute(_CUSTOMER.where(User.id == customer_id))).one_or_none()
        if row is None:
            raise Missing()
        return row

    async def totals(self, customer_id: int) -> AnyRow:
        """The customer's numbers of bookings, paid and due amounts."""
        return (await self._db.execute(TOTALS, {"id": customer_id})).one()

    async def addresses(self, customer_id: int) -> Sequence[AnyRow]:
        query = select(Address.line, Address.pincode, Pincode.place, Address.is_main)
        query = query.join(Pincode, Pincode.pincode == Address.pincode).where(Address.user_id == customer_id)
        return (await self._db.execute(query.order_by(Address.is_main.desc(), Address.id))).all()

    async def bookings(self, customer_id: int) -> Sequence[AnyRow]:
        """The most recent bookings."""
        columns = Booking.reference, Booking.service_name, Booking.state, Booking.cancelled_as
        query = select(*columns, Booking.starts_at, Booking.ends_at).where(Booking.customer_id == customer_id)
        return (
            await self._db.execute(
                query.order_by(Booking.starts_at.desc(), Booking.id.desc()).limit(MAX_RECENT_BOOKINGS)
            )
        ).all()


def filtered_query(criteria: CustomerFilter) -> Query:
    return _filtered(_CUSTOMER, criteria)


def _count_query(criteria: CustomerFilter) -> Query:
    """As many rows as filtered_query; the main address, at most one each, is joined only when searched."""
    query = select(User.id).where(User.role == Role.CUSTOMER)
    if typed_pincode(criteria.q):
        query = query.outerjoin(Address, (Address.user_id == User.id) & Address.is_main)
    return _filtered(query, criteria)


def _filtered(query: Query, criteria: CustomerFilter) -> Query:
    if pincode := typed_pincode(criteria.q):
        query = query.where((Address.pincode == pincode) | matches_person(criteria.q))
    elif criteria.q:
        query = query.where(matches_person(criteria.q))
    if criteria.state == "blocked":
        query = query.where(_BLOCKED)
    if criteria.state == "left":
        query = query.where(User.deleted_at.is_not(None))
    return query
