"""The catalogue as rows: what one service is, and the twelve doors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.service import Category, Service
from app.core.errors import Missing

MOST_CALLED = 100
DOORS = (
    select(Category.slug, Category.name, Category.short_name, Category.drawing)
    .where(Category.retired_at.is_(None))
    .order_by(Category.position, Category.id)
)
SHOWN = select(
    Service.id,
    Service.slug.label("service_slug"),
    Service.name.label("service_name"),
    Service.description,
    Service.included,
    Service.excluded,
    Service.price,
    Service.minutes,
    Service.mode,
    Service.notice_minutes,
    Service.horizon_days,
    Service.retired_at.is_not(None).label("retired"),
    Category.slug,
    Category.name,
    Category.short_name,
    Category.drawing,
).join(Category, Category.id == Service.category_id)


@dataclass(frozen=True, slots=True)
class Door:
    """A category, as home shows it: `drawing` names the picture of its door."""

    slug: str
    name: str
    short_name: str
    drawing: str


@dataclass(frozen=True, slots=True)
class Shown:
    """One service as its page shows it: `price` in paise, `retired` means no longer offered (W5)."""

    id: int
    slug: str
    name: str
    description: str
    included: list[str]
    excluded: list[str]
    price: int
    minutes: int
    mode: str
    notice_minutes: int
    horizon_days: int
    retired: bool
    category: Door


class Services:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def doors(self) -> list[Door]:
        rows = await self._db.execute(DOORS)
        return [_door(row) for row in rows]

    async def by_slug(self, slug: str) -> Shown:
        """Retired ones too: their page says so. Missing when there never was one."""
        if "\x00" in slug or len(slug) > 200:
            raise Missing()
        return await self._one(Service.slug == slug)

    async def by_id(self, service_id: int) -> Shown:
        return await self._one(Service.id == service_id)

    async def offered(self, after: int, limit: int) -> list[Shown]:
        """Of the catalogue, in the order in which they came into it; `after` is the number of the last one seen."""
        page = SHOWN.where(Service.retired_at.is_(None), Service.id > after).order_by(Service.id).limit(limit)
        return [_service(row) for row in await self._db.execute(page)]

    async def these(self, ids: Sequence[int]) -> list[Shown]:
        """In the order of `ids`."""
        found = {row.id: _service(row) for row in await self._db.execute(SHOWN.where(Service.id.in_(ids)))}
        return [found[number] for number in ids if number in found]

    async def called(self, name: str) -> Sequence[int]:
        """The numbers of services whose names hold `name`, also of those no longer offered."""
        query = select(Service.id).where(Service.name.icontains(name, autoescape=True)).order_by(Service.id)
        return (await self._db.scalars(query.limit(MOST_CALLED))).all()

    async def category_called(self, typed: str) -> int | None:
        """By its slug or its name, however it is written; retired ones too."""
        same = or_(Category.slug == typed, func.lower(Category.name) == func.lower(literal(typed)))
        found: int | None = await self._db.scalar(select(Category.id).where(same).order_by(Category.id).limit(1))
        return found

    async def _one(self, which: ColumnElement[bool]) -> Shown:
        row = (await self._db.execute(SHOWN.where(which))).one_or_none()
        if row is None:
            raise Missing()
        return _service(row)


def _door(row: Any) -> Door:
    return Door(row.slug, row.name, row.short_name, row.drawing)


def _service(row: Any) -> Shown:
    return Shown(
        id=row.id,
        slug=row.service_slug,
        name=row.service_name,
        description=row.description,
        included=row.included,
        excluded=row.excluded,
        price=row.price,
        minutes=row.minutes,
        mode=row.mode,
        notice_minutes=row.notice_minutes,
        horizon_days=row.horizon_days,
        retired=row.retired,
        category=_door(row),
    )
