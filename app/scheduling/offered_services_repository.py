"""What professionals offer, by service; and the catalogue they choose from."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.service import Category, Service
from app.scheduling.working_hours import OfferedService


@dataclass(frozen=True, slots=True)
class ServiceChoice:
    """A service that may be offered; `price` in paise."""

    service_id: int
    name: str
    category: str
    price: int


@dataclass(frozen=True, slots=True)
class OfferedServiceDetails:
    """A service a professional offers: pending, approved or denied; `retired`: not bookable any more (W5)."""

    service_id: int
    name: str
    category: str
    approval_status: str
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

    async def of(self, professional_id: int) -> list[OfferedServiceDetails]:
        query = select(
            Service.id,
            Service.name,
            Category.name,
            OfferedService.approval_status,
            Service.retired_at.is_not(None).label("retired"),
        )
        query = query.join(OfferedService, OfferedService.service_id == Service.id)
        query = query.join(Category, Category.id == Service.category_id)
        query = query.where(OfferedService.professional_id == professional_id)
        rows = await self._db.execute(query.order_by(Category.position, Category.id, Service.name))
        return [OfferedServiceDetails(*row) for row in rows]

    async def add(self, professional_id: int, service_ids: Collection[int]) -> None:
        """Add pending services. The caller has locked the professional's row, or has just created it."""
        self._db.add_all(
            OfferedService(professional_id=professional_id, service_id=service_id, approval_status="pending")
            for service_id in sorted(service_ids)
        )
        await self._db.flush()

    async def set_approval_status(
        self, professional_id: int, before: str, after: str, among: Collection[int] | None = None
    ) -> None:
        """Change the approval status of all services, or of those `among`, from `before` to `after`."""
        change = update(OfferedService).where(
            OfferedService.professional_id == professional_id, OfferedService.approval_status == before
        )
        if among is not None:
            change = change.where(OfferedService.service_id.in_(among))
        await self._db.execute(change.values(approval_status=after).execution_options(synchronize_session=False))

    async def remove(self, professional_id: int, service_ids: Collection[int]) -> None:
        removed = OfferedService.professional_id == professional_id, OfferedService.service_id.in_(service_ids)
        await self._db.execute(delete(OfferedService).where(*removed).execution_options(synchronize_session=False))

    async def remove_service(self, service_id: int) -> None:
        """Delete every professional's offer of a service that is to be deleted."""
        removed = delete(OfferedService).where(OfferedService.service_id == service_id)
        await self._db.execute(removed.execution_options(synchronize_session=False))


def service_names(offered: Sequence[OfferedServiceDetails], *statuses: str) -> list[str]:
    return [service.name for service in offered if service.approval_status in statuses]
