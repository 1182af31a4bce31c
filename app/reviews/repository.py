"""Public reviews, by cursor, and their ratings as counts per service and professional."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.names import public_name
from app.accounts.ratings import STAR_COLUMNS
from app.accounts.repository import ProfessionalRatings
from app.catalog.repository import ServiceRatings
from app.core.paging import Page, decode_cursor, page_of
from app.core.sql import fetch, fetch_row
from app.reviews.review import Review, ReviewDeadline, answer_is_open

# $1 is the service or the professional, $2 the id after which a page begins, NULL for the first; $4 the stars, or NULL.
SELECT_REVIEWS = """
    SELECT r.id, r.rating, r.comment, u.full_name, pin.place, r.created_at, r.answer, p.full_name
      FROM reviews r
      JOIN users p ON p.id = r.professional_id
      JOIN users u ON u.id = r.customer_id
      JOIN bookings b ON b.id = r.booking_id
      JOIN pincodes pin ON pin.pincode = b.pincode
     WHERE {of} = $1 AND r.counts AND ($2::bigint IS NULL OR r.id < $2)
       AND ($4::int IS NULL OR r.rating = $4)
     ORDER BY r.id DESC LIMIT $3
"""
OF_SERVICE, OF_PROFESSIONAL = (SELECT_REVIEWS.format(of=of) for of in ("r.service_id", "r.professional_id"))
# The words of the review of a booking `b`, for the JSON of bookings (app.listeners).
COMMENT_SQL = "(SELECT r.comment FROM reviews r WHERE r.booking_id = b.id AND r.counts)"
REVIEW_ID_SQL = "(SELECT r.id FROM reviews r WHERE r.booking_id = b.id)"


OWN_COLUMNS = (
    "r.id, r.rating, r.comment, r.created_at, r.counts, r.answer, r.answered_at, r.hidden_at, r.hidden_reason,"
    " r.shown_reason"
)
OF_BOOKING = f"SELECT {OWN_COLUMNS} FROM reviews r WHERE r.booking_id = $1"
# The same of a booking `b`, for its customer's page (app.listeners).
REVIEW_SQL = f"(SELECT ROW({OWN_COLUMNS}) FROM reviews r WHERE r.booking_id = b.id)"


@dataclass(frozen=True, slots=True)
class OwnReview(ReviewDeadline):
    """A review as the pages of its booking show it; hidden, to its customer alone."""

    id: int
    rating: int
    comment: str
    created_at: datetime
    counts: bool
    answer: str | None
    answered_at: datetime | None
    hidden_at: datetime | None
    hidden_reason: str | None
    shown_reason: str | None

    @property
    def may_answer(self) -> bool:
        """Whether its professional may answer it, or still change the answer."""
        return answer_is_open(self.answered_at)


@dataclass(frozen=True, slots=True)
class PublicReview:
    """A review as visitors read it: the customer as first name and initial."""

    id: int
    rating: int
    comment: str
    name: str
    place: str
    at: datetime
    answer: str | None
    answer_by: str


class Reviews:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def of_service(
        self, service_id: int, cursor: str | None = None, limit: int = 20, *, stars: int | None = None
    ) -> Page[PublicReview]:
        """Newest first; `stars`: only those of so many. A cursor that is not ours is Missing."""
        return await self._newest(OF_SERVICE, service_id, cursor, limit, stars)

    async def of_professional(
        self, professional_id: int, cursor: str | None = None, limit: int = 20
    ) -> Page[PublicReview]:
        return await self._newest(OF_PROFESSIONAL, professional_id, cursor, limit)

    async def of_booking(self, booking_id: int) -> Review | None:
        found: Review | None = await self._db.scalar(select(Review).where(Review.booking_id == booking_id))
        return found

    async def shown_on(self, booking_id: int) -> OwnReview | None:
        """The review of a booking that was found through one of its sides, or by an admin."""
        row = await fetch_row(self._db, OF_BOOKING, booking_id)
        return OwnReview(*row) if row else None

    async def add(self, review: Review) -> None:
        """Add the review and, if it counts, its stars to the ratings of its service and its professional."""
        self._db.add(review)
        await self._db.flush()
        await self._db.refresh(review, ["counts"])
        if review.counts:
            await self._count(review, {STAR_COLUMNS[review.rating - 1]: 1})

    async def follow_decision(self, review: Review) -> None:
        """Add or take off the stars of a review that counts now or does so no longer."""
        before = review.counts
        await self._db.refresh(review, ["counts"])
        if review.counts != before:
            await self._count(review, {STAR_COLUMNS[review.rating - 1]: 1 if review.counts else -1})

    async def recount_stars(self, review: Review, before: int) -> None:
        """Move a changed review from `before` stars to its present ones."""
        if review.rating != before and review.counts:
            await self._count(review, {STAR_COLUMNS[before - 1]: -1, STAR_COLUMNS[review.rating - 1]: 1})

    async def _newest(
        self, query: str, of: int, cursor: str | None, limit: int, stars: int | None = None
    ) -> Page[PublicReview]:
        (last,) = decode_cursor(cursor, int) or (None,)
        reviews = [
            PublicReview(row[0], row[1], row[2], public_name(row[3]), row[4], row[5], row[6], public_name(row[7]))
            for row in await fetch(self._db, query, of, last, limit + 1, stars)
        ]
        return page_of(reviews, limit, lambda row: (row.id,))

    async def _count(self, review: Review, counts: dict[str, int]) -> None:
        # Always the service's row first, so that two reviews never deadlock.
        await ServiceRatings(self._db).count_stars(review.service_id, counts)
        await ProfessionalRatings(self._db).count_stars(review.professional_id, counts)
