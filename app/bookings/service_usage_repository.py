"""How services are booked and offered, for the catalogue's pages (app.catalog.service_usage)."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.service_booking_count import booking_counts
from app.catalog.service_usage import UsageCounts
from app.core.paging import AnyRow
from app.scheduling.offered_services_repository import OfferedServices

IS_OPEN = "state IN ('requested', 'assigned', 'started')"
OPEN_BOOKINGS = text(f"""
    SELECT b.reference, b.state, b.starts_at, b.ends_at, b.price, b.minutes, p.place
      FROM bookings b JOIN pincodes p USING (pincode)
     WHERE b.service_id = :id AND b.{IS_OPEN}
     ORDER BY b.starts_at, b.id LIMIT :limit
""")
USAGE = text(f"""
    SELECT (SELECT count(*) FROM bookings WHERE service_id = :id) AS bookings,
           (SELECT count(*) FROM bookings WHERE service_id = :id AND {IS_OPEN}) AS open,
           (SELECT count(*) FROM bookings WHERE service_id = :id AND state = 'held' AND held_until > :now) AS paying,
           (SELECT count(*) FROM offered_services WHERE service_id = :id AND approval_status <> 'denied')
               AS offered_by
""")
OFFERED_BY = text("""
    SELECT service_id, count(*) FROM offered_services
     WHERE service_id = ANY(:ids) AND approval_status <> 'denied' GROUP BY service_id
""")
HAS_BOOKINGS = text("SELECT EXISTS (SELECT FROM bookings WHERE service_id = :id)")


class BookedServices:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def counts(self, service_id: int, now: datetime) -> UsageCounts:
        return UsageCounts(*(await self._db.execute(USAGE, {"id": service_id, "now": now})).one())

    async def booking_counts(self) -> dict[int, int]:
        return await booking_counts(self._db)

    async def offered_by_counts(self, service_ids: Sequence[int]) -> dict[int, int]:
        found = await self._db.execute(OFFERED_BY, {"ids": list(service_ids)})
        return {row[0]: row[1] for row in found}

    async def open_bookings(self, service_id: int, limit: int = 50) -> Sequence[AnyRow]:
        return (await self._db.execute(OPEN_BOOKINGS, {"id": service_id, "limit": limit})).all()

    async def has_bookings(self, service_id: int) -> bool:
        """Whether it was ever booked, paid or not."""
        return bool((await self._db.execute(HAS_BOOKINGS, {"id": service_id})).scalar_one())

    async def delete_offers(self, service_id: int) -> None:
        await OfferedServices(self._db).remove_service(service_id)
