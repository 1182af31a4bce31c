"""Writing and changing a review: once, by the customer, after the work. It closes the booking."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.moves import State
from app.bookings.repository import Bookings
from app.core import clock
from app.core.errors import Refused
from app.core.events import Actor
from app.core.i18n import _
from app.reviews import ratings
from app.reviews.repository import Reviews
from app.reviews.review import Review


async def write(db: AsyncSession, by: Actor, reference: str, rating: int, comment: str) -> Review:
    """The averages follow in the same transaction. Refused: not done yet, too late, or closed without one."""
    booking = await Bookings(db).for_customer(by, reference, lock=True)
    known = await Reviews(db).of_booking(booking.id)
    if known is not None:
        return await _change(db, by, booking, known, rating, comment)
    if booking.state != State.COMPLETED or booking.professional_id is None:
        raise Refused(_not_now(booking), reason="state")
    review = Review(
        booking_id=booking.id,
        customer_id=booking.customer_id,
        professional_id=booking.professional_id,
        service_id=booking.service_id,
        rating=rating,
        comment=comment,
        created_at=clock.now(),
    )
    db.add(review)
    await ratings.add(db, review)
    _tell(booking, by, "booking.reviewed", rating=rating)
    booking.close(by)
    await db.flush()
    return review


async def _change(db: AsyncSession, by: Actor, booking: Booking, review: Review, rating: int, comment: str) -> Review:
    if (review.rating, review.comment) == (rating, comment):
        return review
    before = review.rating
    review.change(rating, comment)
    await ratings.change(db, review, before)
    _tell(booking, by, "booking.review_changed", before={"rating": before}, after={"rating": rating})
    await db.flush()
    return review


def _tell(booking: Booking, by: Actor, name: str, **facts: Any) -> None:
    people = (booking.customer_id, booking.professional_id)
    nudges = [(f"user:{person}", topic) for person in people for topic in (booking.subject, "jobs")]
    booking.record(name, by=by, nudges=nudges, **facts)


def why_not(booking: Booking, known: Review | None) -> str | None:
    """Why no review can be written or changed now, in words; None when it can."""
    if known is not None:
        return known.too_late()
    return None if booking.state == State.COMPLETED else _not_now(booking)


def _not_now(booking: Booking) -> str:
    if booking.state == State.CLOSED:
        return _("The seven days to write a review are over.")
    if booking.state == State.CANCELLED:
        return _("This booking was cancelled, so there is nothing to review.")
    return _("You can write a review when the work is done.")
