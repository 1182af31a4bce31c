"""What professionals offer, by service; and the catalogue they choose from."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.service import Category, Service
from app.scheduling.working_hours import Offering


@dataclass(frozen=True, slots=True)
class Choice:
    """A service that may be offered; `price` in paise."""

    service_id: int
    name: str
    category: str
    price: int


@dataclass(frozen=True, slots=True)
class Offered:
    """One that somebody offers: pending, approved or denied; `retired` ones are no longer offered to anybody (W5)."""

    service_id: int
    name: str
    category: str
    standing: str
    retired: bool


class Offerings:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def catalogue(self) -> list[Choice]:
        """Everything that can be booked, as the home page orders it."""
        query = select(Service.id, Service.name, Category.name, Service.price)
        query = query.join(Category, Category.id == Service.category_id).where(Service.retired_at.is_(None))
        query = query.order_by(Category.position, Category.id, Service.name)
        return [Choice(*row) for row in await self._db.execute(query)]

    async def of(self, professional_id: int) -> list[Offered]:
        query = select(
            Service.id, Service.name, Category.name, Offering.standing, Service.retired_at.is_not(None).label("retired")
        )
        query = query.join(Offering, Offering.service_id == Service.id)
        query = query.join(Category, Category.id == Service.category_id)
        query = query.where(Offering.professional_id == professional_id)
        rows = await self._db.execute(query.order_by(Category.position, Category.id, Service.name))
        return [Offered(*row) for row in rows]

    async def add(self, professional_id: int, service_ids: Collection[int]) -> None:
        """Each waits to be approved. The professional's row is locked by now, or nobody else knows it yet."""
        self._db.add_all(
            Offering(professional_id=professional_id, service_id=one, standing="pending") for one in sorted(service_ids)
        )
        await self._db.flush()

    async def settle(self, professional_id: int, before: str, after: str, among: Collection[int] | None = None) -> None:
        """All (or those `among`) that stand as `before` stand as `after` from now on."""
        change = update(Offering).where(Offering.professional_id == professional_id, Offering.standing == before)
        if among is not None:
            change = change.where(Offering.service_id.in_(among))
        await self._db.execute(change.values(standing=after).execution_options(synchronize_session=False))

    async def end(self, professional_id: int, service_ids: Collection[int]) -> None:
        gone = Offering.professional_id == professional_id, Offering.service_id.in_(service_ids)
        await self._db.execute(delete(Offering).where(*gone).execution_options(synchronize_session=False))


def names_of(offered: Sequence[Offered], *standings: str) -> list[str]:
    return [one.name for one in offered if one.standing in standings]
