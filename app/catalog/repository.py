"""Read the services and categories of the catalogue, and change them one record at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from asyncpg import Record
from sqlalchemy import delete, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.ratings import STAR_COLUMNS, RatingDistribution, add_counts
from app.accounts.repository import ROW_IDS
from app.accounts.user import User
from app.catalog.schemas import LANGUAGES, CategoryDraft, Draft, ServiceDraft
from app.catalog.service import Category, SearchTerm, Service, ServiceQuestion, ServiceRating
from app.catalog.transliteration import phonetic_key, term_spellings
from app.core.db import AdvisoryLock, acquire_lock
from app.core.errors import Missing
from app.core.events import Event
from app.core.paging import AnyRow
from app.core.sql import fetch, fetch_row, rows

R = TypeVar("R", Service, Category)
MAX_NAME_MATCHES = 100
SELECT_CATEGORY_TILES = """
    SELECT slug, name, short_name, drawing FROM categories WHERE retired_at IS NULL ORDER BY position, id
"""
SERVICE_COLUMNS = """s.id, s.slug, s.name, s.description, s.included, s.excluded, s.parts, s.preparation, s.guarantee,
           (SELECT coalesce(json_agg(json_build_array(q.question, q.answer) ORDER BY q.position), '[]')
              FROM service_questions q WHERE q.service_id = s.id) AS questions,
           s.price, s.minutes, s.mode, s.notice_minutes,
           s.horizon_days, s.retired_at IS NOT NULL, c.slug, c.name, c.short_name, c.drawing"""
SELECT_SERVICES = f"SELECT {SERVICE_COLUMNS} FROM services s JOIN categories c ON c.id = s.category_id"
BY_SLUG_WITH_STARS = f"""
    SELECT {", ".join(f"coalesce(r.{stars}, 0)" for stars in STAR_COLUMNS)}, {SERVICE_COLUMNS}
      FROM services s JOIN categories c ON c.id = s.category_id
      LEFT JOIN service_ratings r ON r.service_id = s.id
     WHERE s.slug = $1
"""
QUESTIONS_COLUMN = 9  # of SELECT_SERVICES, from 0
BY_SLUG, BY_ID = f"{SELECT_SERVICES} WHERE s.slug = $1", f"{SELECT_SERVICES} WHERE s.id = $1"
BY_IDS = f"{SELECT_SERVICES} WHERE s.id = ANY($1::bigint[])"
OFFERED = f"{SELECT_SERVICES} WHERE s.retired_at IS NULL AND s.id > $1 ORDER BY s.id LIMIT $2"
EVENTS_SINCE = (
    select(Event.seq, Event.name, Event.at, Event.facts, User.full_name.label("who"))
    .join(User, User.id == Event.actor_id, isouter=True)
    .order_by(Event.seq.desc())
)


@dataclass(frozen=True, slots=True)
class CategoryTile:
    """A category as the home page shows it; `drawing` names its picture."""

    slug: str
    name: str
    short_name: str
    drawing: str


@dataclass(frozen=True, slots=True)
class ServiceDetails:
    """One service as its page shows it: `price` in paise, `retired` means no longer offered (W5).

    `questions` are pairs of a question and its answer.
    """

    id: int
    slug: str
    name: str
    description: str
    included: list[str]
    excluded: list[str]
    parts: str
    preparation: list[str]
    guarantee: str
    questions: list[tuple[str, str]]
    price: int
    minutes: int
    mode: str
    notice_minutes: int
    horizon_days: int
    retired: bool
    category: CategoryTile


class ServiceRepository:
    """Find services as visitors and programs see them."""

    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def category_tiles(self) -> list[CategoryTile]:
        return await rows(self._db, CategoryTile, SELECT_CATEGORY_TILES)

    async def by_slug(self, slug: str) -> ServiceDetails:
        """Find a service, retired ones too; raises Missing."""
        return _service(*await self._find(BY_SLUG, slug))

    async def by_slug_with_stars(self, slug: str) -> tuple[ServiceDetails, RatingDistribution]:
        """Find a service, retired ones too, and its reviews by their stars; raises Missing."""
        row = await self._find(BY_SLUG_WITH_STARS, slug)
        star_count = len(STAR_COLUMNS)
        return _service(*row[star_count:]), RatingDistribution(*row[:star_count])

    async def by_id(self, service_id: int) -> ServiceDetails:
        return _service(*await self._find(BY_ID, service_id))

    async def offered(self, after: int, limit: int) -> list[ServiceDetails]:
        """List offered services by id, after the id `after`."""
        return [_service(*row) for row in await fetch(self._db, OFFERED, after, limit)]

    async def by_ids(self, ids: Sequence[int]) -> list[ServiceDetails]:
        """Find services in the order of `ids`; unknown ids are left out."""
        services = {row["id"]: _service(*row) for row in await fetch(self._db, BY_IDS, ids)}
        return [services[service_id] for service_id in ids if service_id in services]

    async def ids_named(self, name: str) -> Sequence[int]:
        """Find ids of services whose names contain `name`, retired ones too."""
        query = select(Service.id).where(Service.name.icontains(name, autoescape=True)).order_by(Service.id)
        return (await self._db.scalars(query.limit(MAX_NAME_MATCHES))).all()

    async def category_id_named(self, typed: str) -> int | None:
        """Find a category by slug or case-insensitive name, retired ones too."""
        same = or_(Category.slug == typed, func.lower(Category.name) == func.lower(literal(typed)))
        category_id: int | None = await self._db.scalar(select(Category.id).where(same).order_by(Category.id).limit(1))
        return category_id

    async def _find(self, query: str, key: str | int) -> Record:
        if isinstance(key, str) and ("\x00" in key or len(key) > 200):
            raise Missing()
        row = await fetch_row(self._db, query, key)
        if row is None:
            raise Missing()
        return row


class ServiceRatings:
    """The reviews of services by their stars."""

    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def count_stars(self, service_id: int, counts: Mapping[str, int]) -> None:
        """Add numbers of reviews, by column of the stars."""
        await add_counts(self._db, ServiceRating, {"service_id": service_id}, counts)


class CatalogueRepository:
    """Find and lock services and categories for a change, retired ones too, with their search terms and slugs."""

    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def lock(self) -> None:
        """Take the catalogue's advisory lock until the end of the transaction."""
        await acquire_lock(self._db, AdvisoryLock.CATALOG)

    async def service(self, service_id: int, *, locked: bool = False) -> Service:
        """Find a service; `locked` takes its row lock, which waits for bookings in progress."""
        return await self._find(Service, service_id, locked)

    async def category(self, category_id: int, *, locked: bool = False) -> Category:
        return await self._find(Category, category_id, locked)

    async def service_draft(self, service: Service) -> ServiceDraft:
        """Build the draft that the service's current values make."""
        return ServiceDraft(
            name=service.name,
            category_id=service.category_id,
            description=service.description,
            included=service.included,
            excluded=service.excluded,
            parts=service.parts,
            preparation=service.preparation,
            guarantee=service.guarantee,
            questions=[(row.question, row.answer) for row in await self._questions(service.id)],
            price=service.price,
            minutes=service.minutes,
            mode=service.mode,
            notice_minutes=service.notice_minutes,
            horizon_days=service.horizon_days,
            **await self._terms(service_id=service.id),
        )

    async def category_draft(self, category: Category) -> CategoryDraft:
        return CategoryDraft(
            name=category.name,
            short_name=category.short_name,
            drawing=category.drawing,
            position=category.position,
            **await self._terms(category_id=category.id),
        )

    async def save_terms(self, draft: Draft, **target: int) -> None:
        """Replace the search terms of a service or category."""
        entered = [(term, language) for language, terms in draft.by_language.items() for term in terms]
        spellings = {pair for term, language in entered for pair in term_spellings(term, language)}
        saved = {
            (row.term, row.language): row for row in await self._db.scalars(select(SearchTerm).filter_by(**target))
        }
        for pair in saved.keys() - spellings:
            await self._db.delete(saved[pair])
        self._db.add_all(
            SearchTerm(term=term, language=language, **target) for term, language in sorted(spellings - saved.keys())
        )

    async def save_questions(self, draft: ServiceDraft, service_id: int) -> None:
        """Replace the questions and answers of a service."""
        saved = await self._questions(service_id)
        if [(row.question, row.answer) for row in saved] == [tuple(pair) for pair in draft.questions]:
            return
        await self._db.execute(delete(ServiceQuestion).where(ServiceQuestion.service_id == service_id))
        self._db.add_all(
            ServiceQuestion(service_id=service_id, position=position, question=question, answer=answer)
            for position, (question, answer) in enumerate(draft.questions, 1)
        )

    async def name_taken(
        self, kind: type[Service] | type[Category], name: str, excluding_id: int | None = None
    ) -> bool:
        """Whether another record has this name, ignoring case; retired ones count."""
        same = select(kind.id).where(func.lower(kind.name) == func.lower(literal(name)), kind.id != (excluding_id or 0))
        return (await self._db.scalar(same.limit(1))) is not None

    async def free_slug(self, kind: type[Service] | type[Category], slug: str) -> str:
        """Make a slug unique: append -2, -3, … to one that is taken."""
        similar = or_(kind.slug == slug, kind.slug.like(f"{slug}-%"))
        taken = set(await self._db.scalars(select(kind.slug).where(similar)))
        candidates = (f"{slug}-{number}" for number in range(2, len(taken) + 3))
        return slug if slug not in taken else next(candidate for candidate in candidates if candidate not in taken)

    async def delete_service_references(self, service_id: int) -> None:
        """Delete ratings, questions and search terms of a service that is to be deleted."""
        await self._db.execute(delete(ServiceRating).where(ServiceRating.service_id == service_id))
        await self._db.execute(delete(ServiceQuestion).where(ServiceQuestion.service_id == service_id))
        await self._db.execute(delete(SearchTerm).where(SearchTerm.service_id == service_id))

    async def delete_category_terms(self, category_id: int) -> None:
        await self._db.execute(delete(SearchTerm).where(SearchTerm.category_id == category_id))

    async def categories(self, *, locked: bool = False) -> Sequence[Category]:
        """Every category in the order of the home page."""
        query = select(Category).order_by(Category.position, Category.id)
        return (await self._db.scalars(query.with_for_update() if locked else query)).all()

    async def service_counts(self, category_id: int) -> tuple[int, int]:
        """Count all services of a category, and the offered ones."""
        offered = func.count().filter(Service.retired_at.is_(None))
        row = (await self._db.execute(select(func.count(), offered).where(Service.category_id == category_id))).one()
        return row[0], row[1]

    async def events_since(self, subject: str, version: int) -> Sequence[AnyRow]:
        """List the events after number `version`, the latest first."""
        return (await self._db.execute(EVENTS_SINCE.where(Event.subject == subject, Event.seq > version))).all()

    async def _find(self, kind: type[R], row_id: int, locked: bool) -> R:
        if row_id not in ROW_IDS:
            raise Missing()
        record = await self._db.get(kind, row_id, populate_existing=True, with_for_update=locked or None)
        if record is None:
            raise Missing()
        return record

    async def _questions(self, service_id: int) -> Sequence[ServiceQuestion]:
        query = select(ServiceQuestion).where(ServiceQuestion.service_id == service_id)
        return (await self._db.scalars(query.order_by(ServiceQuestion.position))).all()

    async def _terms(self, **target: int) -> dict[str, list[str]]:
        """Load the terms as they were entered, without the phonetic keys derived from them."""
        rows = (await self._db.scalars(select(SearchTerm).filter_by(**target).order_by(SearchTerm.term))).all()
        phonetic = {row.term: " ".join(map(phonetic_key, row.term.split())) for row in rows if row.language != "en"}
        derived = {("translit", sounds) for term, sounds in phonetic.items() if sounds != term}
        entered = [(row.language, row.term) for row in rows if (row.language, row.term) not in derived]
        return {f"terms_{language}": [term for each, term in entered if each == language] for language in LANGUAGES}


def _service(*values: Any) -> ServiceDetails:
    """From the columns of SELECT_SERVICES; the last four are the category's."""
    fields: list[Any] = [*values[:-4], CategoryTile(*values[-4:])]
    fields[QUESTIONS_COLUMN] = [(question, answer) for question, answer in fields[QUESTIONS_COLUMN]]
    return ServiceDetails(*fields)
