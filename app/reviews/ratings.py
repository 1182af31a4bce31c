"""The running averages, counted in the same transaction as the review: a recount finds the same."""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.reviews.review import ProfessionalRating, Review, ServiceRating

STARS = ("one", "two", "three", "four", "five")


async def add(db: AsyncSession, review: Review) -> None:
    """A new review's stars, for its service and its professional."""
    await _count(db, review, {STARS[review.rating - 1]: 1})


async def change(db: AsyncSession, review: Review, before: int) -> None:
    """It gave `before` stars and gives another number now."""
    if review.rating != before:
        await _count(db, review, {STARS[before - 1]: -1, STARS[review.rating - 1]: 1})


async def _count(db: AsyncSession, review: Review, by: dict[str, int]) -> None:
    # Always the service's row first, so that two reviews never wait for each other crosswise.
    await _add_to(db, ServiceRating, {"service_id": review.service_id}, by)
    await _add_to(db, ProfessionalRating, {"professional_id": review.professional_id}, by)


async def _add_to(
    db: AsyncSession, rating: type[ServiceRating] | type[ProfessionalRating], whose: dict[str, int], by: dict[str, int]
) -> None:
    row = insert(rating).values(**whose, **by)
    more = {name: getattr(rating, name) + count for name, count in by.items()}
    await db.execute(row.on_conflict_do_update(index_elements=list(whose), set_=more))
