"""What home shows: the doors, and what is booked most around somebody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.repository import Door, Services
from app.core.cache import Cache
from app.discovery.invalidation import CARDS, WORDS_KEPT
from app.discovery.repository import Area, Looking
from app.discovery.results import Search
from app.discovery.service_list import Card, popular, ranked
from app.scheduling.candidates import earliest

CARDS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Front:
    """`really_most` is False where too little was booked for "booked most" to be true."""

    doors: Sequence[Door]
    where: Area | None
    cards: Sequence[Card]
    really_most: bool
    first_free: Mapping[int, datetime]


async def front(db: AsyncSession, cache: Cache, pincode: str | None) -> Front:
    """For somebody in `pincode`; for a visitor, where most professionals work."""
    search = Search(db, cache)
    usual = pincode or await search.usual_pincode()
    where = await Looking(db).place(usual) if usual else None
    cards, most = await _most(search, where) if where else ([], False)
    return Front(
        doors=await cache.get(f"{CARDS}:doors", WORDS_KEPT, Services(db).doors, list[Door]),
        where=where,
        cards=cards,
        really_most=most,
        first_free=await earliest(db, cards, where.pincode) if where and cards else {},
    )


async def _most(search: Search, where: Area) -> tuple[list[Card], bool]:
    there = await search.cards(where.pincode)
    booked = ranked(there, await search.booked_most(where.pincode))
    others = [card for card in popular(there) if card not in booked]
    return [*booked, *others][:CARDS_SHOWN], len(booked) >= CARDS_SHOWN
