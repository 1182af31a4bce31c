"""What a block touches: open bookings on either side of the door, what was paid for them, and sessions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.session import Session
from app.bookings.booking import Booking
from app.bookings.moves import ACTIVE, State
from app.core import clock
from app.payments.charge import Charge


@dataclass(frozen=True, slots=True)
class Affected:
    """One open booking; `held` paise stand authorised for it."""

    reference: str
    service_name: str
    state: str
    starts_at: datetime
    ends_at: datetime
    held: int


class Affairs:
    def __init__(self, db: AsyncSession, person_id: int) -> None:
        self._db = db
        self._person_id = person_id

    async def open(self) -> list[Affected]:
        """Theirs to have or to do, the next first; a hold that has lapsed counts no more."""
        held = select(func.coalesce(func.sum(Charge.amount), 0)).where(
            Charge.booking_id == Booking.id, Charge.state == "authorised"
        )
        query = (
            select(
                Booking.reference,
                Booking.service_name,
                Booking.state,
                Booking.starts_at,
                Booking.ends_at,
                held.scalar_subquery(),
            )
            .where(
                or_(Booking.customer_id == self._person_id, Booking.professional_id == self._person_id),
                Booking.state.in_(ACTIVE),
                or_(Booking.state != State.HELD, Booking.held_until > clock.now()),
            )
            .order_by(Booking.starts_at, Booking.id)
        )
        return [Affected(*row) for row in await self._db.execute(query)]

    async def waiting(self) -> tuple[int, int]:
        """Of others: bookings that wait for this professional's answer or have their time, and times kept in paying."""
        now = clock.now()
        theirs = Booking.reserved_for == self._person_id
        asked = and_(Booking.named_id == self._person_id, Booking.asked_until > now)
        requested = and_(Booking.state == State.REQUESTED, or_(theirs, asked))
        held = and_(Booking.state == State.HELD, theirs, Booking.held_until > now)
        query = select(func.count().filter(requested), func.count().filter(held)).where(or_(requested, held))
        row = (await self._db.execute(query)).one()
        return row[0], row[1]

    async def to_cancel(self) -> Sequence[int]:
        """Bookings of a customer that have not started."""
        open_states = (State.HELD, State.REQUESTED, State.ASSIGNED)
        query = select(Booking.id).where(Booking.customer_id == self._person_id, Booking.state.in_(open_states))
        return (await self._db.scalars(query)).all()

    async def sessions(self) -> int:
        live = select(func.count()).where(Session.user_id == self._person_id, Session.expires_at > clock.now())
        return (await self._db.execute(live)).scalar_one()
