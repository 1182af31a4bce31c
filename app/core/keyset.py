"""Long lists in any order, page by page, by key and not by number: each page reads what it shows and one row more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Integer, Row, Select, SQLColumnExpression, func, literal_column, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import Missing
from app.core.paging import after as read_cursor
from app.core.paging import cursor

COUNTED = 1_000  # nobody reads "of 48,213" as more than "many"; counting them would cost more than the page
PAGE = 20
AnyRow = Row[*tuple[Any, ...]]
Query = Select[*tuple[Any, ...]]
ONE = literal_column("1", Integer).label("one")


@dataclass(frozen=True, slots=True)
class Sort:
    """`by` is never NULL and has an index together with the list's key; `kind` is what its values are in Python."""

    by: SQLColumnExpression[Any]
    kind: type = str


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows `first` to `last` of `total`, which is None when they are too many to count; `next` goes into ?after=."""

    rows: Sequence[Any]
    next: str | None
    first: int
    total: int | None

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1


async def slice_of(
    db: AsyncSession,
    query: Query,
    *,
    key: SQLColumnExpression[int],
    sort: Sort,
    descending: bool = False,
    after: str | None = None,
    limit: int = PAGE,
    counts: Query | None = None,
    most: int = COUNTED,
) -> Slice:
    """One page of `query`, which is not ordered yet; `key` is unique. A cursor that was not ours is Missing.

    `counts` has as many rows as `query`, read more cheaply. `most` is how many are counted; 0: they are too many.
    """
    seen, last = _read(after, sort)
    page = query.add_columns(sort.by.label("sort_key"), key.label("row_key"))
    if last is not None:
        place = tuple_(sort.by, key)
        # The second says nothing new, but an index of `by` alone can begin there, when the key is another table's.
        begins = sort.by <= last[0] if descending else sort.by >= last[0]
        page = page.where(place < last if descending else place > last, begins)
    order = (sort.by.desc(), key.desc()) if descending else (sort.by, key)
    rows = (await db.execute(page.order_by(*order).limit(limit + 1))).all()
    shown, more = rows[:limit], len(rows) > limit
    total = await counted(db, query if counts is None else counts, most) if more else seen + len(rows)
    return Slice(shown, _cursor(shown[-1], seen + limit) if more else None, seen + 1 if shown else 0, total)


async def counted(db: AsyncSession, query: Query, most: int = COUNTED) -> int | None:
    """How many rows; None when more than `most`. 0: that they are too many is known."""
    if not most:
        return None
    some = query.with_only_columns(ONE, maintain_column_froms=True).order_by(None).limit(most + 1).subquery()
    found: int = (await db.execute(select(func.count()).select_from(some))).scalar_one()
    return found if found <= most else None


def _read(after: str | None, sort: Sort) -> tuple[int, tuple[Any, int] | None]:
    """How many rows came before, and the sort key and key of the last of them."""
    last = read_cursor(after, _written(sort.kind), int, int)
    if last is None:
        return 0, None
    value, key, seen = last
    if sort.kind not in (datetime, date):
        return int(seen), (value, int(key))
    try:
        return int(seen), (sort.kind.fromisoformat(str(value)), int(key))
    except ValueError as error:
        raise Missing() from error


def _cursor(row: AnyRow, seen: int) -> str:
    value = row.sort_key.isoformat() if isinstance(row.sort_key, date) else row.sort_key
    return cursor(value, row.row_key, seen)


def _written(kind: type) -> type:
    """As what a value of this kind stands in a cursor."""
    return str if kind in (datetime, date) else kind
