"""From a line of words and a pincode to the services that can really be booked there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.search import Place, place, read_as, resolve, split
from app.core.cache import Cache
from app.core.i18n import _
from app.core.paging import Page
from app.discovery.invalidation import BOOKED, CARDS, SOUGHT, SOUGHT_KEPT, WORDS_KEPT
from app.discovery.repository import Area, Looking
from app.discovery.service_list import Card, Filters, cut, popular, ranked
from app.scheduling.candidates import earliest

FEW = 3
FIRST_PLACE = "600020"


@dataclass(frozen=True, slots=True)
class Asked:
    """What stands in the address. `errors` are those of fields that could not be read at all."""

    q: str = ""
    pincode: str = ""
    sort: str = "best"
    filters: Filters = field(default_factory=Filters)
    after: str | None = None
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facet:
    """A category among the results, and how many of them are in it."""

    slug: str
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Results:
    """`covered` is False where nobody works at all; then `nearest` says who does. `instead` is what else there is."""

    asked: Asked
    work: str
    where: Area | None
    page: Page[Card]
    count: int
    first_free: Mapping[int, datetime]
    facets: Sequence[Facet] = ()
    read_as: str | None = None
    covered: bool = True
    known: bool = True
    nearest: Sequence[Area] = ()
    instead: Sequence[Card] = ()
    errors: Mapping[str, str] = field(default_factory=dict)
    sought: int | None = None
    met: int = 0

    @property
    def unmet(self) -> bool:
        """Nobody works there who does this, whatever else is filtered; `sought`: the service that was meant."""
        return self.where is not None and not self.errors and not self.met


class Search:
    """Looks for what was asked; what is the same for everybody is read once and kept a while."""

    def __init__(self, db: AsyncSession, cache: Cache) -> None:
        self._db = db
        self._cache = cache
        self._looking = Looking(db)

    async def results(self, asked: Asked) -> Results:
        work, where, errors = await self._understood(asked)
        cards = await self.cards(where.pincode if where else None)
        ids = await self._sought(work) if work else []
        found = ranked(cards, ids) if work else popular(cards)
        kept = [card for card in found if asked.filters.keep(card)]
        soonest = await self._first_free(kept, where) if asked.sort == "earliest" else {}
        page = cut(kept, asked.sort, asked.after, soonest)
        instead = popular(cards)[:FEW] if not kept else []
        return Results(
            asked=asked,
            work=work,
            where=where,
            page=page,
            count=len(kept),
            first_free=soonest or await self._first_free([*page.items, *instead], where),
            facets=_facets(found),
            read_as=await self._read_as(work) if work and found else None,
            covered=bool(cards) or where is None,
            known=bool(ids) or not work,
            nearest=await self._looking.nearest_covered(where.pincode) if where and not cards else (),
            instead=instead,
            errors=errors,
            sought=ids[0] if ids else None,
            met=sum(asked.filters.category in ("", card.category) for card in found),
        )

    async def cards(self, pincode: str | None) -> list[Card]:
        """Everything bookable there; with None, anywhere."""
        return await self._cache.get(
            f"{CARDS}:{pincode or 'anywhere'}", WORDS_KEPT, lambda: self._looking.bookable(pincode), list[Card]
        )

    async def booked_most(self, pincode: str) -> list[int]:
        return await self._cache.get(
            f"{BOOKED}:{pincode}", WORDS_KEPT, lambda: self._looking.booked_most(pincode), list[int]
        )

    async def usual_pincode(self) -> str | None:
        """Where somebody whose place we do not know begins: where Doorstep began, while somebody works there."""
        if await self.cards(FIRST_PLACE):
            return FIRST_PLACE
        return await self._cache.get(f"{CARDS}:usual", WORDS_KEPT, self._looking.busiest, str | None)

    async def _understood(self, asked: Asked) -> tuple[str, Area | None, dict[str, str]]:
        """The work and the place. A place among the words counts more than the pincode beside them."""
        errors = dict(asked.errors)
        where = None
        if asked.pincode and "pincode" not in errors:
            found = await place(self._db, asked.pincode)
            where = Area(found.pincode, found.name) if found else None
            if where is None:
                errors["pincode"] = unknown_pincode()
        work, named = await self._split(asked.q) if asked.q else ("", None)
        if named is not None:
            where = Area(named.pincode, named.name)
            errors.pop("pincode", None)
        return work, where, errors

    async def _split(self, q: str) -> tuple[str, Place | None]:
        return await self._cache.get(
            _key("split", q), SOUGHT_KEPT, lambda: split(self._db, q), tuple[str, Place | None]
        )

    async def _sought(self, work: str) -> list[int]:
        async def ask() -> list[int]:
            return [hit.service_id for hit in await resolve(self._db, work)]

        return await self._cache.get(_key("ids", work), SOUGHT_KEPT, ask, list[int])

    async def _read_as(self, work: str) -> str | None:
        return await self._cache.get(_key("read", work), SOUGHT_KEPT, lambda: read_as(self._db, work), str | None)

    async def _first_free(self, cards: Sequence[Card], where: Area | None) -> dict[int, datetime]:
        return await earliest(self._db, cards, where.pincode) if where and cards else {}


def _key(kind: str, words: str) -> str:
    """Anybody may type anything: the words never make a path of names."""
    return f"{SOUGHT}:{kind}:{words.replace(':', ' ')}"


def unknown_pincode() -> str:
    return _("We do not know this pincode. Six digits, please, such as 600020.")


def _facets(found: Sequence[Card]) -> list[Facet]:
    counts: dict[tuple[str, str], int] = {}
    for card in found:
        key = (card.category, card.category_name)
        counts[key] = counts.get(key, 0) + 1
    return [Facet(slug, name, count) for (slug, name), count in counts.items()]
