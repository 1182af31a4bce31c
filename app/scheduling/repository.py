"""SQL for a professional's own hours, time off, area and services."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.address import Pincode
from app.accounts.professional import Professional
from app.catalog.service import Service
from app.core import clock
from app.core.errors import Missing
from app.core.events import Actor
from app.scheduling.travel import Location, distance_km
from app.scheduling.working_hours import Coverage, OfferedService, TimeOff, WorkingHours

# A bounding box for a radius; distances inside it are computed exactly.
DEGREES_PER_KM = 1 / 100


@dataclass(frozen=True, slots=True)
class CoveredArea:
    """A covered pincode and how far it is from home; `km` None when one of the two places is not known."""

    pincode: str
    place: str
    km: float | None


class Schedules:
    def __init__(self, db: AsyncSession, me: Actor) -> None:
        self.db, self.me = db, me

    async def pincodes(self) -> list[str]:
        query = select(Coverage.pincode).where(Coverage.professional_id == self.me.id).order_by(Coverage.pincode)
        return list(await self.db.scalars(query))

    async def home(self) -> Pincode:
        query = select(Pincode).join(Professional, Professional.home_pincode == Pincode.pincode)
        home = (await self.db.scalars(query.where(Professional.user_id == self.me.id))).one_or_none()
        if home is None:
            raise Missing
        return home

    async def areas(self, home: Pincode) -> list[CoveredArea]:
        """Return the covered pincodes, nearest first."""
        query = select(Pincode).join(Coverage, Coverage.pincode == Pincode.pincode)
        found = await self.db.scalars(query.where(Coverage.professional_id == self.me.id))
        areas = [
            CoveredArea(pincode.pincode, pincode.place, distance_km(location_of(home), location_of(pincode)))
            for pincode in found
        ]
        return sorted(areas, key=lambda area: (area.km is None, area.km or 0, area.pincode))

    async def hours(self) -> Sequence[WorkingHours]:
        query = select(WorkingHours).where(WorkingHours.professional_id == self.me.id)
        return (await self.db.scalars(query.order_by(WorkingHours.weekday, WorkingHours.opens))).all()

    async def time_off(self) -> Sequence[TimeOff]:
        """Return time off that is not over."""
        query = select(TimeOff).where(TimeOff.professional_id == self.me.id, func.upper(TimeOff.span) > clock.now())
        return (await self.db.scalars(query.order_by(func.lower(TimeOff.span)))).all()

    async def services(self) -> list[tuple[Service, str]]:
        """Return each service with its approval status: pending, approved, denied."""
        query = select(Service, OfferedService.approval_status).join(
            OfferedService, OfferedService.service_id == Service.id
        )
        rows = await self.db.execute(query.where(OfferedService.professional_id == self.me.id).order_by(Service.name))
        return [(row[0], row[1]) for row in rows]

    async def existing_pincodes(self, pincodes: Iterable[str]) -> set[str]:
        return set(await self.db.scalars(select(Pincode.pincode).where(Pincode.pincode.in_(list(pincodes)))))

    async def pincodes_within(self, home: Pincode, km: float) -> list[str]:
        """The pincodes no farther than `km` by road from home, home itself included."""
        if home.latitude is None or home.longitude is None:
            return [home.pincode]
        degrees = km * DEGREES_PER_KM
        query = select(Pincode).where(
            Pincode.latitude.between(home.latitude - degrees, home.latitude + degrees),
            Pincode.longitude.between(home.longitude - degrees, home.longitude + degrees),
        )
        here = location_of(home)
        near = [
            pincode.pincode
            for pincode in await self.db.scalars(query)
            if (distance_km(here, location_of(pincode)) or 0.0) <= km
        ]
        return sorted({home.pincode, *near})

    async def set_hours(self, stretches: Iterable[tuple[int, int, int]]) -> None:
        """Replace all hours with these (weekday, opens, closes)."""
        await self.db.execute(delete(WorkingHours).where(WorkingHours.professional_id == self.me.id))
        self.db.add_all(
            WorkingHours(professional_id=self.me.id, weekday=weekday, opens=opens, closes=closes)
            for weekday, opens, closes in stretches
        )
        await self.db.flush()

    async def set_area(self, pincodes: Iterable[str]) -> None:
        await self.db.execute(delete(Coverage).where(Coverage.professional_id == self.me.id))
        self.db.add_all(Coverage(professional_id=self.me.id, pincode=pincode) for pincode in sorted(set(pincodes)))
        await self.db.flush()

    async def has_time_off_in(self, span: Range[datetime]) -> bool:
        """Return whether any of this is time off already."""
        query = select(TimeOff.id).where(TimeOff.professional_id == self.me.id, TimeOff.span.overlaps(span)).limit(1)
        return (await self.db.scalars(query)).first() is not None

    async def add_time_off(self, span: Range[datetime], reason: str) -> TimeOff:
        away = TimeOff(professional_id=self.me.id, span=span, reason=reason, created_at=clock.now())
        self.db.add(away)
        await self.db.flush()
        return away

    async def remove_time_off(self, time_off_id: int) -> Range[datetime]:
        """Delete it and return its span. Raises Missing for another user's."""
        own = TimeOff.id == time_off_id, TimeOff.professional_id == self.me.id
        span: Range[datetime] | None = await self.db.scalar(delete(TimeOff).where(*own).returning(TimeOff.span))
        if span is None:
            raise Missing
        return span


def location_of(pincode: Pincode) -> Location:
    return Location(pincode.pincode, pincode.latitude, pincode.longitude)
