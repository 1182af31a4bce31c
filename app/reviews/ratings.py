"""Ratings as counts of stars, kept in the same transaction as each review."""

from dataclasses import dataclass

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.reviews.review import ProfessionalRating, Review, ServiceRating

STAR_COLUMNS = ("one", "two", "three", "four", "five")


@dataclass(frozen=True, slots=True)
class RatingDistribution:
    """Number of reviews with one, two, … five stars."""

    one: int = 0
    two: int = 0
    three: int = 0
    four: int = 0
    five: int = 0

    @property
    def count(self) -> int:
        return self.one + self.two + self.three + self.four + self.five

    @property
    def stars(self) -> int:
        """The sum of all stars."""
        return self.one + 2 * self.two + 3 * self.three + 4 * self.four + 5 * self.five

    @property
    def mean(self) -> float | None:
        return self.stars / self.count if self.count else None

    @property
    def by_stars(self) -> dict[int, int]:
        """Number of reviews by stars, best first."""
        return {5: self.five, 4: self.four, 3: self.three, 2: self.two, 1: self.one}


async def add_review(db: AsyncSession, review: Review) -> None:
    """Count a new review's stars, for its service and its professional."""
    await _count(db, review, {STAR_COLUMNS[review.rating - 1]: 1})


async def change_review(db: AsyncSession, review: Review, before: int) -> None:
    """Move a changed review from `before` stars to its present ones."""
    if review.rating != before:
        await _count(db, review, {STAR_COLUMNS[before - 1]: -1, STAR_COLUMNS[review.rating - 1]: 1})


async def _count(db: AsyncSession, review: Review, counts: dict[str, int]) -> None:
    # Always the service's row first, so that two reviews never deadlock.
    await _increment(db, ServiceRating, {"service_id": review.service_id}, counts)
    await _increment(db, ProfessionalRating, {"professional_id": review.professional_id}, counts)


async def _increment(
    db: AsyncSession, table: type[ServiceRating] | type[ProfessionalRating], key: dict[str, int], counts: dict[str, int]
) -> None:
    row = insert(table).values(**key, **counts)
    updated = {name: getattr(table, name) + count for name, count in counts.items()}
    await db.execute(row.on_conflict_do_update(index_elements=list(key), set_=updated))
