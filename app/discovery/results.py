"""Search: from a query and a pincode to the services that can be booked there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.search import Place, corrected_query, find_pincode, find_services, split_place
from app.core.cache import Cache
from app.core.cache_tags import CARDS, MOST_BOOKED, SEARCH_RESULTS
from app.core.i18n import _
from app.core.paging import Page
from app.discovery.invalidation import CATALOGUE_MAX_AGE_SECONDS, SEARCH_MAX_AGE_SECONDS
from app.discovery.repository import Area, CatalogueQueries
from app.discovery.service_list import (
    ServiceCard,
    ServiceFilters,
    by_category,
    by_popularity,
    by_rank,
    names_first,
    page_of_cards,
    previous_category,
)
from app.scheduling.candidates import WorkingWeek
from app.scheduling.offered_weeks_repository import offered_to_customer
from app.scheduling.slot_search import earliest_starts

ALTERNATIVES_SHOWN = 3
DEFAULT_PINCODE = "600020"


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """The query of the results page. `errors` are those of unreadable fields."""

    q: str = ""
    pincode: str = ""
    sort: str = "best"
    filters: ServiceFilters = field(default_factory=ServiceFilters)
    after: str | None = None
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facet:
    """A category of the results and its number of results."""

    slug: str
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class CardGroup:
    """Cards under the name of their category; without a name, as they are ranked."""

    name: str
    drawing: str
    cards: Sequence[ServiceCard]


@dataclass(frozen=True, slots=True)
class SearchResults:
    """The results page. `is_covered` is False where no professional works; then `nearest_areas` are filled.

    `alternatives` are other services there; `service_id` is the best match, `match_count` ignores price and rating.
    `groups` are the cards of the page by category, where no word is searched for and best comes first; else one group.
    `continues`: the first group began on the page before.

    `coming` is the name of the best match if no professional offers any match anywhere yet.
    """

    query: SearchQuery
    work: str
    area: Area | None
    page: Page[ServiceCard]
    count: int
    earliest_slots: Mapping[int, datetime]
    facets: Sequence[Facet] = ()
    corrected_query: str | None = None
    is_covered: bool = True
    is_understood: bool = True
    nearest_areas: Sequence[Area] = ()
    alternatives: Sequence[ServiceCard] = ()
    errors: Mapping[str, str] = field(default_factory=dict)
    service_id: int | None = None
    match_count: int = 0
    coming: str | None = None
    groups: Sequence[CardGroup] = ()
    continues: bool = False

    @property
    def is_unmet(self) -> bool:
        """Whether no professional there offers this, regardless of the price and rating filters."""
        return self.area is not None and not self.errors and not self.match_count


@dataclass(frozen=True, slots=True)
class Selection:
    """Of the `cards` of an area those that were found, of these what matches the filters; `alternatives` if none do."""

    cards: Sequence[ServiceCard]
    found: Sequence[ServiceCard]
    matching: Sequence[ServiceCard]
    alternatives: Sequence[ServiceCard]
    is_grouped: bool


class ServiceSearch:
    """Find services; results that are the same for every visitor are cached.

    `customer_id`: for whom; professionals who are kept from them (W41) add neither services nor earliest times.
    """

    def __init__(self, db: AsyncSession, cache: Cache, customer_id: int | None = None) -> None:
        self._db = db
        self._customer_id = customer_id
        self._cache = cache
        self._queries = CatalogueQueries(db)
        self._cards: dict[str | None, list[ServiceCard]] = {}

    async def find(self, query: SearchQuery) -> SearchResults:
        work, area, errors = await self._parse(query)
        cards = await self.cards(area.pincode if area else None)
        ids = await self._matching_service_ids(work) if work else []
        selection = _select(cards, ids, work, query)
        weeks, unavailable = await self._offered_hours(selection, query, area)
        if unavailable:
            cards = [card for card in cards if card.id not in unavailable]
            selection = _select(cards, ids, work, query)
        found, matching, is_grouped = selection.found, selection.matching, selection.is_grouped
        earliest = await self._earliest_slots(matching, area, weeks) if query.sort == "earliest" else {}
        page = page_of_cards(matching, query.sort, query.after, earliest)
        alternatives = selection.alternatives
        return SearchResults(
            query=query,
            work=work,
            area=area,
            page=page,
            count=len(matching),
            earliest_slots=earliest or await self._earliest_slots([*page.items, *alternatives], area, weeks),
            facets=_facets(found, query.filters.category),
            groups=_groups(page.items) if is_grouped else [CardGroup("", "", page.items)],
            continues=is_grouped
            and bool(page.items)
            and previous_category(matching, query.after) == page.items[0].category,
            corrected_query=await self._corrected_query(work) if work and found else None,
            is_covered=bool(cards) or area is None,
            is_understood=bool(ids) or not work,
            nearest_areas=await self._queries.nearest_covered(area.pincode) if area and not cards else (),
            alternatives=alternatives,
            errors=errors,
            service_id=ids[0] if ids else None,
            coming=await self._coming(ids) if ids and not found else None,
            match_count=sum(query.filters.category in ("", card.category) for card in found),
        )

    async def cards(self, pincode: str | None) -> list[ServiceCard]:
        """List the services that can be booked in a pincode; with None, anywhere."""
        if pincode not in self._cards:
            self._cards[pincode] = await self._cache.get(
                f"{CARDS}:{pincode or 'anywhere'}",
                CATALOGUE_MAX_AGE_SECONDS,
                lambda: self._queries.bookable(pincode),
                list[ServiceCard],
            )
        return self._cards[pincode]

    async def most_booked(self, pincode: str) -> list[int]:
        return await self._cache.get(
            f"{MOST_BOOKED}:{pincode}", CATALOGUE_MAX_AGE_SECONDS, lambda: self._queries.most_booked(pincode), list[int]
        )

    async def default_pincode(self) -> str | None:
        """The pincode of visitors whose place is unknown: DEFAULT_PINCODE if it is covered, else the busiest."""
        if await self.cards(DEFAULT_PINCODE):
            return DEFAULT_PINCODE
        return await self._cache.get(
            f"{CARDS}:default-pincode", CATALOGUE_MAX_AGE_SECONDS, self._queries.busiest_pincode, str | None
        )

    async def _parse(self, query: SearchQuery) -> tuple[str, Area | None, dict[str, str]]:
        """Split the query into work and area; a place in the text takes precedence over the pincode field."""
        errors = dict(query.errors)
        area = None
        if query.pincode and "pincode" not in errors:
            place = await find_pincode(self._db, query.pincode)
            area = Area.of(place) if place else None
            if area is None:
                errors["pincode"] = unknown_pincode_message()
        work, place_in_text = await self._split_place(query.q) if query.q else ("", None)
        if place_in_text is not None:
            area = Area.of(place_in_text)
            errors.pop("pincode", None)
        return work, area, errors

    async def _split_place(self, q: str) -> tuple[str, Place | None]:
        return await self._cache.get(
            _cache_key("split", q), SEARCH_MAX_AGE_SECONDS, lambda: split_place(self._db, q), tuple[str, Place | None]
        )

    async def _matching_service_ids(self, work: str) -> list[int]:
        async def load() -> list[int]:
            return [hit.service_id for hit in await find_services(self._db, work)]

        return await self._cache.get(_cache_key("ids", work), SEARCH_MAX_AGE_SECONDS, load, list[int])

    async def _corrected_query(self, work: str) -> str | None:
        return await self._cache.get(
            _cache_key("read", work), SEARCH_MAX_AGE_SECONDS, lambda: corrected_query(self._db, work), str | None
        )

    async def _coming(self, ids: Sequence[int]) -> str | None:
        """The name of the best match, if no professional offers any of the matches anywhere."""
        if by_rank(await self.cards(None), ids):
            return None
        return await self._queries.service_name(ids[0])

    async def _offered_hours(
        self, selection: Selection, query: SearchQuery, area: Area | None
    ) -> tuple[dict[int, list[WorkingWeek]] | None, set[int]]:
        """The hours of a customer's page, and the services that exclusions leave without a professional (W41).

        One statement reads both, in place of the one that reads the hours; for visitors it is left to the search.
        """
        if self._customer_id is None or area is None or not selection.cards:
            return None, set()
        shown = selection.matching or selection.alternatives
        if query.sort != "earliest" and selection.matching:
            shown = page_of_cards(shown, query.sort, query.after, {}).items
        return await offered_to_customer(self._db, [card.id for card in shown], area.location, self._customer_id)

    async def _earliest_slots(
        self, cards: Sequence[ServiceCard], area: Area | None, weeks: Mapping[int, list[WorkingWeek]] | None
    ) -> dict[int, datetime]:
        if area is None or not cards:
            return {}
        if weeks is not None and any(card.id not in weeks for card in cards):
            weeks = None  # the page holds others than those whose hours were read: one more statement
        return await earliest_starts(self._db, cards, area.location, customer_id=self._customer_id, weeks=weeks)


def _select(cards: Sequence[ServiceCard], ids: Sequence[int], work: str, query: SearchQuery) -> Selection:
    found = names_first(by_rank(cards, ids), work) if work else by_popularity(cards)
    is_grouped = not work and query.sort == "best" and not query.filters.category
    if is_grouped:
        found = by_category(found)
    matching = [card for card in found if query.filters.matches(card)]
    alternatives = by_popularity(cards)[:ALTERNATIVES_SHOWN] if not matching else []
    return Selection(cards, found, matching, alternatives, is_grouped)


def unknown_pincode_message() -> str:
    return _("We don't know this pincode. Enter 6 digits, such as 600020.")


def _cache_key(kind: str, text: str) -> str:
    """Make a cache key; colons of the text are replaced, since they separate the parts of keys."""
    return f"{SEARCH_RESULTS}:{kind}:{text.replace(':', ' ')}"


def _groups(cards: Sequence[ServiceCard]) -> list[CardGroup]:
    """The cards under their categories; those of a category stand together."""
    groups = (list(group) for _, group in groupby(cards, key=lambda card: card.category))
    return [CardGroup(group[0].category_name, group[0].drawing, group) for group in groups]


def _facets(cards: Sequence[ServiceCard], chosen: str) -> list[Facet]:
    """The categories of the results, the chosen one first."""
    counts: dict[tuple[str, str], int] = {}
    for card in cards:
        key = (card.category, card.category_name)
        counts[key] = counts.get(key, 0) + 1
    facets = [Facet(slug, name, count) for (slug, name), count in counts.items()]
    return sorted(facets, key=lambda facet: facet.slug != chosen)
