"""What calendars are made of, found through whoever reads them; and the secret addresses of feeds."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, exists, func, select, true
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.accounts.address import Pincode
from app.accounts.user import Block, User
from app.bookings.booking import Booking
from app.core import clock
from app.core.errors import Missing
from app.core.events import Actor, Event
from app.jobs.calendar import Kept
from app.jobs.calendar_feed import CalendarFeed

# The facts after which an entry reads differently: SEQUENCE counts them.
REVISIONS = (
    "booking.held",
    "booking.requoted",
    "booking.requested",
    "booking.assigned",
    "booking.given",
    "booking.returned",
    "booking.offered_again",
    "booking.moved",
    "booking.details_changed",
    "booking.cancelled",
)


class Calendars:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def of_customer(self, me: Actor, reference: str) -> Kept:
        """Raises Missing for everybody but its customer."""
        return await self._one(_kept(Booking.professional_id).where(Booking.customer_id == me.id), reference)

    async def of_professional(self, me: Actor, reference: str) -> Kept:
        """Raises Missing for everybody but whoever holds it, or held it to its end."""
        return await self._one(_kept(Booking.customer_id).where(Booking.professional_id == me.id), reference)

    async def jobs_of(self, professional_id: int, since: datetime, most: int) -> list[Kept]:
        """Those that begin after `since`; of too many the ones that are furthest away are left out."""
        whose = Booking.professional_id == professional_id, Booking.starts_at >= since
        rows = await self._db.execute(_kept(Booking.customer_id).where(*whose).order_by(Booking.starts_at).limit(most))
        return [_row(row) for row in rows]

    async def _one(self, query: Select[Any], ref: str) -> Kept:
        row = (await self._db.execute(query.where(Booking.reference == ref.upper()))).one_or_none()
        if row is None:
            raise Missing
        return _row(row)


class Feeds:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def reader(self, digest: bytes) -> int | None:
        """Whose jobs stand at the address; None when it leads nowhere (any more)."""
        whose: int | None = await self._db.scalar(_alive().where(CalendarFeed.digest == digest))
        return whose

    async def made_at(self, me: Actor) -> datetime | None:
        """Since when `me` has one that can be read."""
        alive = _alive().with_only_columns(CalendarFeed.created_at)
        since: datetime | None = await self._db.scalar(alive.where(CalendarFeed.professional_id == me.id))
        return since

    async def put(self, me: Actor, digest: bytes) -> None:
        """Whatever address there was leads nowhere from now on."""
        values = {"digest": digest, "created_at": clock.now()}
        made = insert(CalendarFeed).values(professional_id=me.id, **values)
        await self._db.execute(made.on_conflict_do_update(index_elements=["professional_id"], set_=values))

    async def end(self, me: Actor) -> bool:
        """False when there was none."""
        ended = delete(CalendarFeed).where(CalendarFeed.professional_id == me.id)
        return (await self._db.execute(ended.returning(CalendarFeed.professional_id))).first() is not None


def _alive() -> Select[Any]:
    """A block, a new password and leaving end an address for ever, as they end sessions and tokens."""
    mine = User.id == CalendarFeed.professional_id
    blocked = exists().where(
        Block.user_id == User.id, (Block.lifted_at.is_(None)) | (Block.created_at >= CalendarFeed.created_at)
    )
    renewed = exists().where(
        Event.subject == func.concat("user-", User.id),
        Event.name == "person.password_changed",
        Event.at >= CalendarFeed.created_at,
    )
    query = select(CalendarFeed.professional_id).join(User, mine)
    return query.where(User.left_at.is_(None), ~blocked, ~renewed)


def _kept(
    other: InstrumentedAttribute[int] | InstrumentedAttribute[int | None],
) -> Select[Any]:
    """`other` is the party whom the reader wants to find."""
    told = (
        select((func.count() - 1).label("revision"), func.max(Event.at).label("changed_at"))
        .where(Event.subject == func.concat("booking-", Booking.reference), Event.name.in_(REVISIONS))
        .lateral()
    )
    return (
        select(Booking, Pincode.place, Pincode.district, User.full_name, User.phone, told.c.revision, told.c.changed_at)
        .join(Pincode, Pincode.pincode == Booking.pincode)
        .outerjoin(User, (User.id == other) & User.left_at.is_(None))
        .join(told, true())
    )


def _row(row: Row[Any]) -> Kept:
    return Kept(
        booking=row.Booking,
        place=row.place,
        district=row.district,
        name=row.full_name,
        phone=row.phone,
        revision=row.revision,
        changed_at=row.changed_at,
    )
