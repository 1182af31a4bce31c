"""The usage of services by bookings and offers, which higher rooms answer through one registered class."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.paging import AnyRow


@dataclass(frozen=True, slots=True)
class UsageCounts:
    """Numbers of all bookings, open ones and those being paid for, and of professionals who offer the service."""

    bookings: int
    open: int
    paying: int
    offered_by: int


class ServiceUsage(Protocol):
    async def counts(self, service_id: int, now: datetime) -> UsageCounts: ...

    async def booking_counts(self) -> dict[int, int]:
        """Number of bookings by service."""

    async def offered_by_counts(self, service_ids: Sequence[int]) -> dict[int, int]:
        """Number of professionals who offer each service; without those that none offers."""

    async def open_bookings(self, service_id: int, limit: int = 50) -> Sequence[AnyRow]:
        """Open bookings at their agreed prices, the soonest first."""

    async def has_bookings(self, service_id: int) -> bool: ...

    async def delete_offers(self, service_id: int) -> None:
        """Delete what professionals offer of a service that is to be deleted."""


_registered: list[Callable[[AsyncSession], ServiceUsage]] = []


def register_service_usage(usage: Callable[[AsyncSession], ServiceUsage]) -> None:
    _registered[:] = [usage]


def service_usage(db: AsyncSession) -> ServiceUsage:
    return _registered[0](db)
