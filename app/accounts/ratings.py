"""Ratings as counts of stars: one row per service (app.catalog) and per professional, written with each review."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Integer
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.core.sql import fetch_row

STAR_COLUMNS = ("one", "two", "three", "four", "five")
# The same of a row `r` in SQL; both are NULL where an outer join finds no row.
RATING_SUM_SQL = "(" + " + ".join(f"{stars} * r.{name}" for stars, name in enumerate(STAR_COLUMNS, 1)) + ")"
SELECT_STARS = "SELECT " + ", ".join(STAR_COLUMNS)
REVIEW_COUNT_SQL = "(" + " + ".join(f"r.{name}" for name in STAR_COLUMNS) + ")"


def rating_sum(row: Any) -> Any:
    """The sum of all stars, of a row or of a table's columns."""
    return sum(stars * getattr(row, name) for stars, name in enumerate(STAR_COLUMNS, 1))


def review_count(row: Any) -> Any:
    """The number of reviews, of a row or of a table's columns."""
    return sum(getattr(row, name) for name in STAR_COLUMNS)


class StarCounts:
    """Number of reviews with one, two, … five stars."""

    one: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    two: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    three: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    four: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    five: Mapped[int] = mapped_column(Integer, default=0, server_default="0")


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
        return int(review_count(self))

    @property
    def mean(self) -> float | None:
        return rating_sum(self) / self.count if self.count else None

    @property
    def by_stars(self) -> dict[int, int]:
        """Number of reviews by stars, best first."""
        return {stars: getattr(self, name) for stars, name in reversed(list(enumerate(STAR_COLUMNS, 1)))}


async def load_distribution(db: AsyncSession, query: str, key: int) -> RatingDistribution:
    """The row of `key`; the query reads SELECT_STARS."""
    row = await fetch_row(db, query, key)
    return RatingDistribution(*row) if row else RatingDistribution()


async def add_counts(db: AsyncSession, table: type[Any], key: Mapping[str, int], counts: Mapping[str, int]) -> None:
    """Add `counts` (by column, may be negative) to the row of `key`, which is created if it does not exist."""
    row = insert(table).values(**key, **counts)
    updated = {name: getattr(table, name) + count for name, count in counts.items()}
    await db.execute(row.on_conflict_do_update(index_elements=list(key), set_=updated))
