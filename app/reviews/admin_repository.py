"""Reviews as admins list them.

The fields of /admin/reviews, each may be left out: state (reported, hidden); rating (1 to 5); category, pincode,
professional, customer and service of the booking; from and to, the days in which its work began.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.accounts.user import User
from app.bookings.booking import Booking
from app.core.paging import CountedPage, Query, Sort, count_rows, fetch_page
from app.dispatch.repository import filter_conditions
from app.reviews.review import Review

FILTERS = ("state", "rating", "from", "to", "category", "pincode", "professional", "customer", "service")
SORTS = {"starts": Sort(Booking.starts_at, datetime)}
STARS = ("", "5", "4", "3", "2", "1")
_customer, _professional = aliased(User), aliased(User)
SELECT_REVIEWS: Query = (
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
        select(_professional.full_name)
        .where(_professional.id == Review.professional_id)
        .scalar_subquery()
        .label("professional"),
    )
    .select_from(Booking)
    .join(Review, Review.booking_id == Booking.id)
)


class ReviewList:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def listed(self, filters: Mapping[str, str], *, descending: bool, after: str) -> CountedPage:
        query, sort = _select(filters), SORTS["starts"]
        counts = _select_counted(filters)
        return await fetch_page(
            self._db, query, key=Booking.id, sort=sort, descending=descending, after=after, count_query=counts
        )

    async def counts(self, filters: Mapping[str, str]) -> dict[str, int | None]:
        """Number of reviews by stars, when no other filter is set."""
        if any(value for name, value in filters.items() if name != "rating"):
            return {}
        return {stars: await count_rows(self._db, _select_counted({"rating": stars})) for stars in STARS}


def _select(filters: Mapping[str, str]) -> Query:
    return SELECT_REVIEWS.where(*_conditions(filters))


def _select_counted(filters: Mapping[str, str]) -> Query:
    """One row per review, for counting: a booking has a rating in its own row exactly when it has a review."""
    return select(Booking.id).where(*_conditions(filters))


def _conditions(filters: Mapping[str, str]) -> Iterator[ColumnElement[bool]]:
    """The rating is also in the booking's own row, where an index covers it."""
    others = {name: value for name, value in filters.items() if name != "state"}
    return filter_conditions({**others, "rating": filters.get("rating") or "yes"})
