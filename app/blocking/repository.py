"""What a block touches: a person's open bookings, the money authorised for them, and their sessions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.session import Session
from app.bookings.booking import Booking
from app.bookings.moves import ACTIVE, State
from app.core import clock
from app.core.db import AdvisoryLock, acquire_lock
from app.payments.charge import Charge

CANCELLABLE = (State.HELD, State.REQUESTED, State.ASSIGNED)


@dataclass(frozen=True, slots=True)
class AffectedBooking:
    """One open booking; `authorised` paise are reserved for it."""

    reference: str
    service_name: str
    state: str
    starts_at: datetime
    ends_at: datetime
    authorised: int


class OpenCommitments:
    """What other people count on one person for."""

    def __init__(self, db: AsyncSession, person_id: int) -> None:
        self._db = db
        self._person_id = person_id

    async def open_bookings(self) -> list[AffectedBooking]:
        """Open bookings on either side, the next first, without expired holds."""
        authorised = select(func.coalesce(func.sum(Charge.amount), 0)).where(
            Charge.booking_id == Booking.id, Charge.state == "authorised"
        )
        query = (
            select(
                Booking.reference,
                Booking.service_name,
                Booking.state,
                Booking.starts_at,
                Booking.ends_at,
                authorised.scalar_subquery(),
            )
            .where(
                or_(Booking.customer_id == self._person_id, Booking.professional_id == self._person_id),
                Booking.state.in_(ACTIVE),
                or_(Booking.state != State.HELD, Booking.held_until > clock.now()),
            )
            .order_by(Booking.starts_at, Booking.id)
        )
        return [AffectedBooking(*row) for row in await self._db.execute(query)]

    async def started_bookings(self) -> Sequence[Booking]:
        """Jobs in progress, as customer or professional: they stay until they are finished."""
        own = or_(Booking.professional_id == self._person_id, Booking.customer_id == self._person_id)
        return (await self._db.scalars(select(Booking).where(own, Booking.state == State.STARTED))).all()

    async def awaited_bookings(self) -> tuple[int, int]:
        """Other people's (requests that wait for this professional or reserve their time, holds on their time)."""
        now = clock.now()
        reserved = Booking.reserved_for == self._person_id
        named = and_(Booking.named_id == self._person_id, Booking.asked_until > now)
        requested = and_(Booking.state == State.REQUESTED, or_(reserved, named))
        held = and_(Booking.state == State.HELD, reserved, Booking.held_until > now)
        query = select(func.count().filter(requested), func.count().filter(held)).where(or_(requested, held))
        row = (await self._db.execute(query)).one()
        return row[0], row[1]

    async def cancellable_bookings(self) -> Sequence[int]:
        """Ids of a customer's bookings that have not started."""
        query = select(Booking.id).where(Booking.customer_id == self._person_id, Booking.state.in_(CANCELLABLE))
        return (await self._db.scalars(query)).all()

    async def has_reservations(self) -> bool:
        """Whether the professional has an accepted job that has not started, or time reserved for a customer."""
        reserved = and_(Booking.reserved_for == self._person_id, Booking.state.in_((State.HELD, State.REQUESTED)))
        accepted = and_(Booking.professional_id == self._person_id, Booking.state == State.ASSIGNED)
        result: bool = await self._db.scalar(select(exists().where(or_(reserved, accepted)))) or False
        return result

    async def session_count(self) -> int:
        active = select(func.count()).where(Session.user_id == self._person_id, Session.expires_at > clock.now())
        return (await self._db.execute(active)).scalar_one()


async def lock_admins(db: AsyncSession) -> None:
    """Let one transaction at a time block or demote an admin."""
    await acquire_lock(db, AdvisoryLock.ADMINS)
