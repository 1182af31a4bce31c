"""The catalogue as the desk lists it, and what there is around one service.

Bookings, offerings and ratings belong to features above: only their tables are named here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Float, cast, column, exists, func, literal, or_, select, table, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.service import Category, SearchTerm, Service
from app.core.errors import Missing
from app.core.keyset import AnyRow, Query, Slice, Sort, counted, slice_of

A_PAGE = 20
SORTS = ("name", "price", "minutes", "bookings", "rating", "since")
STATES = ("offered", "retired")
OPEN = "state IN ('requested', 'assigned', 'started')"

RATINGS = table("service_ratings", *(column(name) for name in ("service_id", "one", "two", "three", "four", "five")))
MARKS = RATINGS.c.one + RATINGS.c.two + RATINGS.c.three + RATINGS.c.four + RATINGS.c.five
STARS = RATINGS.c.one + 2 * RATINGS.c.two + 3 * RATINGS.c.three + 4 * RATINGS.c.four + 5 * RATINGS.c.five

BOOKED = text("SELECT service_id, count(*) AS bookings FROM bookings GROUP BY service_id")
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
PRICES = text("""
    SELECT e.name, e.at, e.actor_role, u.full_name AS who,
           (e.facts #> '{before,price}')::bigint AS was_price, (e.facts #> '{before,minutes}')::bigint AS was_minutes
      FROM events e LEFT JOIN users u ON u.id = e.actor_id
     WHERE e.subject = :subject AND e.name IN ('service.created', 'service.changed')
       AND (e.name = 'service.created' OR e.facts -> 'after' ?| ARRAY['price', 'minutes'])
     ORDER BY e.seq DESC
""")


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


class Lists:
    """Of everything there is, also what is no longer offered."""

    def __init__(self, db: AsyncSession) -> None:
        self._db = db

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
