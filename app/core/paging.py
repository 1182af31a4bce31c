"""One page of a long list, by key and not by number, so that page 5,000 costs what page 1 does."""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from app.core.errors import Missing

T = TypeVar("T")
MOST = 100
LONGEST = 1_000  # characters of a cursor: ours are far shorter, and deep nesting needs room


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """`next` is the cursor to put into `?after=`, None on the last page."""

    items: Sequence[T]
    next: str | None = None


def page_of(rows: Sequence[T], limit: int, key: Callable[[T], Sequence[str | int | float]]) -> Page[T]:
    """From `limit` + 1 rows asked for: the page, and the key of its last row if there is more."""
    shown = rows[:limit]
    return Page(shown, cursor(*key(shown[-1])) if len(rows) > limit else None)


def cursor(*key: str | int | float) -> str:
    """The sort key of the last row shown, opaque in the address."""
    return base64.urlsafe_b64encode(json.dumps(key, separators=(",", ":")).encode()).decode().rstrip("=")


def after(text: str | None, *kinds: type) -> tuple[str | int | float, ...] | None:
    """The key in `?after=`, None for the first page. A cursor that was not ours is Missing."""
    if not text:
        return None
    if len(text) > LONGEST:
        raise Missing()
    try:
        key = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, RecursionError) as error:
        raise Missing() from error
    fits = isinstance(key, list) and len(key) == len(kinds) and all(map(_is, key, kinds))
    if not fits:
        raise Missing()
    return tuple(key)


def after_moment(text: str | None) -> tuple[datetime, int] | None:
    """The key of a list in the order of time: the last row's moment, aware, and its id."""
    last = after(text, str, int)
    if last is None:
        return None
    try:
        moment = datetime.fromisoformat(str(last[0]))
    except ValueError as error:
        raise Missing() from error
    if moment.tzinfo is None:
        raise Missing()
    return moment, int(last[1])


def _is(value: object, kind: type) -> bool:
    if kind is int:
        return type(value) is int and -(2**63) <= value < 2**63
    return type(value) is kind and "\x00" not in str(value)


def limit_of(asked: int | None, default: int = 20) -> int:
    return max(1, min(asked or default, MOST))
