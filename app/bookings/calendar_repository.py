"""SQL for calendar entries, scoped to their reader, and for the secret URLs of feeds.

A revision is read with its entry or before it: none stands beside an older content, so that the last one wins.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, case, delete, exists, func, select, true
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.accounts.address import Pincode
from app.accounts.user import Block, Role, User
from app.bookings.booking import Booking
from app.bookings.calendar import CalendarEntry, CalendarFeed
from app.core import clock
from app.core.errors import Missing
from app.core.event_types import registry
from app.core.events import Actor, Event
from app.core.references import parse_reference


@dataclass(frozen=True, slots=True)
class FeedOwner:
    """Whose feed it is, and in which role they read it."""

    id: int
    role: str


class Calendars:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def of_customer(self, me: Actor, reference: str) -> CalendarEntry:
        """Return the entry of `me`, its customer; else Missing."""
        return await self._find(_entries(Booking.professional_id).where(Booking.customer_id == me.id), reference)

    async def of_professional(self, me: Actor, reference: str) -> CalendarEntry:
        """Return the entry of `me`, who is or was assigned to the job until it ended; raises Missing."""
        return await self._find(_entries(Booking.customer_id).where(Booking.professional_id == me.id), reference)

    async def of_message(self, reference: str) -> CalendarEntry:
        """Return the entry with the professional's contact, for a message to either side."""
        return await self._find(_entries(Booking.professional_id), reference)

    async def feed_of(self, owner: FeedOwner, since: datetime, limit: int) -> list[CalendarEntry]:
        """Return the entries that begin after `since`, the earliest `limit` of them; no holds that were never paid."""
        if owner.role == Role.PROFESSIONAL:
            query = _entries(Booking.customer_id).where(Booking.professional_id == owner.id)
        else:
            query = _entries(Booking.professional_id).where(
                Booking.customer_id == owner.id, Booking.requested_at.is_not(None)
            )
        query = query.where(Booking.starts_at >= since).order_by(Booking.starts_at, Booking.id)
        return [_entry(row) for row in await self._db.execute(query.limit(limit))]

    async def _find(self, query: Select[Any], ref: str) -> CalendarEntry:
        row = (await self._db.execute(query.where(Booking.reference == parse_reference(ref)))).one_or_none()
        if row is None:
            raise Missing
        return _entry(row)


class CalendarFeeds:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def owner_at(self, digest: bytes) -> FeedOwner | None:
        """Return whose feed it is; None when the address is not valid (any more)."""
        row = (await self._db.execute(_active_feeds().where(CalendarFeed.digest == digest))).one_or_none()
        return FeedOwner(row.user_id, row.role) if row else None

    async def created_at(self, me: Actor) -> datetime | None:
        """Return when the valid feed of `me` was created."""
        alive = _active_feeds().with_only_columns(CalendarFeed.created_at)
        since: datetime | None = await self._db.scalar(alive.where(CalendarFeed.user_id == me.id))
        return since

    async def replace(self, me: Actor, digest: bytes) -> None:
        """Store the digest of a new address; the old address stops working."""
        values = {"digest": digest, "created_at": clock.now()}
        made = insert(CalendarFeed).values(user_id=me.id, **values)
        await self._db.execute(made.on_conflict_do_update(index_elements=["user_id"], set_=values))

    async def end(self, me: Actor) -> bool:
        """Delete the feed; return False when there was none."""
        ended = delete(CalendarFeed).where(CalendarFeed.user_id == me.id)
        return (await self._db.execute(ended.returning(CalendarFeed.user_id))).first() is not None


def _revisions() -> list[str]:
    """The events after which an entry reads differently: SEQUENCE counts them."""
    return [event_type.name for event_type in registry if event_type.changes_calendar]


def _active_feeds() -> Select[int, Role]:
    """Select feeds that no block, password change or account deletion has ended."""
    is_own_feed = User.id == CalendarFeed.user_id
    blocked = exists().where(
        Block.user_id == User.id, (Block.lifted_at.is_(None)) | (Block.created_at >= CalendarFeed.created_at)
    )
    renewed = exists().where(
        Event.subject == func.concat("user-", User.id),
        Event.name == "person.password_changed",
        Event.at >= CalendarFeed.created_at,
    )
    query = select(CalendarFeed.user_id, User.role).join(User, is_own_feed)
    has_calendar = User.role.in_((Role.CUSTOMER, Role.PROFESSIONAL))
    return query.where(User.deleted_at.is_(None), has_calendar, ~blocked, ~renewed)


def _entries(
    other: InstrumentedAttribute[int] | InstrumentedAttribute[int | None],
) -> Select[Any]:
    """Select bookings with their contact; `other` is the column of the other side's id."""
    is_customer = other is Booking.customer_id
    shares_phone = Booking.customer_shares_phone if is_customer else Booking.professional_shares_phone
    revisions = (
        select((func.count() - 1).label("revision"), func.max(Event.at).label("changed_at"))
        .where(Event.subject == func.concat("booking-", Booking.reference), Event.name.in_(_revisions()))
        .lateral()
    )
    return (
        select(
            Booking,
            Pincode.place,
            Pincode.district,
            User.full_name,
            case((func.coalesce(shares_phone, User.share_phone), User.phone)).label("phone"),
            revisions.c.revision,
            revisions.c.changed_at,
        )
        .join(Pincode, Pincode.pincode == Booking.pincode)
        .outerjoin(User, (User.id == other) & User.deleted_at.is_(None))
        .join(revisions, true())
    )


def _entry(row: Row[Any]) -> CalendarEntry:
    return CalendarEntry(
        booking=row.Booking,
        place=row.place,
        district=row.district,
        name=row.full_name,
        phone=row.phone,
        revision=max(row.revision, 0),
        changed_at=row.changed_at or row.Booking.created_at,
    )
