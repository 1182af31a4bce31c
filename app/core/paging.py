"""Keyset paging: a page is found by the sort key of the row before it, so page 5,000 costs what page 1 does.

`page_of` cuts a page from rows that are already read; `fetch_page` runs a query in any sort order and counts its rows.
"""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import Integer, Row, Select, SQLColumnExpression, func, literal_column, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import Missing

T = TypeVar("T")
PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
MAX_COUNTED_ROWS = 1_000  # a larger total is shown as "many"; counting it would cost more than the page
MAX_CURSOR_LENGTH = 1_000  # characters; far more than our own, and too few for deeply nested JSON
AnyRow = Row[*tuple[Any, ...]]
Query = Select[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """`next` is the cursor to put into `?after=`, None on the last page."""

    items: Sequence[T]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class CountedPage:
    """Items `first` to `last` of `total`, which is None when too many to count; `next` goes into `?after=`."""

    items: Sequence[Any]
    next: str | None
    first: int
    total: int | None

    @property
    def last(self) -> int:
        return self.first + len(self.items) - 1


@dataclass(frozen=True, slots=True)
class Sort:
    """`column` is never NULL and has an index together with the list's key; `python_type` is the type of its values."""

    column: SQLColumnExpression[Any]
    python_type: type = str


def page_of(rows: Sequence[T], limit: int, key: Callable[[T], Sequence[str | int | float]]) -> Page[T]:
    """Return the first `limit` of up to `limit` + 1 rows; `key` gives the cursor values of the last one shown."""
    items = rows[:limit]
    return Page(items, encode_cursor(*key(items[-1])) if len(rows) > limit else None)


async def fetch_page(
    db: AsyncSession,
    query: Query,
    *,
    key: SQLColumnExpression[int],
    sort: Sort,
    descending: bool = False,
    after: str | None = None,
    limit: int = PAGE_SIZE,
    count_query: Query | None = None,
    max_count: int = MAX_COUNTED_ROWS,
    known_total: tuple[int | None] | None = None,
) -> CountedPage:
    """Fetch one page of `query`, which is not ordered yet; `key` is unique. Missing for a foreign cursor.

    `count_query` has as many rows as `query` but is cheaper to read. At most `max_count` rows are counted; 0 skips it.
    `known_total` is the number of rows, None for too many, when the caller has counted them.
    """
    skipped, last = _decode_sort_cursor(after, sort)
    page = query.add_columns(sort.column.label("sort_key"), key.label("row_key"))
    if last is not None:
        position = tuple_(sort.column, key)
        # Redundant, but lets an index on `column` alone find the start when the key belongs to another table.
        bound = sort.column <= last[0] if descending else sort.column >= last[0]
        page = page.where(position < last if descending else position > last, bound)
    order = (sort.column.desc(), key.desc()) if descending else (sort.column, key)
    rows = (await db.execute(page.order_by(*order).limit(limit + 1))).all()
    items, more = rows[:limit], len(rows) > limit
    total: int | None = skipped + len(rows)
    if more and known_total is not None:
        (total,) = known_total
    elif more:
        total = await count_rows(db, query if count_query is None else count_query, max_count)
    next_cursor = _encode_sort_cursor(items[-1], skipped + limit) if more else None
    return CountedPage(items, next_cursor, skipped + 1 if items else 0, total)


async def count_rows(db: AsyncSession, query: Query, max_count: int = MAX_COUNTED_ROWS) -> int | None:
    """Count the rows of `query`; None when there are more than `max_count`, or when that is 0 (do not count)."""
    if not max_count:
        return None
    constant = literal_column("1", Integer).label("one")
    rows = query.with_only_columns(constant, maintain_column_froms=True).order_by(None).limit(max_count + 1).subquery()
    count: int = (await db.execute(select(func.count()).select_from(rows))).scalar_one()
    return count if count <= max_count else None


def encode_cursor(*key: str | int | float) -> str:
    """Encode the sort key of the last row shown as an opaque, URL-safe string."""
    return base64.urlsafe_b64encode(json.dumps(key, separators=(",", ":")).encode()).decode().rstrip("=")


def decode_cursor(text: str | None, *types: type) -> tuple[str | int | float, ...] | None:
    """Decode the key in `?after=`, None for the first page. Missing if it is not a cursor with values of `types`."""
    if not text:
        return None
    if len(text) > MAX_CURSOR_LENGTH:
        raise Missing()
    try:
        key = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, RecursionError) as error:
        raise Missing() from error
    valid = isinstance(key, list) and len(key) == len(types) and all(map(_is_value, key, types))
    if not valid:
        raise Missing()
    return tuple(key)


def decode_time_cursor(text: str | None) -> tuple[datetime, int] | None:
    """Decode the cursor of a list ordered by time: the last row's aware time and id."""
    last = decode_cursor(text, str, int)
    if last is None:
        return None
    try:
        time = datetime.fromisoformat(str(last[0]))
    except ValueError as error:
        raise Missing() from error
    if time.tzinfo is None:
        raise Missing()
    return time, int(last[1])


def clamp_limit(limit: int | None, default: int = PAGE_SIZE) -> int:
    """Return a page size between 1 and MAX_PAGE_SIZE."""
    return max(1, min(limit or default, MAX_PAGE_SIZE))


def _is_value(value: object, type_: type) -> bool:
    """Whether PostgreSQL can hold `value` as a `type_`."""
    if type_ is int:
        return type(value) is int and -(2**63) <= value < 2**63
    return type(value) is type_ and "\x00" not in str(value)


def _encode_sort_cursor(row: AnyRow, skipped: int) -> str:
    value = row.sort_key.isoformat() if isinstance(row.sort_key, date) else row.sort_key
    return encode_cursor(value, row.row_key, skipped)


def _decode_sort_cursor(after: str | None, sort: Sort) -> tuple[int, tuple[Any, int] | None]:
    """Return how many rows came before, and the sort key and key of the last of them."""
    is_date = sort.python_type in (datetime, date)
    last = decode_cursor(after, str if is_date else sort.python_type, int, int)
    if last is None:
        return 0, None
    value, key, skipped = last
    if not is_date:
        return int(skipped), (value, int(key))
    try:
        return int(skipped), (sort.python_type.fromisoformat(str(value)), int(key))  # type: ignore[attr-defined]
    except ValueError as error:
        raise Missing() from error
