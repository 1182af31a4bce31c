"""What is selected on a service's page, read from its query; invalid fields become errors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from app.catalog.repository import ServiceDetails
from app.core import clock
from app.core.datetimes import parse_day
from app.core.i18n import _
from app.core.references import parse_row_id

DAYS_PER_PAGE = 7
PAGES = {str(n) for n in range(1, 11)}  # more than 300 people are no choice


@dataclass(frozen=True, slots=True)
class SlotSelection:
    """`day` is the first of seven, in Asia/Kolkata; `open_day` the expanded one; `start` the selected slot."""

    pincode: str
    day: date
    professional_id: int | None = None
    start: str = ""
    open_day: str = ""
    pages: int = 1  # of professionals, all shown together
    errors: Mapping[str, str] = field(default_factory=dict)

    def earlier(self) -> date | None:
        """The first day of the previous page; None on the first page."""
        return max(self.day - timedelta(days=DAYS_PER_PAGE), clock.today()) if self.day > clock.today() else None

    def later(self, service: ServiceDetails) -> date | None:
        """The first day of the next page; None when the horizon ends before."""
        after = self.day + timedelta(days=DAYS_PER_PAGE)
        return after if after < booking_horizon_end(service) else None


def read_slot_selection(
    fields: Mapping[str, str], service: ServiceDetails, unreadable: Mapping[str, str]
) -> SlotSelection:
    """Read the selection; `unreadable` are the errors of unreadable fields."""
    errors = dict(unreadable)
    return SlotSelection(
        pincode=fields.get("pincode", "").strip()[:100],
        day=_parse_day(fields.get("day", "").strip(), service, errors),
        professional_id=_parse_professional(fields.get("professional", "").strip(), errors),
        start=fields.get("start", "")[:40],
        open_day=fields.get("shown-day", "")[:10],
        pages=_parse_pages(fields.get("pages", "")),
        errors=errors,
    )


def booking_horizon_end(service: ServiceDetails) -> date:
    """The first day that is too far ahead to book."""
    return clock.today() + timedelta(days=service.horizon_days)


def not_available_message(name: str, place: str) -> str:
    return _("%(name)s can't take this job in %(place)s. Choose any available professional.", name=name, place=place)


def _parse_day(text: str, service: ServiceDetails, errors: dict[str, str]) -> date:
    today = clock.today()
    if not text:
        return today
    day = parse_day(text)
    if day is None:
        errors["day"] = _("We can't read this day. Pick one below.")
    elif day < today:
        errors["day"] = _("This day is in the past. Pick one below.")
    elif day >= booking_horizon_end(service):
        errors["day"] = _("This day is too far ahead. Pick one below.")
    return day if day is not None and not errors.get("day") else today


def _parse_pages(text: str) -> int:
    return int(text) if text in PAGES else 1


def _parse_professional(text: str, errors: dict[str, str]) -> int | None:
    if not text or text == "anyone":
        return None
    professional_id = parse_row_id(text)
    if professional_id is None:
        errors["professional"] = _("We can't find this professional. Choose any available professional.")
    return professional_id
