"""What professionals offer, by service; and the catalogue they choose from."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.service import Category, Service
from app.scheduling.working_hours import Offering


@dataclass(frozen=True, slots=True)
class ServiceChoice:
    """A service that may be offered; `price` in paise."""

    service_id: int
    name: str
    category: str
    price: int


@dataclass(frozen=True, slots=True)
class OfferedService:
    """A service a professional offers: pending, approved or denied; `retired`: not bookable any more (W5)."""

    service_id: int
    name: str
    category: str
    standing: str
    retired: bool


class OfferedServices:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def choices(self) -> list[ServiceChoice]:
        """Every bookable service, in the order of the home page."""
        query = select(Service.id, Service.name, Category.name, Service.price)
        query = query.join(Category, Category.id == Service.category_id).where(Service.retired_at.is_(None))
        query = query.order_by(Category.position, Category.id, Service.name)
        return [ServiceChoice(*row) for row in await self._db.execute(query)]

    async def of(self, professional_id: int) -> list[OfferedService]:
        query = select(
            Service.id, Service.name, Category.name, Offering.standing, Service.retired_at.is_not(None).label("retired")
        )
        query = query.join(Offering, Offering.service_id == Service.id)
        query = query.join(Category, Category.id == Service.category_id)
        query = query.where(Offering.professional_id == professional_id)
        rows = await self._db.execute(query.order_by(Category.position, Category.id, Service.name))
        return [OfferedService(*row) for row in rows]

    async def add(self, professional_id: int, service_ids: Collection[int]) -> None:
        """Add pending services. The caller holds the professional's row, or has just created it."""
        self._db.add_all(
            Offering(professional_id=professional_id, service_id=service_id, standing="pending")
            for service_id in sorted(service_ids)
        )
        await self._db.flush()

    async def set_standing(
        self, professional_id: int, before: str, after: str, among: Collection[int] | None = None
    ) -> None:
        """Change the standing of all services, or of those `among`, from `before` to `after`."""
        change = update(Offering).where(Offering.professional_id == professional_id, Offering.standing == before)
        if among is not None:
            change = change.where(Offering.service_id.in_(among))
        await self._db.execute(change.values(standing=after).execution_options(synchronize_session=False))

    async def remove(self, professional_id: int, service_ids: Collection[int]) -> None:
        removed = Offering.professional_id == professional_id, Offering.service_id.in_(service_ids)
        await self._db.execute(delete(Offering).where(*removed).execution_options(synchronize_session=False))


def service_names(offered: Sequence[OfferedService], *standings: str) -> list[str]:
    return [service.name for service in offered if service.standing in standings]
