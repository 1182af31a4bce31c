"""What customers said, as the desk lists it.

The fields of /admin/reviews, each may be left out: rating (1 to 5); category, pincode, professional, customer and
service of the booking; from and to, the days in which its work began.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.accounts.user import User
from app.bookings.booking import Booking
from app.bookings.desk_repository import conditions
from app.kit.keyset import Query, Slice, Sort, counted, slice_of
from app.reviews.review import Review

FILTERS = ("rating", "from", "to", "category", "pincode", "professional", "customer", "service")
SORTS = {"starts": Sort(Booking.starts_at, datetime)}
STARS = ("", "5", "4", "3", "2", "1")
_customer, _worker = aliased(User), aliased(User)
_SAID: Query = (
    select(
        Review.id,
        Review.rating,
        Review.comment,
        Review.created_at,
        Review.customer_id,
        Review.professional_id,
        Booking.reference,
        Booking.service_name,
        Booking.starts_at,
        select(_customer.full_name).where(_customer.id == Review.customer_id).scalar_subquery().label("customer"),
        select(_worker.full_name).where(_worker.id == Review.professional_id).scalar_subquery().label("professional"),
    )
    .select_from(Booking)
    .join(Review, Review.booking_id == Booking.id)
)


class ReviewList:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def listed(self, chosen: Mapping[str, str], *, descending: bool, after: str) -> Slice:
        query, by = _of(chosen), SORTS["starts"]
        return await slice_of(self._db, query, key=Booking.id, sort=by, descending=descending, after=after)

    async def counts(self, chosen: Mapping[str, str]) -> dict[str, int | None]:
        """How many there are of each number of stars, if nothing else is asked for."""
        if any(value for name, value in chosen.items() if name != "rating"):
            return {}
        return {stars: await counted(self._db, _of({"rating": stars})) for stars in STARS}


def _of(chosen: Mapping[str, str]) -> Query:
    """Its stars stand in the booking's own row too: an index tells them without a look at the review."""
    return _SAID.where(*conditions({**chosen, "rating": chosen.get("rating") or "yes"}))
