"""The services that can be booked in a locality: filtered, sorted and paginated."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core.paging import Page, decode_cursor, page_of

PAGE_SIZE = 20
SORTS = ("best", "price", "rating", "earliest")
NO_SLOT_EPOCH_SECONDS = 2**40  # after every slot


@dataclass(frozen=True, slots=True)
class ServiceCard:
    """A service as lists show it: `price` in paise, `stars` the sum of all ratings."""

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
    drawing: str = "help"  # of its category

    @property
    def rating(self) -> float | None:
        return self.stars / self.reviews if self.reviews else None


@dataclass(frozen=True, slots=True)
class ServiceFilters:
    """Filters of the results: a category's slug, the highest price in paise, the lowest rating."""

    category: str = ""
    max_price: int | None = None
    min_rating: float | None = None

    def matches(self, card: ServiceCard) -> bool:
        return (
            self.category in ("", card.category)
            and (self.max_price is None or card.price <= self.max_price)
            and (self.min_rating is None or (card.rating or 0) >= self.min_rating)
        )


def by_rank(cards: Sequence[ServiceCard], ids: Sequence[int]) -> list[ServiceCard]:
    """Pick the cards with these ids, in their order."""
    by_id = {card.id: card for card in cards}
    return [by_id[service_id] for service_id in ids if service_id in by_id]


def names_first(cards: Sequence[ServiceCard], work: str) -> list[ServiceCard]:
    """For a single word: services with it in their name first, then those with it in their category's name."""
    word = work.casefold()

    def rank(card: ServiceCard) -> int:
        return 0 if word in _words(card.name) else 1 if word in _words(card.category_name) else 2

    return sorted(cards, key=rank) if " " not in word else list(cards)


def by_category(cards: Sequence[ServiceCard]) -> list[ServiceCard]:
    """Put the services of a category together, where its first one stands."""
    order = {category: n for n, category in enumerate(dict.fromkeys(card.category for card in cards))}
    return sorted(cards, key=lambda card: order[card.category])


def by_popularity(cards: Collection[ServiceCard]) -> list[ServiceCard]:
    """Sort by number of reviews, the most first."""
    return sorted(cards, key=lambda card: (-card.reviews, card.id))


def previous_category(cards: Sequence[ServiceCard], cursor: str | None) -> str | None:
    """The category of the last card before the page after `cursor`."""
    last = decode_cursor(cursor, int, int, int)
    return next((card.category for card in cards if last and card.id == last[2]), None)


def page_of_cards(
    cards: Sequence[ServiceCard],
    sort: str,
    cursor: str | None,
    first_free: Mapping[int, datetime],
    size: int = PAGE_SIZE,
) -> Page[ServiceCard]:
    """Sort and return the page after `cursor`. `cards` come best match first. Raises Missing for an invalid cursor."""
    position = {card.id: n for n, card in enumerate(cards)}
    keys = _sort_key(sort, position, first_free)
    last = decode_cursor(cursor, int, int, int)
    rows = sorted(((*keys(card), card.id), card) for card in cards if last is None or (*keys(card), card.id) > last)
    shown = page_of(rows, size, lambda row: row[0])
    return Page([card for _, card in shown.items], shown.next)


def _words(text: str) -> set[str]:
    """The words of a name, also in the singular."""
    words = set(text.casefold().replace("-", " ").split())
    return words | {word.removesuffix("s") for word in words}


def _sort_key(
    sort: str, position: Mapping[int, int], first_free: Mapping[int, datetime]
) -> Callable[[ServiceCard], tuple[int, int]]:
    """The sort key of a card, two integers, ascending; ratings are compared by the one decimal that is shown."""
    if sort == "price":
        return lambda card: (card.price, position[card.id])
    if sort == "rating":
        return lambda card: (-round((card.rating or 0) * 10), -card.reviews)
    if sort == "earliest":
        return lambda card: (_epoch_seconds(first_free.get(card.id)), position[card.id])
    return lambda card: (position[card.id], 0)


def _epoch_seconds(start: datetime | None) -> int:
    return int(start.timestamp()) if start else NO_SLOT_EPOCH_SECONDS
