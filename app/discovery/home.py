"""Data of the home page: categories, and the most booked services near the visitor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.repository import CategoryTile, ServiceRepository
from app.core.cache import Cache
from app.core.cache_tags import CARDS
from app.discovery.invalidation import CATALOGUE_MAX_AGE_SECONDS
from app.discovery.repository import Area, CatalogueQueries
from app.discovery.results import ServiceSearch
from app.discovery.service_list import ServiceCard, by_popularity, by_rank
from app.scheduling.slot_search import earliest_starts

CARDS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class HomePageData:
    """What the home page shows; `is_most_booked` is False where too little was booked to rank by bookings."""

    category_tiles: Sequence[CategoryTile]
    area: Area | None
    cards: Sequence[ServiceCard]
    is_most_booked: bool
    earliest_slots: Mapping[int, datetime]


async def load_home(db: AsyncSession, cache: Cache, pincode: str | None) -> HomePageData:
    """Load the page for `pincode`, or for the default pincode."""
    search = ServiceSearch(db, cache)
    pincode = pincode or await search.default_pincode()
    area = await CatalogueQueries(db).area(pincode) if pincode else None
    cards, is_most_booked = await _most_booked_cards(search, area) if area else ([], False)
    return HomePageData(
        category_tiles=await cache.get(
            f"{CARDS}:categories", CATALOGUE_MAX_AGE_SECONDS, ServiceRepository(db).category_tiles, list[CategoryTile]
        ),
        area=area,
        cards=cards,
        is_most_booked=is_most_booked,
        earliest_slots=await earliest_starts(db, cards, area.pincode) if area and cards else {},
    )


async def _most_booked_cards(search: ServiceSearch, area: Area) -> tuple[list[ServiceCard], bool]:
    available = await search.cards(area.pincode)
    booked = by_rank(available, await search.most_booked(area.pincode))
    ranked = {card.id: card for card in [*booked, *by_popularity(available)]}
    return list(islice(ranked.values(), CARDS_SHOWN)), len(booked) >= CARDS_SHOWN
