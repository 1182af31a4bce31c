"""The slots of a service in a locality, and the available professionals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.names import public_name
from app.bookings.slot_picker import VALUE_FORMAT, usual_start
from app.catalog.repository import ServiceDetails
from app.catalog.search import find_pincode
from app.core.i18n import _
from app.discovery.repository import Area, CatalogueQueries
from app.discovery.results import unknown_pincode_message
from app.discovery.slot_selection import SlotSelection, not_available_message
from app.scheduling.candidate_repository import FIRST_BATCH
from app.scheduling.candidates import Candidate
from app.scheduling.slot_search import find_week, nearest_candidates
from app.scheduling.slots import Day

PEOPLE_PER_PAGE = FIRST_BATCH - 2  # so that a week of slots has read the first page and one more


@dataclass(frozen=True, slots=True)
class ServiceAvailability:
    """Slots, and the nearest candidates; `has_more`: there are others.

    `start` is preselected; `jobs_like_this` are those that the selected professional did of this service.

    Not `is_covered`: no professional does the service there, see `nearest_areas`.
    """

    area: Area | None
    days: Sequence[Day] = ()
    candidates: Sequence[Candidate] = ()
    has_more: bool = False
    selected_professional: Candidate | None = None
    open_day_index: int = 0
    start: datetime | None = None
    jobs_like_this: int = 0
    is_covered: bool = True
    nearest_areas: Sequence[Area] = ()
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_slots(self) -> bool:
        return any(day.starts for day in self.days)

    @property
    def selected_start(self) -> str:
        """The form value of the preselected start."""
        return self.start.strftime(VALUE_FORMAT) if self.start else ""

    @property
    def people(self) -> Sequence[Candidate]:
        """The candidates, the nearest first, with the selected one among them."""
        selected = self.selected_professional
        return self.candidates if selected is None or selected in self.candidates else [*self.candidates, selected]


async def load_availability(
    db: AsyncSession, service: ServiceDetails, selection: SlotSelection, *, customer_id: int | None
) -> ServiceAvailability:
    """Load slots and candidates; empty if the pincode is missing or unknown, or the service retired.

    `customer_id`: the customer who looks, without those who are kept from them (W41).
    """
    area, errors = await _resolve_area(db, selection)
    if area is None or service.retired:
        return ServiceAvailability(area, errors=errors)
    week = await find_week(
        db, service, area.location, selection.day, customer_id=customer_id, professional_id=selection.professional_id
    )
    selected_professional = week.candidates[0] if selection.professional_id is not None and week.candidates else None
    shown, people = PEOPLE_PER_PAGE * selection.pages, week.candidates
    if selection.professional_id is not None or selection.pages > 1:
        people = await nearest_candidates(db, service, area.location, shown + 1, customer_id=customer_id)
    if selection.professional_id is not None and selected_professional is None and people:
        errors["professional"] = not_available_message(_("This professional"), area.place)
        week = await find_week(db, service, area.location, selection.day, customer_id=customer_id)
    start = _selected_start(week.days, selection)
    return ServiceAvailability(
        area=area,
        days=week.days,
        candidates=people[:shown],
        has_more=len(people) > shown,
        selected_professional=selected_professional,
        open_day_index=_open_day_index(week.days, selection, start),
        start=start,
        jobs_like_this=(
            await CatalogueQueries(db).job_count(selected_professional.id, service.id) if selected_professional else 0
        ),
        is_covered=bool(people),
        nearest_areas=() if people else await CatalogueQueries(db).nearest_covered(area.pincode, service.id),
        errors=errors,
    )


def display_name(candidate: Candidate) -> str:
    """The name that visitors see."""
    return public_name(candidate.full_name)


async def _resolve_area(db: AsyncSession, selection: SlotSelection) -> tuple[Area | None, dict[str, str]]:
    errors = dict(selection.errors)
    if not selection.pincode:
        return None, errors
    place = await find_pincode(db, selection.pincode)
    if place is None:
        errors["pincode"] = unknown_pincode_message()
        return None, errors
    return Area.of(place), errors


def _selected_start(days: Sequence[Day], selection: SlotSelection) -> datetime | None:
    """The selected start if it is free, else the earliest of a usual hour, on the expanded day if one is there."""
    free = [start for day in days for start in day.starts]
    same = (start for start in free if start.strftime(VALUE_FORMAT) == selection.start)
    that_day = [start for start in free if start.date().isoformat() == selection.open_day]
    return next(same, None) or usual_start(that_day) or usual_start(free)


def _open_day_index(days: Sequence[Day], selection: SlotSelection, start: datetime | None) -> int:
    """Index of the expanded day, else of the day of the selected slot, else of the first day with a slot."""
    free = [index for index, day in enumerate(days) if day.starts]
    matching_days = (
        index
        for selected_day in (selection.start[:10], selection.open_day, start.date().isoformat() if start else "")
        for index in free
        if days[index].day.isoformat() == selected_day
    )
    return next(matching_days, free[0] if free else 0)
