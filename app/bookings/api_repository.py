"""Bookings as the JSON API reads them, the latest start first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from asyncpg import Record
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.extra import BOOKING_TOTAL_SQL
from app.bookings.moves import State
from app.bookings.phone_sharing import shared_phone_sql
from app.core.errors import Missing
from app.core.events import Person
from app.core.paging import Page, decode_time_cursor, page_of
from app.core.sql import fetch, fetch_row

Key = tuple[datetime, int]
SELECT_BOOKINGS = f"""
    SELECT b.id, b.reference, b.state, b.cancelled_as, b.service_id, b.service_name, b.price, b.minutes, b.created_at,
           b.starts_at, b.ends_at, b.eta_from, b.eta_until,
           b.completed_at, b.contact_ended_at, b.address, b.pincode, b.note, b.floor, b.landmark, b.contact_name,
           b.contact_phone, b.contact_email, b.customer_id, b.professional_id,
           pin.place, c.full_name AS customer_name, c.phone AS customer_phone, w.full_name AS professional_name,
           {shared_phone_sql("b.customer_shares_phone", "c")} AS shared_customer_phone, w.phone AS professional_phone,
           {shared_phone_sql("b.professional_shares_phone", "w")} AS shared_professional_phone, b.rating,
           code.phase, code.encrypted_code,
           (SELECT coalesce(sum(f.amount), 0)::bigint FROM refunds f WHERE f.booking_id = b.id AND f.state = 'done')
           AS refunded, discount.coupon, coalesce(discount.coupon_paid, 0) AS coupon_paid,
           coalesce(discount.credit_paid, 0) AS credit_paid,
           (SELECT i.amount FROM tips i WHERE i.booking_id = b.id AND i.state = 'paid') AS tip,
           {BOOKING_TOTAL_SQL} AS total{{added}}
      FROM bookings b
      JOIN pincodes pin ON pin.pincode = b.pincode
      JOIN users c ON c.id = b.customer_id
      LEFT JOIN users w ON w.id = b.professional_id
      LEFT JOIN LATERAL (
           SELECT max(h.coupon) AS coupon, (sum(h.amount) FILTER (WHERE h.method = 'coupon'))::bigint AS coupon_paid,
                  (sum(h.amount - h.released) FILTER (WHERE h.method = 'credit'))::bigint AS credit_paid
             FROM charges h
            WHERE h.booking_id = b.id AND h.method IN ('credit', 'coupon')
              AND h.state IN ('authorised', 'captured', 'refunded')) discount ON true
      LEFT JOIN codes code ON code.booking_id = b.id AND code.used_at IS NULL AND code.voided_at IS NULL
           AND code.phase = CASE b.state WHEN 'assigned' THEN 'start' WHEN 'started' THEN 'finish' END
"""
# $1 and $2 are the place after which a page begins, both NULL for the first one, and $3 its number of rows.
PAGE = """($1::timestamptz IS NULL OR (b.starts_at, b.id) < ($1, $2::bigint))
     ORDER BY b.starts_at DESC, b.id DESC LIMIT $3
"""
EVERY = PAGE
OF_CUSTOMER = f"b.customer_id = $4 AND {PAGE}"
OF_PROFESSIONAL = f"b.professional_id = $4 AND {PAGE}"
OF_SERVICES = f"b.service_id = ANY($4::bigint[]) AND {PAGE}"
OF_REFERENCES = f"b.reference = ANY($5::text[]) AND {PAGE}"
OF_ID = "b.id = $1"
# What higher rooms say of a booking `b`: an SQL expression by field of ApiBooking (app.listeners).
_added_columns: dict[str, str] = {}


def add_booking_column(field: str, expression: str) -> None:
    _added_columns[field] = expression
    _select.cache_clear()


@cache
def _select(condition: str) -> str:
    added = "".join(f", {expression} AS {field}" for field, expression in _added_columns.items())
    return f"{SELECT_BOOKINGS.format(added=added)}     WHERE {condition}"


@dataclass(frozen=True, slots=True)
class ApiBooking:
    """One booking with all readable fields; app.bookings.api_schemas decides who may read which.

    Money in paise; a `shared` phone is there for the other side too; `encrypted_code` is the code that is due now.
    """

    id: int
    reference: str
    state: State
    cancelled_as: str | None
    service_id: int
    service_name: str
    price: int
    total: int
    refunded: int
    coupon: str | None
    coupon_paid: int
    credit_paid: int
    tip: int | None
    minutes: int
    created_at: datetime
    starts_at: datetime
    ends_at: datetime
    eta_from: datetime | None
    eta_until: datetime | None
    completed_at: datetime | None
    contact_ended_at: datetime | None
    address: str
    pincode: str
    place: str
    note: str
    floor: str
    landmark: str
    contact_name: str
    contact_phone: str
    contact_email: str
    customer_id: int
    customer_name: str
    customer_phone: str
    shared_customer_phone: str | None
    professional_id: int | None
    professional_name: str | None
    professional_phone: str | None
    shared_professional_phone: str | None
    rating: int | None
    phase: str | None
    encrypted_code: bytes | None
    comment: str | None = None
    review_id: int | None = None


class ApiBookings:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def all(self, after: str, limit: int) -> Page[ApiBooking]:
        return await self._page(EVERY, after, limit)

    async def of_customer(self, customer_id: int, after: str, limit: int) -> Page[ApiBooking]:
        return await self._page(OF_CUSTOMER, after, limit, customer_id)

    async def of_services(self, services: Sequence[int], after: str, limit: int) -> Page[ApiBooking]:
        return await self._page(OF_SERVICES, after, limit, services)

    async def jobs_and_offers(self, who: int, offered: Sequence[str], after: str, limit: int) -> Page[ApiBooking]:
        """A professional's jobs together with the offers `offered` (references)."""
        if not offered:
            return await self._page(OF_PROFESSIONAL, after, limit, who)
        # Each part has its index: one condition for both would read every booking.
        both = f"({_select(OF_PROFESSIONAL)}) UNION ALL ({_select(OF_REFERENCES)})"
        found = await self._rows(both, after, limit, who, offered)
        return _page_of(sorted(found, key=_key, reverse=True), limit)

    async def get(self, booking_id: int) -> ApiBooking:
        row = await fetch_row(self._db, _select(OF_ID), booking_id)
        if row is None:
            raise Missing
        return _booking(row)

    async def reference_for(self, me: Person, booking_id: int) -> str:
        """Find a booking by id: a customer's own; for professionals the action checks the assignment."""
        query = select(Booking.reference).where(Booking.id == booking_id)
        if me.role == "customer":
            query = query.where(Booking.customer_id == me.id)
        found: str | None = await self._db.scalar(query)
        if found is None:
            raise Missing
        return found

    async def _page(self, condition: str, after: str, limit: int, *which: object) -> Page[ApiBooking]:
        return _page_of(await self._rows(_select(condition), after, limit, *which), limit)

    async def _rows(self, query: str, after: str, limit: int, *which: object) -> list[ApiBooking]:
        """One more than `limit`, if there are so many."""
        since, last = decode_time_cursor(after) or (None, None)
        return [_booking(row) for row in await fetch(self._db, query, since, last, limit + 1, *which)]


def _page_of(rows: Sequence[ApiBooking], limit: int) -> Page[ApiBooking]:
    return page_of(rows, limit, lambda booking: (booking.starts_at.isoformat(), booking.id))


def _key(booking: ApiBooking) -> Key:
    return booking.starts_at, booking.id


def _booking(row: Record) -> ApiBooking:
    return ApiBooking(**{**row, "state": State(row["state"])})
