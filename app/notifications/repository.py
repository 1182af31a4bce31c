"""The outbox, and what a message shows of the booking or account it is about."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.address import Pincode
from app.accounts.names import public_name
from app.accounts.ratings import RatingDistribution
from app.accounts.repository import ProfessionalRatings
from app.accounts.user import User
from app.bookings.booking import Booking
from app.core.events import Event, EventValue
from app.core.lease import claim_due, is_expired, renew_lease
from app.core.orm import Base
from app.core.outbox import Outbox
from app.payments.charge import Charge
from app.payments.repository import Charges


class OutboxRepository:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def claim(self, channel: str, limit: int, now: datetime, until: datetime) -> Sequence[Outbox]:
        """Claim up to `limit` due rows of the channel until `until`; each claim counts as an attempt.

        The most urgent priority goes first: a thousand reports wait behind one code.
        """
        due = (
            Outbox.channel == channel,
            Outbox.sent_at.is_(None),
            Outbox.parked_at.is_(None),
            Outbox.due_at <= now,
            is_expired(Outbox.claimed_until, now),
        )
        claimed = await claim_due(
            self._db,
            Outbox,
            due,
            {"claimed_until": until, "attempts": Outbox.attempts + 1},
            order_by=[Outbox.priority, Outbox.due_at, Outbox.id],
            limit=limit,
        )
        return sorted(claimed, key=lambda row: (row.priority, row.due_at, row.id))

    async def renew_claims(self, row_ids: Sequence[int], until: datetime) -> None:
        """Extend the claims of a running worker."""
        held = Outbox.id.in_(row_ids), Outbox.claimed_until.is_not(None)
        await renew_lease(self._db, Outbox, held, {"claimed_until": until})

    async def still_owned(self, row: Outbox, until: datetime) -> bool:
        """Extend the claim; False when it ran out and another worker took the row over or settled it."""
        owned = Outbox.id == row.id, Outbox.attempts == row.attempts, Outbox.claimed_until.is_not(None)
        return await renew_lease(self._db, Outbox, owned, {"claimed_until": until})

    async def release_claims(self, row_ids: Sequence[int], now: datetime) -> None:
        """Release the claims without counting an attempt; any worker may claim the rows at once."""
        values = {"due_at": now, "claimed_until": None, "attempts": Outbox.attempts - 1}
        released = update(Outbox).where(Outbox.id.in_(row_ids), Outbox.claimed_until.is_not(None))
        await self._db.execute(released.values(**values))

    async def mark_sent(self, row_id: int, now: datetime, *, erase: str | None) -> None:
        """`erase` is a key of `data` that is not needed any more."""
        data = Outbox.data if erase is None else Outbox.data.op("-")(erase)
        values = {"sent_at": now, "claimed_until": None, "last_error": None, "data": data}
        await self._db.execute(update(Outbox).where(Outbox.id == row_id).values(values))

    async def add_data(self, row_id: int, data: dict[str, Any]) -> None:
        """Add to the data of a row."""
        merged = Outbox.data.op("||")(bindparam("added", data, type_=JSONB))
        await self._db.execute(update(Outbox).where(Outbox.id == row_id).values(data=merged))

    async def retry_at(self, row_id: int, due_at: datetime, reason: str) -> None:
        await self._db.execute(
            update(Outbox).where(Outbox.id == row_id).values(due_at=due_at, claimed_until=None, last_error=reason)
        )

    async def defer(self, row_id: int, due_at: datetime) -> None:
        """Wait for the end of the quiet hours; this is no attempt."""
        later = {"due_at": due_at, "claimed_until": None, "attempts": Outbox.attempts - 1}
        await self._db.execute(update(Outbox).where(Outbox.id == row_id).values(**later))

    async def park(self, row_id: int, now: datetime, reason: str) -> None:
        """Give up; the row stays for the operators."""
        await self._db.execute(
            update(Outbox).where(Outbox.id == row_id).values(parked_at=now, claimed_until=None, last_error=reason)
        )

    async def delete(self, row_id: int) -> None:
        await self._db.execute(delete(Outbox).where(Outbox.id == row_id))

    async def delete_pending(self, channel: str) -> None:
        """Delete the pending rows of a channel that does not exist."""
        waits = Outbox.sent_at.is_(None), Outbox.parked_at.is_(None)
        await self._db.execute(delete(Outbox).where(Outbox.channel == channel, *waits))

    async def insert_new(self, rows: Iterable[Base]) -> set[str]:
        """Insert rows of any channel, one statement for each table; return the keys of those that were not there."""
        by_columns: dict[tuple[type[Base], frozenset[str]], list[dict[str, Any]]] = {}
        for row in rows:
            values = {column.name: getattr(row, column.key) for column in type(row).__table__.columns}
            values = {name: value for name, value in values.items() if value is not None}
            by_columns.setdefault((type(row), frozenset(values)), []).append(values)
        keys: set[str] = set()
        for (row_type, _), values_of_rows in by_columns.items():
            table = cast("Table", row_type.__table__)
            statement = insert(table).on_conflict_do_nothing(index_elements=["dedupe_key"])
            keys |= set(await self._db.scalars(statement.returning(table.c.dedupe_key), values_of_rows))
        return keys

    async def latest(self, limit: int) -> Sequence[Outbox]:
        return (await self._db.scalars(select(Outbox).order_by(Outbox.id.desc()).limit(limit))).all()

    async def get(self, row_id: int) -> Outbox | None:
        row: Outbox | None = await self._db.get(Outbox, row_id)
        return row


@dataclass(frozen=True, slots=True)
class BookingContext:
    """Of a booking: the people, the professional's ratings and completed jobs, the place, the payment."""

    customer: User
    professional: User | None
    ratings: RatingDistribution
    jobs: int
    place: str
    charge: Charge | None
    discounts: Sequence[Charge] = ()  # what a coupon and credit pay
    professional_phone: str | None = None  # None if it is hidden

    @property
    def who(self) -> str:
        """The professional's public name: "Ravi K."."""
        return public_name(self.professional.full_name) if self.professional else ""


class NotificationContext:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def admin_text(self, subject: str, number: int) -> str | None:
        """What an admin wrote: the text of the event with this number, None once it is erased."""
        query = select(EventValue.value).join(Event, Event.id == EventValue.event_id)
        text: str | None = await self._db.scalar(
            query.where(Event.subject == subject, Event.seq == number, EventValue.name == "text")
        )
        return text

    async def recipient(self, user_id: int | None) -> User | None:
        """None also for a deleted account."""
        user: User | None = await self._db.get(User, user_id) if user_id is not None else None
        return user if user is not None and user.deleted_at is None else None

    async def of_booking(self, booking: Booking, professional_id: int | None) -> BookingContext:
        user_ids = {booking.customer_id, professional_id} - {None}
        people = {user.id: user for user in await self._db.scalars(select(User).where(User.id.in_(user_ids)))}
        place = await self._db.scalar(select(Pincode.place).where(Pincode.pincode == booking.pincode))
        ratings, jobs = RatingDistribution(), 0
        if professional_id is not None:
            ratings = await ProfessionalRatings(self._db).of(professional_id)
            jobs = await ProfessionalRatings(self._db).completed_jobs(professional_id)
        professional = people.get(professional_id) if professional_id is not None else None
        return BookingContext(
            customer=people[booking.customer_id],
            professional=professional,
            ratings=ratings,
            jobs=jobs,
            place=place or "",
            charge=await Charges(self._db).instrument_of(booking.id),
            discounts=await Charges(self._db).discounts_of(booking.id),
            professional_phone=_shared_phone(booking, professional) if professional else None,
        )


def _shared_phone(booking: Booking, professional: User) -> str | None:
    chosen = booking.professional_shares_phone if booking.professional_id == professional.id else None
    return professional.phone if (professional.share_phone if chosen is None else chosen) else None
