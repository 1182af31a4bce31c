"""Data of the home page: for visitors the most booked services near them, for customers what is theirs."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.names import greeting_name
from app.bookings.visits_repository import LastVisit, NextBooking, OwnVisits
from app.catalog.repository import CategoryTile, ServiceRepository
from app.core.cache import Cache
from app.core.cache_tags import CARDS
from app.core.encryption import Encryption
from app.core.events import Person
from app.discovery.invalidation import CATALOGUE_MAX_AGE_SECONDS
from app.discovery.repository import Area, CatalogueQueries
from app.discovery.results import ServiceSearch
from app.discovery.service_list import ServiceCard, by_popularity, by_rank
from app.discovery.suggestions import Suggestion, suggest_services
from app.favourites.repository import FavouriteRow
from app.scheduling.slot_search import earliest_starts

CARDS_SHOWN = 3
MAX_AGAIN, MAX_FAVOURITES_SHOWN = 3, 3


@dataclass(frozen=True, slots=True)
class RepeatableVisit:
    """A past visit that can be booked again, with its service as it is offered now."""

    visit: LastVisit
    card: ServiceCard


@dataclass(frozen=True, slots=True)
class OwnHome:
    """What a customer with bookings sees first. `code` is the code of `next`, for this customer alone."""

    first_name: str
    held: NextBooking | None
    next: NextBooking | None
    code: str | None
    again: Sequence[RepeatableVisit]
    suggestions: Sequence[Suggestion]
    favourites: Sequence[FavouriteRow]


@dataclass(frozen=True, slots=True)
class HomePageData:
    """What the home page shows; `is_most_booked` is False where too little was booked to rank by bookings.

    `own` is set for a customer who has booked before; then there are no cards, and no sample of a code.
    """

    category_tiles: Sequence[CategoryTile]
    area: Area | None
    cards: Sequence[ServiceCard]
    is_most_booked: bool
    earliest_slots: Mapping[int, datetime]
    own: OwnHome | None = None


async def load_home(db: AsyncSession, cache: Cache) -> HomePageData:
    """Load the visitors' page, for the default pincode."""
    search = ServiceSearch(db, cache)
    pincode = await search.default_pincode()
    return await _load_public(db, cache, search, await CatalogueQueries(db).area(pincode) if pincode else None)


async def load_customer_home(
    db: AsyncSession, cache: Cache, encryption: Encryption, customer: Person, full_name: str
) -> HomePageData:
    """Load the page of a signed-in customer: what is theirs, or the visitors' page before the first booking."""
    search = ServiceSearch(db, cache)
    area, favourites, unavailable = await CatalogueQueries(db).area_and_favourites(customer.id, MAX_FAVOURITES_SHOWN)
    own = await _load_own(db, search, encryption, customer, full_name, area, favourites, unavailable)
    if own is None:
        if area is None:
            return await load_home(db, cache)
        return await _load_public(db, cache, search, area, customer.id)
    return HomePageData(await _category_tiles(db, cache), area, (), False, {}, own)


async def _load_public(
    db: AsyncSession, cache: Cache, search: ServiceSearch, area: Area | None, customer_id: int | None = None
) -> HomePageData:
    cards, is_most_booked = await _most_booked_cards(search, area) if area else ([], False)
    earliest = await earliest_starts(db, cards, area.location, customer_id=customer_id) if area and cards else {}
    return HomePageData(
        category_tiles=await _category_tiles(db, cache),
        area=area,
        cards=cards,
        is_most_booked=is_most_booked,
        earliest_slots=earliest,
    )


async def _load_own(
    db: AsyncSession,
    search: ServiceSearch,
    encryption: Encryption,
    customer: Person,
    full_name: str,
    area: Area | None,
    favourites: Sequence[FavouriteRow],
    unavailable: Collection[int],
) -> OwnHome | None:
    """What is the customer's; None before the first booking."""
    own = OwnVisits(db, customer)
    open_bookings, visits = await own.next(), await own.last_visits()
    if not open_bookings and not visits and not await own.exist():
        return None
    cards = await search.cards(area.pincode if area else None) if visits else []
    cards = [card for card in cards if card.id not in unavailable]
    by_slug = {card.slug: card for card in cards}
    suggestions = suggest_services(visits, cards)
    suggested = {suggestion.card.slug for suggestion in suggestions}
    repeatable = (
        RepeatableVisit(visit, by_slug[visit.slug])
        for visit in visits
        if visit.slug in by_slug and visit.slug not in suggested and not visit.is_open
    )
    upcoming = next((booking for booking in open_bookings if booking.state != "held"), None)
    return OwnHome(
        first_name=greeting_name(full_name),
        held=next((booking for booking in open_bookings if booking.state == "held"), None),
        next=upcoming,
        code=upcoming.code(encryption) if upcoming else None,
        again=list(islice(repeatable, MAX_AGAIN)),
        suggestions=suggestions,
        favourites=favourites,
    )


async def _category_tiles(db: AsyncSession, cache: Cache) -> list[CategoryTile]:
    return await cache.get(
        f"{CARDS}:categories", CATALOGUE_MAX_AGE_SECONDS, ServiceRepository(db).category_tiles, list[CategoryTile]
    )


async def _most_booked_cards(search: ServiceSearch, area: Area) -> tuple[list[ServiceCard], bool]:
    available = await search.cards(area.pincode)
    booked = by_rank(available, await search.most_booked(area.pincode))
    ranked = {card.id: card for card in [*booked, *by_popularity(available)]}
    return list(islice(ranked.values(), CARDS_SHOWN)), len(booked) >= CARDS_SHOWN
