"""The slots of a service in a locality, and the available professionals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.names import public_name
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

MAX_NEAREST_CANDIDATES = 3
PEOPLE_PER_PAGE = FIRST_BATCH - 2  # so that a week of slots has read the first page and one more


@dataclass(frozen=True, slots=True)
class ServiceAvailability:
    """Slots, and the nearest candidates; `has_more`: there are others.

    Not `is_covered`: no professional does the service there, see `nearest_areas`.
    """

    area: Area | None
    days: Sequence[Day] = ()
    candidates: Sequence[Candidate] = ()
    has_more: bool = False
    selected_professional: Candidate | None = None
    open_day_index: int = 0
    selected_start: str = ""
    is_covered: bool = True
    nearest_areas: Sequence[Area] = ()
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_slots(self) -> bool:
        return any(day.starts for day in self.days)

    @property
    def nearest_candidates(self) -> Sequence[Candidate]:
        """The nearest candidates, with the selected one among them."""
        nearest = list(self.candidates[:MAX_NEAREST_CANDIDATES])
        selected = self.selected_professional
        return nearest if selected is None or selected.id in _ids(nearest) else [*nearest, selected]

    @property
    def other_candidates(self) -> Sequence[Candidate]:
        nearest = _ids(self.nearest_candidates)
        return [candidate for candidate in self.candidates if candidate.id not in nearest]


async def load_availability(db: AsyncSession, service: ServiceDetails, selection: SlotSelection) -> ServiceAvailability:
    """Load slots and candidates; empty if the pincode is missing or unknown, or the service retired."""
    area, errors = await _resolve_area(db, selection)
    if area is None or service.retired:
        return ServiceAvailability(area, errors=errors)
    week = await find_week(db, service, area.pincode, selection.day, professional_id=selection.professional_id)
    selected_professional = week.candidates[0] if selection.professional_id is not None and week.candidates else None
    shown, people = PEOPLE_PER_PAGE * selection.pages, week.candidates
    if selection.professional_id is not None or selection.pages > 1:
        people = await nearest_candidates(db, service, area.pincode, shown + 1)
    if selection.professional_id is not None and selected_professional is None and people:
        errors["professional"] = not_available_message(_("This professional"), area.place)
        week = await find_week(db, service, area.pincode, selection.day)
    return ServiceAvailability(
        area=area,
        days=week.days,
        candidates=people[:shown],
        has_more=len(people) > shown,
        selected_professional=selected_professional,
        open_day_index=_open_day_index(week.days, selection),
        selected_start=selection.start,
        is_covered=bool(people),
        nearest_areas=() if people else await CatalogueQueries(db).nearest_covered(area.pincode, service.id),
        errors=errors,
    )


def _ids(candidates: Iterable[Candidate]) -> set[int]:
    return {candidate.id for candidate in candidates}


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
    return Area(place.pincode, place.name), errors


def _open_day_index(days: Sequence[Day], selection: SlotSelection) -> int:
    """Index of the day of the selected slot, else of the expanded day, else of the first day with a slot."""
    free = [index for index, day in enumerate(days) if day.starts]
    matching_days = (
        index
        for selected_day in (selection.start[:10], selection.open_day)
        for index in free
        if days[index].day.isoformat() == selected_day
    )
    return next(matching_days, free[0] if free else 0)
