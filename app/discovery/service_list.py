"""What stands on the shelf of one place: services that somebody near does, sorted, filtered, cut into pages."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core.paging import Page, after, page_of

PAGE = 20
SORTS = ("best", "price", "rating", "earliest")
NEVER = 2**40  # epoch seconds, after every slot


@dataclass(frozen=True, slots=True)
class Card:
    """A service as lists show it: `price` in paise, `stars` all that were given, added up."""

    id: int
    slug: str
    name: str
    price: int
    minutes: int
    notice_minutes: int
    horizon_days: int
    category: str
    category_name: str
    stars: int
    reviews: int

    @property
    def rating(self) -> float | None:
        return self.stars / self.reviews if self.reviews else None


@dataclass(frozen=True, slots=True)
class Filters:
    """What may be left out: a category's slug, a highest price in paise, a lowest rating."""

    category: str = ""
    max_price: int | None = None
    min_rating: float | None = None

    def keep(self, card: Card) -> bool:
        return (
            self.category in ("", card.category)
            and (self.max_price is None or card.price <= self.max_price)
            and (self.min_rating is None or (card.rating or 0) >= self.min_rating)
        )


def ranked(cards: Sequence[Card], ids: Sequence[int]) -> list[Card]:
    """Those asked for, best match first."""
    by_id = {card.id: card for card in cards}
    return [by_id[one] for one in ids if one in by_id]


def popular(cards: Collection[Card]) -> list[Card]:
    """Where nothing was asked for: what most people wrote about first."""
    return sorted(cards, key=lambda card: (-card.reviews, card.id))


def cut(
    cards: Sequence[Card], sort: str, cursor: str | None, first_free: Mapping[int, datetime], size: int = PAGE
) -> Page[Card]:
    """One page after `cursor`; `cards` come best match first. A cursor that is not ours is Missing."""
    place = {card.id: n for n, card in enumerate(cards)}
    keys = _keys(sort, place, first_free)
    last = after(cursor, int, int, int)
    rows = sorted(((*keys(card), card.id), card) for card in cards if last is None or (*keys(card), card.id) > last)
    shown = page_of(rows, size, lambda row: row[0])
    return Page([card for _, card in shown.items], shown.next)


def _keys(sort: str, place: Mapping[int, int], first_free: Mapping[int, datetime]) -> Callable[[Card], tuple[int, int]]:
    """Two whole numbers per card, the least first; people compare ratings by the one digit they see."""
    if sort == "price":
        return lambda card: (card.price, place[card.id])
    if sort == "rating":
        return lambda card: (-round((card.rating or 0) * 10), -card.reviews)
    if sort == "earliest":
        return lambda card: (_moment(first_free.get(card.id)), place[card.id])
    return lambda card: (place[card.id], 0)


def _moment(start: datetime | None) -> int:
    return int(start.timestamp()) if start else NEVER
