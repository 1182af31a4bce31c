"""What customers said, as the desk lists it.

The fields of /admin/reviews, each may be left out: rating (1 to 5); category, pincode, professional, customer and
service of the booking; from and to, the days in which its work began.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.accounts.user import User
from app.bookings.booking import Booking
from app.core.keyset import Query, Slice, Sort, counted, slice_of
from app.dispatch.repository import conditions
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
        counts = _as_many(chosen)
        return await slice_of(
            self._db, query, key=Booking.id, sort=by, descending=descending, after=after, counts=counts
        )

    async def counts(self, chosen: Mapping[str, str]) -> dict[str, int | None]:
        """How many there are of each number of stars, if nothing else is asked for."""
        if any(value for name, value in chosen.items() if name != "rating"):
            return {}
        return {stars: await counted(self._db, _as_many({"rating": stars})) for stars in STARS}


def _of(chosen: Mapping[str, str]) -> Query:
    return _SAID.where(*_asked(chosen))


def _as_many(chosen: Mapping[str, str]) -> Query:
    """As many rows as there are reviews: a booking has stars in its own row exactly when it has a review."""
    return select(Booking.id).where(*_asked(chosen))


def _asked(chosen: Mapping[str, str]) -> Iterator[ColumnElement[bool]]:
    """Its stars stand in the booking's own row too: an index tells them without a look at the review."""
    return conditions({**chosen, "rating": chosen.get("rating") or "yes"})
