"""Bookings as programs read them, the latest start first: found through who asks, or for admins through everything."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import BigInteger, DateTime, String

from app.bookings.booking import Booking
from app.core.errors import Missing
from app.core.events import Person
from app.core.paging import Page, after_moment, page_of

Key = tuple[datetime, int]
ROWS = """
    SELECT b.id, b.reference, b.state, b.cancelled_as, b.service_id, b.service_name, b.price, b.minutes, b.created_at,
           b.starts_at, b.ends_at, b.completed_at, b.address, b.pincode, b.note, b.customer_id, b.professional_id,
           pin.place, c.full_name AS customer_name, c.phone AS customer_phone, w.full_name AS professional_name,
           w.phone AS professional_phone, r.rating, r.comment, code.phase, code.sealed,
           b.price + (SELECT coalesce(sum(e.price), 0) FROM extras e
                       WHERE e.booking_id = b.id AND e.state = 'approved')::bigint AS total
      FROM bookings b
      JOIN pincodes pin ON pin.pincode = b.pincode
      JOIN users c ON c.id = b.customer_id
      LEFT JOIN users w ON w.id = b.professional_id
      LEFT JOIN reviews r ON r.booking_id = b.id
      LEFT JOIN codes code ON code.booking_id = b.id AND code.used_at IS NULL AND code.voided_at IS NULL
           AND code.phase = CASE b.state WHEN 'assigned' THEN 'start' WHEN 'started' THEN 'finish' END
"""
PAGE = """
     WHERE {which}
       AND (CAST(:before AS timestamptz) IS NULL OR (b.starts_at, b.id) < (:before, :last))
     ORDER BY b.starts_at DESC, b.id DESC LIMIT :rows
"""
_TYPES = (
    bindparam("before", type_=DateTime(timezone=True)),
    bindparam("last", type_=BigInteger),
)
EVERY = text(ROWS + PAGE.format(which="true")).bindparams(*_TYPES)
OF_CUSTOMER = text(ROWS + PAGE.format(which="b.customer_id = :who")).bindparams(
    *_TYPES, bindparam("who", type_=BigInteger)
)
OF_PROFESSIONAL = text(ROWS + PAGE.format(which="b.professional_id = :who")).bindparams(
    *_TYPES, bindparam("who", type_=BigInteger)
)
OF_SERVICES = text(ROWS + PAGE.format(which="b.service_id = ANY(:services)")).bindparams(
    *_TYPES, bindparam("services", type_=ARRAY(BigInteger))
)
THESE = text(
    ROWS
    + """
     WHERE b.reference = ANY(:these)
       AND (CAST(:before AS timestamptz) IS NULL OR (b.starts_at, b.id) < (:before, :last))
"""
).bindparams(*_TYPES, bindparam("these", type_=ARRAY(String)))
ONE = text(ROWS + " WHERE b.id = :id").bindparams(bindparam("id", type_=BigInteger))


@dataclass(frozen=True, slots=True)
class Told:
    """One booking with everything that anybody may read of it; who may read what is app.bookings.api_schemas'.

    Money in paise; `sealed` is the code that is due now.
    """

    id: int
    reference: str
    state: str
    cancelled_as: str | None
    service_id: int
    service_name: str
    price: int
    total: int
    minutes: int
    created_at: datetime
    starts_at: datetime
    ends_at: datetime
    completed_at: datetime | None
    address: str
    pincode: str
    place: str
    note: str
    customer_id: int
    customer_name: str
    customer_phone: str
    professional_id: int | None
    professional_name: str | None
    professional_phone: str | None
    rating: int | None
    comment: str | None
    phase: str | None
    sealed: bytes | None


class BookingRows:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def every(self, after: str, limit: int) -> Page[Told]:
        return await self._page(EVERY, after, limit)

    async def of_customer(self, customer_id: int, after: str, limit: int) -> Page[Told]:
        return await self._page(OF_CUSTOMER, after, limit, who=customer_id)

    async def of_services(self, services: Sequence[int], after: str, limit: int) -> Page[Told]:
        return await self._page(OF_SERVICES, after, limit, services=list(services))

    async def of_professional(self, who: int, offered: Sequence[str], after: str, limit: int) -> Page[Told]:
        """Their jobs, and what they are `offered` (references) among them."""
        asked = _place(after)
        jobs = await self._db.execute(OF_PROFESSIONAL, {**asked, "who": who, "rows": limit + 1})
        offers = await self._db.execute(THESE, {**asked, "these": list(offered)}) if offered else ()
        rows = sorted(map(_told, (*jobs, *offers)), key=_key, reverse=True)
        return _cut(rows, limit)

    async def one(self, booking_id: int) -> Told:
        row = (await self._db.execute(ONE, {"id": booking_id})).one_or_none()
        if row is None:
            raise Missing
        return _told(row)

    async def reference_for(self, me: Person, booking_id: int) -> str:
        """By which the verbs find it. A customer's own; for professionals the verbs ask whether it is theirs."""
        query = select(Booking.reference).where(Booking.id == booking_id)
        if me.role == "customer":
            query = query.where(Booking.customer_id == me.id)
        found: str | None = await self._db.scalar(query)
        if found is None:
            raise Missing
        return found

    async def _page(self, query: Any, after: str, limit: int, **which: object) -> Page[Told]:
        rows = await self._db.execute(query, {**_place(after), **which, "rows": limit + 1})
        return _cut([_told(row) for row in rows], limit)


def _place(after: str) -> dict[str, object]:
    since, last = after_moment(after) or (None, None)
    return {"before": since, "last": last}


def _cut(rows: Sequence[Told], limit: int) -> Page[Told]:
    return page_of(rows, limit, lambda one: (one.starts_at.isoformat(), one.id))


def _key(one: Told) -> Key:
    return one.starts_at, one.id


def _told(row: Row[Any]) -> Told:
    return Told(**row._mapping)
