"""Declined jobs, which are never offered to the same professional again; disputes of no-shows."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.bookings.booking import Booking
from app.core import clock
from app.core.errors import Refused
from app.core.events import Person
from app.core.i18n import _
from app.core.orm import NaturalKeyBase


class Decline(NaturalKeyBase):
    __tablename__ = "declines"
    __table_args__ = (
        CheckConstraint("kind IN ('passed', 'returned', 'absent')", name="declines_kind_check"),
        Index("declines_professional_id_idx", "professional_id"),
    )
    booking_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("bookings.id"), primary_key=True)
    professional_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("professionals.user_id"), primary_key=True)
    kind: Mapped[str]
    reason: Mapped[str]
    at: Mapped[datetime]


class Dispute(NaturalKeyBase):
    """A customer's dispute of a no-show (W13), within 48 h, or of an arrival (W14); an admin decides its case."""

    __tablename__ = "disputes"
    __table_args__ = (CheckConstraint("length(text) BETWEEN 1 AND 1000", name="disputes_text_check"),)
    booking_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("bookings.id"), primary_key=True)
    customer_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"))
    text: Mapped[str]
    at: Mapped[datetime]
    settled_at: Mapped[datetime | None]


# What a higher room does after a dispute: (db, the customer, the booking with its row locked, topic, words).
DisputeListener = Callable[[AsyncSession, Person, Booking, str, str], Awaitable[None]]
_listeners: list[DisputeListener] = []


def register_dispute_listener(listener: DisputeListener) -> None:
    """Call `listener` after every dispute, in its transaction; the topic is "absent" or "no_show_fee"."""
    if listener not in _listeners:
        _listeners.append(listener)


async def require_undisputed_arrival(db: AsyncSession, booking: Booking) -> None:
    """Refused("disputed"): the customer says that nobody came, so no money moves until it is decided (W14)."""
    if await is_arrival_contested(db, booking):
        raise Refused(
            _("The customer says that the professional hasn't arrived. No money moves until that is settled."),
            reason="disputed",
        )


async def is_arrival_contested(db: AsyncSession, booking: Booking) -> bool:
    """Whether the customer says that the professional who reported the arrival hasn't come (W14)."""
    dispute = await db.get(Dispute, booking.id)
    return booking.may_contest_arrival(clock.now()) and _waits_since(dispute, booking.arrived_at)


async def is_disputed_since(db: AsyncSession, booking: Booking, moment: datetime | None) -> bool:
    """Whether the customer disputed after that moment: an earlier dispute was of another professional's arrival."""
    dispute = await db.get(Dispute, booking.id)
    return dispute is not None and moment is not None and dispute.at >= moment


async def add_dispute(db: AsyncSession, by: Person, booking: Booking, topic: str, text: str) -> None:
    """Store the dispute in place of an earlier one, and open its case."""
    await store_dispute(db, booking, text)
    for listener in _listeners:
        await listener(db, by, booking, topic, text)


async def store_dispute(db: AsyncSession, booking: Booking, text: str) -> None:
    """Store that the customer disputes the no-show or the arrival, in place of an earlier dispute."""
    dispute = Dispute(
        booking_id=booking.id, customer_id=booking.customer_id, text=text, at=clock.now(), settled_at=None
    )
    await db.merge(dispute)
    await db.flush()


async def settle_dispute(db: AsyncSession, booking: Booking) -> None:
    """An admin decided: a disputed arrival keeps money no longer from moving."""
    dispute = await db.get(Dispute, booking.id)
    if dispute is not None and dispute.settled_at is None:
        dispute.settled_at = clock.now()


def _waits_since(dispute: Dispute | None, moment: datetime | None) -> bool:
    if dispute is None or dispute.settled_at is not None or moment is None:
        return False
    return dispute.at >= moment
