"""Public reviews, by cursor, and their ratings as counts per service and professional."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.address import Pincode
from app.accounts.names import public_name
from app.accounts.ratings import STAR_COLUMNS
from app.accounts.repository import ProfessionalRatings
from app.accounts.user import User
from app.bookings.booking import Booking
from app.catalog.repository import ServiceRatings
from app.core.paging import Page, decode_cursor, page_of
from app.core.sql import fetch_row
from app.reviews.review import Review, ReviewDeadline

SELECT_REVIEWS = (
    select(Review.id, Review.rating, Review.comment, Review.created_at, User.full_name, Pincode.place)
    .join(User, User.id == Review.customer_id)
    .join(Booking, Booking.id == Review.booking_id)
    .join(Pincode, Pincode.pincode == Booking.pincode)
)


# The words of the review of a booking `b`, for the JSON of bookings (app.listeners).
COMMENT_SQL = "(SELECT r.comment FROM reviews r WHERE r.booking_id = b.id)"


OF_BOOKING = "SELECT r.rating, r.comment, r.created_at FROM reviews r WHERE r.booking_id = $1"


@dataclass(frozen=True, slots=True)
class OwnReview(ReviewDeadline):
    """A review as the page of its booking shows it to its customer."""

    rating: int
    comment: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PublicReview:
    """A review as visitors read it: the customer as first name and initial."""

    id: int
    rating: int
    comment: str
    name: str
    place: str
    at: datetime


class Reviews:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def of_service(self, service_id: int, cursor: str | None = None, limit: int = 20) -> Page[PublicReview]:
        """Newest first. A cursor that is not ours is Missing."""
        return await self._newest(Review.service_id == service_id, cursor, limit)

    async def of_professional(
        self, professional_id: int, cursor: str | None = None, limit: int = 20
    ) -> Page[PublicReview]:
        return await self._newest(Review.professional_id == professional_id, cursor, limit)

    async def of_booking(self, booking_id: int) -> Review | None:
        found: Review | None = await self._db.scalar(select(Review).where(Review.booking_id == booking_id))
        return found

    async def shown_on(self, booking_id: int) -> OwnReview | None:
        """The review of a booking that was found through its customer."""
        row = await fetch_row(self._db, OF_BOOKING, booking_id)
        return OwnReview(*row) if row else None

    async def count_stars(self, review: Review) -> None:
        """Add a new review's stars to the ratings of its service and its professional."""
        await self._count(review, {STAR_COLUMNS[review.rating - 1]: 1})

    async def recount_stars(self, review: Review, before: int) -> None:
        """Move a changed review from `before` stars to its present ones."""
        if review.rating != before:
            await self._count(review, {STAR_COLUMNS[before - 1]: -1, STAR_COLUMNS[review.rating - 1]: 1})

    async def _newest(self, condition: ColumnElement[bool], cursor: str | None, limit: int) -> Page[PublicReview]:
        query = SELECT_REVIEWS.where(condition).order_by(Review.id.desc()).limit(limit + 1)
        if last := decode_cursor(cursor, int):
            query = query.where(Review.id < last[0])
        reviews = [
            PublicReview(row.id, row.rating, row.comment, public_name(row.full_name), row.place, row.created_at)
            for row in await self._db.execute(query)
        ]
        return page_of(reviews, limit, lambda row: (row.id,))

    async def _count(self, review: Review, counts: dict[str, int]) -> None:
        # Always the service's row first, so that two reviews never deadlock.
        await ServiceRatings(self._db).count_stars(review.service_id, counts)
        await ProfessionalRatings(self._db).count_stars(review.professional_id, counts)
