"""Submit and change a review: once per booking, by its customer, after the work. It closes the booking."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.moves import Flag, State
from app.bookings.repository import Bookings, SelfBookings
from app.bookings.self_booking import flag_reviewed_booking
from app.core import clock
from app.core.errors import Refused
from app.core.events import Actor
from app.core.i18n import _
from app.reviews.repository import Reviews
from app.reviews.review import Review


async def submit_review(db: AsyncSession, by: Actor, reference: str, rating: int, comment: str) -> Review:
    """Create or change the customer's review and update the ratings. Refused("state", "late")."""
    booking = await Bookings(db).for_customer(by, reference, lock=True)
    existing = await Reviews(db).of_booking(booking.id)
    if existing is not None:
        return await _change(db, by, booking, existing, rating, comment)
    if booking.state != State.COMPLETED or booking.professional_id is None:
        raise Refused(_state_refusal(booking), reason="state", about="review")
    review = Review(
        booking_id=booking.id,
        customer_id=booking.customer_id,
        professional_id=booking.professional_id,
        service_id=booking.service_id,
        rating=rating,
        comment=comment,
        created_at=clock.now(),
    )
    await flag_reviewed_booking(db, booking)
    await Reviews(db).add(review)
    _record(booking, by, "booking.reviewed", rating=rating)
    booking.close(by)
    await db.flush()
    return review


async def _change(db: AsyncSession, by: Actor, booking: Booking, review: Review, rating: int, comment: str) -> Review:
    if (review.rating, review.comment) == (rating, comment):
        return review
    before = review.rating
    review.change(rating, comment)
    await Reviews(db).recount_stars(review, before)
    _record(booking, by, "booking.review_changed", before={"rating": before}, after={"rating": rating})
    await db.flush()
    return review


async def decide_flag(db: AsyncSession, by: Actor, reference: str, flag: Flag) -> Booking:
    """An admin says whether the review of a flagged booking counts; the ratings follow.

    Refused("state") without a flag. Repeated, it changes nothing. A review that is written later follows the decision.
    """
    booking = await Bookings(db).by_reference(reference, lock=True)
    review = await Reviews(db).of_booking(booking.id)
    await SelfBookings(db).load_flag(booking)
    booking.decide_flag(by, flag)
    await db.flush()
    if review is not None:
        await Reviews(db).follow_decision(review)
    return booking


def _record(booking: Booking, by: Actor, name: str, **facts: Any) -> None:
    user_ids = (booking.customer_id, booking.professional_id)
    nudges = [(f"user:{user_id}", topic) for user_id in user_ids for topic in (booking.subject, "jobs")]
    booking.record(name, by=by, nudges=nudges, **facts)


def submission_refusal(booking: Booking, existing: Review | None) -> str | None:
    """The sentence why no review can be submitted or changed now; None when it can."""
    if existing is not None:
        return existing.edit_refusal()
    return None if booking.state == State.COMPLETED else _state_refusal(booking)


def _state_refusal(booking: Booking) -> str:
    if booking.state == State.CLOSED:
        return _("The 7 days to write a review are over.")
    if booking.state == State.CANCELLED:
        return _("This booking was cancelled, so it can't be reviewed.")
    return _("You can write a review when the job is done.")
