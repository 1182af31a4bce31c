"""Reviews as visitors read them, by cursor, and the ratings."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.address import Pincode
from app.accounts.user import User, public_name
from app.bookings.booking import Booking
from app.core.paging import Page, decode_cursor, page_of
from app.reviews.ratings import RatingDistribution
from app.reviews.review import ProfessionalRating, Review, ServiceRating

SELECT_REVIEWS = (
    select(Review.id, Review.rating, Review.comment, Review.created_at, User.full_name, Pincode.place)
    .join(User, User.id == Review.customer_id)
    .join(Booking, Booking.id == Review.booking_id)
    .join(Pincode, Pincode.pincode == Booking.pincode)
)


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

    async def rating_of_service(self, service_id: int) -> RatingDistribution:
        return await self._rating(ServiceRating, ServiceRating.service_id == service_id)

    async def rating_of_professional(self, professional_id: int) -> RatingDistribution:
        return await self._rating(ProfessionalRating, ProfessionalRating.professional_id == professional_id)

    async def _newest(self, condition: ColumnElement[bool], cursor: str | None, limit: int) -> Page[PublicReview]:
        query = SELECT_REVIEWS.where(condition).order_by(Review.id.desc()).limit(limit + 1)
        if last := decode_cursor(cursor, int):
            query = query.where(Review.id < last[0])
        reviews = [
            PublicReview(row.id, row.rating, row.comment, public_name(row.full_name), row.place, row.created_at)
            for row in await self._db.execute(query)
        ]
        return page_of(reviews, limit, lambda row: (row.id,))

    async def _rating(
        self, table: type[ServiceRating] | type[ProfessionalRating], condition: ColumnElement[bool]
    ) -> RatingDistribution:
        stars = select(table.one, table.two, table.three, table.four, table.five)
        row = (await self._db.execute(stars.where(condition))).one_or_none()
        return RatingDistribution(*row) if row else RatingDistribution()
