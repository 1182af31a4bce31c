"""What customers said: lists by key, spreads from the running averages."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.address import Pincode
from app.accounts.user import User, public_name
from app.bookings.booking import Booking
from app.core.paging import Page, after, page_of
from app.reviews.review import ProfessionalRating, Review, ServiceRating
from app.reviews.spread import Spread

SAID = (
    select(Review.id, Review.rating, Review.comment, Review.created_at, User.full_name, Pincode.place)
    .join(User, User.id == Review.customer_id)
    .join(Booking, Booking.id == Review.booking_id)
    .join(Pincode, Pincode.pincode == Booking.pincode)
)


@dataclass(frozen=True, slots=True)
class Said:
    """A review as strangers read it: first name and initial, the place, the day."""

    id: int
    rating: int
    comment: str
    name: str
    place: str
    at: datetime


class Reviews:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def of_service(self, service_id: int, cursor: str | None = None, limit: int = 20) -> Page[Said]:
        """Newest first. A cursor that is not ours is Missing."""
        return await self._newest(Review.service_id == service_id, cursor, limit)

    async def of_professional(self, professional_id: int, cursor: str | None = None, limit: int = 20) -> Page[Said]:
        return await self._newest(Review.professional_id == professional_id, cursor, limit)

    async def of_booking(self, booking_id: int) -> Review | None:
        found: Review | None = await self._db.scalar(select(Review).where(Review.booking_id == booking_id))
        return found

    async def spread_of_service(self, service_id: int) -> Spread:
        return await self._spread(ServiceRating, ServiceRating.service_id == service_id)

    async def spread_of_professional(self, professional_id: int) -> Spread:
        return await self._spread(ProfessionalRating, ProfessionalRating.professional_id == professional_id)

    async def _newest(self, whose: ColumnElement[bool], cursor: str | None, limit: int) -> Page[Said]:
        asked = SAID.where(whose).order_by(Review.id.desc()).limit(limit + 1)
        if last := after(cursor, int):
            asked = asked.where(Review.id < last[0])
        rows = [
            Said(row.id, row.rating, row.comment, public_name(row.full_name), row.place, row.created_at)
            for row in await self._db.execute(asked)
        ]
        return page_of(rows, limit, lambda row: (row.id,))

    async def _spread(
        self, rating: type[ServiceRating] | type[ProfessionalRating], whose: ColumnElement[bool]
    ) -> Spread:
        stars = select(rating.one, rating.two, rating.three, rating.four, rating.five)
        row = (await self._db.execute(stars.where(whose))).one_or_none()
        return Spread(*row) if row else Spread()
