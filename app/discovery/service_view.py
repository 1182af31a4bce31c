"""All that a service's page shows, put together from the catalogue, the crew and the reviews."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.user import public_name
from app.bookings.slot_picker import parts_of
from app.catalog.repository import Shown
from app.catalog.search import place
from app.core.i18n import _
from app.discovery.repository import Area, Looking
from app.discovery.results import unknown_pincode
from app.discovery.slot_selection import Choice, not_here
from app.scheduling.candidates import week
from app.scheduling.slots import Day, Worker

START = "%Y-%m-%dT%H:%M"
IN_SIGHT = 3


@dataclass(frozen=True, slots=True)
class Times:
    """Who may come and when. `shown` is the index of the day that is open; not `covered`: nobody does it there."""

    where: Area | None
    days: Sequence[Day] = ()
    crew: Sequence[Worker] = ()
    named: Worker | None = None
    shown: int = 0
    start: str = ""
    covered: bool = True
    nearest: Sequence[Area] = ()
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def any_free(self) -> bool:
        return any(day.starts for day in self.days)

    @property
    def in_sight(self) -> Sequence[Worker]:
        """The nearest few, with the chosen one among them."""
        few = list(self.crew[:IN_SIGHT])
        return few if self.named is None or self.named in few else [*few, self.named]

    @property
    def out_of_sight(self) -> Sequence[Worker]:
        return [worker for worker in self.crew if worker not in self.in_sight]

    def parts(self, day: Day) -> list[tuple[str, list[datetime]]]:
        return parts_of(day.starts)


async def times(db: AsyncSession, service: Shown, choice: Choice) -> Times:
    """Empty when the pincode is missing or unknown, or the service retired."""
    where, errors = await _where(db, choice)
    if where is None or service.retired:
        return Times(where, errors=errors)
    found = await week(db, service, where.pincode, choice.day, professional_id=choice.professional_id)
    named = next((worker for worker in found.crew if worker.id == choice.professional_id), None)
    if choice.professional_id is not None and named is None and found.crew:
        errors["professional"] = not_here(_("This person"), where.place)
        found = await week(db, service, where.pincode, choice.day)
    return Times(
        where=where,
        days=found.days,
        crew=found.crew,
        named=named,
        shown=_shown(found.days, choice),
        start=choice.start,
        covered=bool(found.crew),
        nearest=() if found.crew else await Looking(db).nearest_covered(where.pincode, service.id),
        errors=errors,
    )


def called(worker: Worker) -> str:
    """The name that strangers read."""
    return public_name(worker.full_name)


async def _where(db: AsyncSession, choice: Choice) -> tuple[Area | None, dict[str, str]]:
    errors = dict(choice.errors)
    if not choice.pincode:
        return None, errors
    found = await place(db, choice.pincode)
    if found is None:
        errors["pincode"] = unknown_pincode()
        return None, errors
    return Area(found.pincode, found.name), errors


def _shown(days: Sequence[Day], choice: Choice) -> int:
    """The day of the chosen start, else the one that was open, else the first with a free one."""
    free = [index for index, day in enumerate(days) if day.starts]
    wanted = (
        index for told in (choice.start[:10], choice.open_day) for index in free if days[index].day.isoformat() == told
    )
    return next(wanted, free[0] if free else 0)
