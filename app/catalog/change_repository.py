"""The catalogue one record at a time, for whoever changes it: found and locked, its words, its names and addresses.

Bookings, offerings and ratings belong to features above: only their tables are named here.
"""

from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import delete, func, literal, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import IDS
from app.accounts.user import User
from app.catalog.reference_data import spellings
from app.catalog.schemas import LANGUAGES, CategoryDraft, Draft, ServiceDraft
from app.catalog.service import Category, SearchTerm, Service
from app.catalog.transliteration import sound
from app.core.errors import Missing
from app.core.events import Event
from app.core.keyset import AnyRow

R = TypeVar("R", Service, Category)
CATALOGUE = 7003  # the advisory lock of whoever changes the catalogue, taken before any of its rows

WAS_BOOKED = text("SELECT EXISTS (SELECT FROM bookings WHERE service_id = :id)")
UNBOUND = (
    text("DELETE FROM offerings WHERE service_id = :id"),
    text("DELETE FROM service_ratings WHERE service_id = :id"),
)
SINCE = (
    select(Event.seq, Event.name, Event.at, Event.facts, User.full_name.label("who"))
    .join(User, User.id == Event.actor_id, isouter=True)
    .order_by(Event.seq.desc())
)


class Catalogue:
    """Everything there is, also what is no longer offered."""

    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def lock(self) -> None:
        """Whoever changes the catalogue waits here for whoever else does, until the end of the transaction."""
        await self._db.execute(select(func.pg_advisory_xact_lock(CATALOGUE)))

    async def service(self, service_id: int, *, locked: bool = False) -> Service:
        """With `locked`, for change: whoever is booking it just now is waited for."""
        return await self._one(Service, service_id, locked)

    async def category(self, category_id: int, *, locked: bool = False) -> Category:
        return await self._one(Category, category_id, locked)

    async def draft_of_service(self, service: Service) -> ServiceDraft:
        """As it would be written now."""
        return ServiceDraft(
            name=service.name,
            category_id=service.category_id,
            description=service.description,
            included=service.included,
            excluded=service.excluded,
            price=service.price,
            minutes=service.minutes,
            mode=service.mode,
            notice_minutes=service.notice_minutes,
            horizon_days=service.horizon_days,
            **await self._terms(service_id=service.id),
        )

    async def draft_of_category(self, category: Category) -> CategoryDraft:
        return CategoryDraft(
            name=category.name,
            short_name=category.short_name,
            drawing=category.drawing,
            position=category.position,
            **await self._terms(category_id=category.id),
        )

    async def keep_terms(self, draft: Draft, **target: int) -> None:
        """These words and no others lead there, from the next search on."""
        written = [(term, language) for language, terms in draft.by_language.items() for term in terms]
        wanted = {pair for term, language in written for pair in spellings(term, language)}
        kept = {(row.term, row.language): row for row in await self._db.scalars(select(SearchTerm).filter_by(**target))}
        for pair in kept.keys() - wanted:
            await self._db.delete(kept[pair])
        self._db.add_all(
            SearchTerm(term=term, language=language, **target) for term, language in sorted(wanted - kept.keys())
        )

    async def name_taken(self, kind: type[Service] | type[Category], name: str, but: int | None = None) -> bool:
        """By another one, however it is written; retired ones keep theirs."""
        same = select(kind.id).where(func.lower(kind.name) == func.lower(literal(name)), kind.id != (but or 0))
        return (await self._db.scalar(same.limit(1))) is not None

    async def free_slug(self, kind: type[Service] | type[Category], wanted: str) -> str:
        """An address is never given twice at a time: "-2" where one has it already."""
        near = or_(kind.slug == wanted, kind.slug.like(f"{wanted}-%"))
        taken = set(await self._db.scalars(select(kind.slug).where(near)))
        others = (f"{wanted}-{number}" for number in range(2, len(taken) + 3))
        return wanted if wanted not in taken else next(other for other in others if other not in taken)

    async def was_booked(self, service_id: int) -> bool:
        return bool((await self._db.execute(WAS_BOOKED, {"id": service_id})).scalar_one())

    async def let_go(self, service_id: int) -> None:
        """Out of the lists of the professionals who offer it, before it is deleted."""
        for statement in UNBOUND:
            await self._db.execute(statement, {"id": service_id})
        await self._db.execute(delete(SearchTerm).where(SearchTerm.service_id == service_id))

    async def let_go_of_category(self, category_id: int) -> None:
        await self._db.execute(delete(SearchTerm).where(SearchTerm.category_id == category_id))

    async def doors(self, *, locked: bool = False) -> Sequence[Category]:
        """Every category in the order of the home page."""
        query = select(Category).order_by(Category.position, Category.id)
        return (await self._db.scalars(query.with_for_update() if locked else query)).all()

    async def shelf(self, category_id: int) -> tuple[int, int]:
        """How many services stand in it, and how many of them are offered."""
        offered = func.count().filter(Service.retired_at.is_(None))
        row = (await self._db.execute(select(func.count(), offered).where(Service.category_id == category_id))).one()
        return row[0], row[1]

    async def since(self, subject: str, seen: int) -> Sequence[AnyRow]:
        """What happened after its `seen`th event, the latest first."""
        return (await self._db.execute(SINCE.where(Event.subject == subject, Event.seq > seen))).all()

    async def _one(self, kind: type[R], row_id: int, locked: bool) -> R:
        if row_id not in IDS:
            raise Missing()
        found = await self._db.get(kind, row_id, populate_existing=True, with_for_update=locked or None)
        if found is None:
            raise Missing()
        return found

    async def _terms(self, **target: int) -> dict[str, list[str]]:
        """The words as they were written: without the sounds that we made of them ourselves."""
        rows = (await self._db.scalars(select(SearchTerm).filter_by(**target).order_by(SearchTerm.term))).all()
        heard = {row.term: " ".join(map(sound, row.term.split())) for row in rows if row.language != "en"}
        made = {("translit", sounds) for term, sounds in heard.items() if sounds != term}
        written = [(row.language, row.term) for row in rows if (row.language, row.term) not in made]
        return {f"terms_{one}": [term for language, term in written if language == one] for one in LANGUAGES}
