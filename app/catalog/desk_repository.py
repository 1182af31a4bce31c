"""The catalogue as the desk sees it.

Bookings, offerings and ratings belong to features above: only their tables are named here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Float,
    cast,
    column,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    table,
    text,
)
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import IDS
from app.accounts.user import User
from app.catalog.draft import LANGUAGES, CategoryDraft, Draft, ServiceDraft
from app.catalog.reference import spellings
from app.catalog.service import Category, SearchTerm, Service
from app.catalog.spelling import sound
from app.kit.errors import Missing
from app.kit.events import Event
from app.kit.keyset import AnyRow, Query, Slice, Sort, counted, slice_of

R = TypeVar("R", Service, Category)
A_PAGE = 20
CATALOGUE = 7003  # the advisory lock of whoever changes the catalogue, taken before any of its rows
SORTS = ("name", "price", "minutes", "bookings", "rating", "since")
STATES = ("offered", "retired")
OPEN = "state IN ('requested', 'assigned', 'started')"

RATINGS = table("service_ratings", *(column(name) for name in ("service_id", "one", "two", "three", "four", "five")))
MARKS = RATINGS.c.one + RATINGS.c.two + RATINGS.c.three + RATINGS.c.four + RATINGS.c.five
STARS = RATINGS.c.one + 2 * RATINGS.c.two + 3 * RATINGS.c.three + 4 * RATINGS.c.four + 5 * RATINGS.c.five

BOOKED = text("SELECT service_id, count(*) AS bookings FROM bookings GROUP BY service_id")
WAS_BOOKED = text("SELECT EXISTS (SELECT FROM bookings WHERE service_id = :id)")
OPEN_BOOKINGS = text(f"""
    SELECT b.reference, b.state, b.starts_at, b.ends_at, b.price, b.minutes, p.place
      FROM bookings b JOIN pincodes p USING (pincode)
     WHERE b.service_id = :id AND b.{OPEN}
     ORDER BY b.starts_at, b.id LIMIT :most
""")
AROUND = text(f"""
    SELECT (SELECT count(*) FROM bookings WHERE service_id = :id) AS bookings,
           (SELECT count(*) FROM bookings WHERE service_id = :id AND {OPEN}) AS open,
           (SELECT count(*) FROM bookings WHERE service_id = :id AND state = 'held' AND held_until > :now) AS paying,
           (SELECT count(*) FROM offerings WHERE service_id = :id) AS offered_by
""")
UNBOUND = (
    text("DELETE FROM offerings WHERE service_id = :id"),
    text("DELETE FROM service_ratings WHERE service_id = :id"),
)
PRICES = text("""
    SELECT e.name, e.at, e.actor_role, u.full_name AS who,
           (e.facts #> '{before,price}')::bigint AS was_price, (e.facts #> '{before,minutes}')::bigint AS was_minutes
      FROM events e LEFT JOIN users u ON u.id = e.actor_id
     WHERE e.subject = :subject AND e.name IN ('service.created', 'service.changed')
       AND (e.name = 'service.created' OR e.facts -> 'after' ?| ARRAY['price', 'minutes'])
     ORDER BY e.seq DESC
""")
SINCE = (
    select(Event.seq, Event.name, Event.at, Event.facts, User.full_name.label("who"))
    .join(User, User.id == Event.actor_id, isouter=True)
    .order_by(Event.seq.desc())
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """`q` among names, categories and search words; the rest "" for all. `category` is a slug."""

    q: str = ""
    state: str = ""
    category: str = ""
    mode: str = ""


@dataclass(frozen=True, slots=True)
class PriceStep:
    """What one change made of price (paise) and minutes; `was` are the two before it, None where it began."""

    at: datetime
    who: str | None
    by_platform: bool
    price: int
    minutes: int
    was: tuple[int, int] | None


class Catalogue:
    """Everything there is, also what is no longer offered."""

    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    # One at a time

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

    # What happened to one

    async def since(self, subject: str, seen: int) -> Sequence[AnyRow]:
        """What happened after its `seen`th event, the latest first."""
        return (await self._db.execute(SINCE.where(Event.subject == subject, Event.seq > seen))).all()

    async def prices(self, service: Service) -> list[PriceStep]:
        """Every price and length it ever had, the latest first; told backwards from what it costs now."""
        price, minutes, steps = service.price, service.minutes, []
        for row in await self._db.execute(PRICES, {"subject": service.subject}):
            began = row.name == "service.created"
            was = None if began else (_else(row.was_price, price), _else(row.was_minutes, minutes))
            steps.append(PriceStep(row.at, row.who, row.actor_role == "platform", price, minutes, was))
            price, minutes = was or (price, minutes)
        return steps

    async def around(self, service_id: int, now: datetime) -> AnyRow:
        """How many bookings it had, how many are open, how many are being paid for, how many professionals offer it."""
        return (await self._db.execute(AROUND, {"id": service_id, "now": now})).one()

    async def open_bookings(self, service_id: int, most: int = 50) -> Sequence[AnyRow]:
        """The soonest first, each at the price that was agreed."""
        return (await self._db.execute(OPEN_BOOKINGS, {"id": service_id, "most": most})).all()

    # Tables

    async def listed(
        self, wanted: Wanted, booked: Mapping[int, int], *, sort: str, descending: bool, after: str | None
    ) -> Slice:
        """One page. `booked` are all services that were booked, and how often."""
        counts = _counts(booked)
        bookings, rating = func.coalesce(counts.c.bookings, 0), func.coalesce(_mean(), 0.0)
        sorts = {
            "name": Sort(func.lower(Service.name), str),
            "price": Sort(Service.price, int),
            "minutes": Sort(Service.minutes, int),
            "bookings": Sort(bookings, int),
            "rating": Sort(rating, float),
            "since": Sort(Service.created_at, datetime),
        }
        query = (
            _rows(bookings.label("bookings"), rating.label("rating"), func.coalesce(MARKS, 0).label("reviews"))
            .join(counts, counts.c.service_id == Service.id, isouter=True)
            .join(RATINGS, RATINGS.c.service_id == Service.id, isouter=True)
            .where(*_fits(wanted))
        )
        return await slice_of(
            self._db, query, key=Service.id, sort=sorts[sort], descending=descending, after=after, limit=A_PAGE
        )

    async def row(self, service_id: int, booked: Mapping[int, int]) -> AnyRow:
        """One line of the table."""
        rating, reviews = await self.stars(service_id)
        known = (
            literal(booked.get(service_id, 0)).label("bookings"),
            literal(float(rating)).label("rating"),
            literal(reviews).label("reviews"),
        )
        found = (await self._db.execute(_rows(*known).where(Service.id == service_id))).one_or_none()
        if found is None:
            raise Missing()
        return found

    async def stars(self, service_id: int) -> tuple[float, int]:
        """Its mean rating, and of how many."""
        query = select(func.coalesce(_mean(), 0.0), MARKS).where(RATINGS.c.service_id == service_id)
        row = (await self._db.execute(query)).one_or_none()
        return (float(row[0]), row[1]) if row else (0.0, 0)

    async def counts(self, wanted: Wanted) -> dict[str, int | None]:
        """For the chips of the states: how many there are with everything else as it is."""
        return {
            state: await counted(self._db, _rows().where(*_fits(Wanted(wanted.q, state, wanted.category, wanted.mode))))
            for state in ("", *STATES)
        }

    async def booked(self) -> dict[int, int]:
        """How often each service was booked."""
        return {row.service_id: row.bookings for row in await self._db.execute(BOOKED)}

    async def shelves(self) -> Sequence[AnyRow]:
        """Every category with its number of services, offered and in all."""
        offered = func.count(Service.id).filter(Service.retired_at.is_(None))
        query = (
            select(
                Category.id,
                Category.slug,
                Category.name,
                Category.short_name,
                Category.drawing,
                Category.position,
                Category.retired_at,
                offered.label("offered"),
                func.count(Service.id).label("services"),
            )
            .join(Service, Service.category_id == Category.id, isouter=True)
            .group_by(Category.id)
            .order_by(Category.position, Category.id)
        )
        return (await self._db.execute(query)).all()

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


def _rows(*more: Any) -> Query:
    return select(
        Service.id,
        Service.slug,
        Service.name,
        Service.price,
        Service.minutes,
        Service.mode,
        Service.created_at,
        Service.retired_at,
        Category.name.label("category"),
        Category.drawing,
        *more,
    ).join(Category, Category.id == Service.category_id)


def _fits(wanted: Wanted) -> list[Any]:
    conditions: list[Any] = []
    if wanted.state:
        retired = Service.retired_at.is_not(None)
        conditions.append(retired if wanted.state == "retired" else ~retired)
    if wanted.category:
        conditions.append(Category.slug == wanted.category)
    if wanted.mode:
        conditions.append(Service.mode == wanted.mode)
    if wanted.q:
        term = exists().where(SearchTerm.service_id == Service.id, SearchTerm.term.icontains(wanted.q, autoescape=True))
        named = (one.icontains(wanted.q, autoescape=True) for one in (Service.name, Category.name))
        conditions.append(or_(*named, term))
    return conditions


def _else(told: int | None, known: int) -> int:
    return known if told is None else told


def _mean() -> Any:
    return cast(STARS, Float) / func.nullif(MARKS, 0)


def _counts(booked: Mapping[int, int]) -> Any:
    """As a table to join with."""
    ids, numbers = cast(list(booked), ARRAY(BigInteger)), cast(list(booked.values()), ARRAY(BigInteger))
    return func.unnest(ids, numbers).table_valued("service_id", "bookings").render_derived(name="booked")
