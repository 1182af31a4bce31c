"""The admin's table of services, and the price changes of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Float, cast, exists, func, literal, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.ratings import rating_sum, review_count
from app.catalog.service import Category, SearchTerm, Service, ServiceRating
from app.core.errors import Missing
from app.core.paging import AnyRow, CountedPage, Query, Sort, count_rows, fetch_page

PAGE_SIZE = 20
SORTS = ("name", "price", "minutes", "bookings", "rating", "since")
STATES = ("offered", "retired")

PRICE_CHANGES = text("""
    SELECT e.name, e.at, e.actor_role, u.full_name AS who,
           (e.facts #> '{before,price}')::bigint AS was_price, (e.facts #> '{before,minutes}')::bigint AS was_minutes
      FROM events e LEFT JOIN users u ON u.id = e.actor_id
     WHERE e.subject = :subject AND e.name IN ('service.created', 'service.changed')
       AND (e.name = 'service.created' OR e.facts -> 'after' ?| ARRAY['price', 'minutes'])
     ORDER BY e.seq DESC
""")


@dataclass(frozen=True, slots=True)
class ServiceFilters:
    """Filters of the table: `q` searches names, categories and search terms; "" means all. `category` is a slug."""

    q: str = ""
    state: str = ""
    category: str = ""
    mode: str = ""


@dataclass(frozen=True, slots=True)
class PriceChange:
    """One change of price (paise) and minutes; `before` are both before it, None at creation."""

    at: datetime
    who: str | None
    by_platform: bool
    price: int
    minutes: int
    before: tuple[int, int] | None


class CatalogueAdminQueries:
    """Queries on services and categories, retired ones too."""

    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def price_history(self, service: Service) -> list[PriceChange]:
        """List all price changes, the latest first, derived backwards from the current price."""
        price, minutes, steps = service.price, service.minutes, []
        for row in await self._db.execute(PRICE_CHANGES, {"subject": service.subject}):
            before = (
                None
                if row.name == "service.created"
                else (_or_current(row.was_price, price), _or_current(row.was_minutes, minutes))
            )
            steps.append(PriceChange(row.at, row.who, row.actor_role == "platform", price, minutes, before))
            price, minutes = before or (price, minutes)
        return steps

    async def page(
        self, filters: ServiceFilters, booked: Mapping[int, int], *, sort: str, descending: bool, after: str | None
    ) -> CountedPage:
        """One page of the table; `booked` maps service ids to numbers of bookings."""
        counts = _counts_table(booked)
        bookings, rating = func.coalesce(counts.c.bookings, 0), func.coalesce(_mean_rating(), 0.0)
        sorts = {
            "name": Sort(func.lower(Service.name), str),
            "price": Sort(Service.price, int),
            "minutes": Sort(Service.minutes, int),
            "bookings": Sort(bookings, int),
            "rating": Sort(rating, float),
            "since": Sort(Service.created_at, datetime),
        }
        query = (
            _select_rows(
                bookings.label("bookings"),
                rating.label("rating"),
                func.coalesce(review_count(ServiceRating), 0).label("reviews"),
            )
            .join(counts, counts.c.service_id == Service.id, isouter=True)
            .join(ServiceRating, ServiceRating.service_id == Service.id, isouter=True)
            .where(*_conditions(filters))
        )
        return await fetch_page(
            self._db, query, key=Service.id, sort=sorts[sort], descending=descending, after=after, limit=PAGE_SIZE
        )

    async def table_row(self, service_id: int, booked: Mapping[int, int]) -> AnyRow:
        """One row of the table; raises Missing."""
        rating, reviews = await self.rating(service_id)
        values = (
            literal(booked.get(service_id, 0)).label("bookings"),
            literal(float(rating)).label("rating"),
            literal(reviews).label("reviews"),
        )
        row = (await self._db.execute(_select_rows(*values).where(Service.id == service_id))).one_or_none()
        if row is None:
            raise Missing()
        return row

    async def rating(self, service_id: int) -> tuple[float, int]:
        """The mean rating and the number of ratings."""
        query = select(func.coalesce(_mean_rating(), 0.0), review_count(ServiceRating)).where(
            ServiceRating.service_id == service_id
        )
        row = (await self._db.execute(query)).one_or_none()
        return (float(row[0]), row[1]) if row else (0.0, 0)

    async def counts(self, filters: ServiceFilters) -> dict[str, int | None]:
        """Count services per state under the other filters."""
        return {
            state: await count_rows(
                self._db,
                _select_rows().where(*_conditions(ServiceFilters(filters.q, state, filters.category, filters.mode))),
            )
            for state in ("", *STATES)
        }

    async def categories(self) -> Sequence[AnyRow]:
        """List categories with their numbers of offered and of all services."""
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


def _select_rows(*more: Any) -> Query:
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


def _conditions(filters: ServiceFilters) -> list[Any]:
    conditions: list[Any] = []
    if filters.state:
        retired = Service.retired_at.is_not(None)
        conditions.append(retired if filters.state == "retired" else ~retired)
    if filters.category:
        conditions.append(Category.slug == filters.category)
    if filters.mode:
        conditions.append(Service.mode == filters.mode)
    if filters.q:
        term = exists().where(
            SearchTerm.service_id == Service.id, SearchTerm.term.icontains(filters.q, autoescape=True)
        )
        named = (column.icontains(filters.q, autoescape=True) for column in (Service.name, Category.name))
        conditions.append(or_(*named, term))
    return conditions


def _or_current(value: int | None, current: int) -> int:
    return current if value is None else value


def _mean_rating() -> Any:
    return cast(rating_sum(ServiceRating), Float) / func.nullif(review_count(ServiceRating), 0)


def _counts_table(booked: Mapping[int, int]) -> Any:
    """The counts as a table to join with."""
    ids, numbers = cast(list(booked), ARRAY(BigInteger)), cast(list(booked.values()), ARRAY(BigInteger))
    return func.unnest(ids, numbers).table_valued("service_id", "bookings").render_derived(name="booked")
