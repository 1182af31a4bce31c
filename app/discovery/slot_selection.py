"""What somebody has chosen on a service's page so far, read from its address; anything absurd is told in words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from app.catalog.repository import Shown
from app.core import clock
from app.core.i18n import _
from app.core.references import row_number

DAYS_SHOWN = 7


@dataclass(frozen=True, slots=True)
class Choice:
    """`day` is the first of seven, in Asia/Kolkata; `open_day` the one open; `start` the radio to check."""

    pincode: str
    day: date
    professional_id: int | None = None
    start: str = ""
    open_day: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)

    def earlier(self) -> date | None:
        """Where the seven days before begin; None when these are the first."""
        return max(self.day - timedelta(days=DAYS_SHOWN), clock.today()) if self.day > clock.today() else None

    def later(self, service: Shown) -> date | None:
        """Where the seven days after begin; None when the horizon ends before."""
        after = self.day + timedelta(days=DAYS_SHOWN)
        return after if after < last_day(service) else None


def read_choice(fields: Mapping[str, str], service: Shown, unreadable: Mapping[str, str]) -> Choice:
    """`unreadable` are the errors of fields that could not be read at all."""
    errors = dict(unreadable)
    return Choice(
        pincode=fields.get("pincode", "").strip()[:100],
        day=_day(fields.get("day", "").strip(), service, errors),
        professional_id=_professional(fields.get("professional", "").strip(), errors),
        start=fields.get("start", "")[:40],
        open_day=fields.get("shown-day", "")[:10],
        errors=errors,
    )


def last_day(service: Shown) -> date:
    """The first day that can no longer be booked."""
    return clock.today() + timedelta(days=service.horizon_days)


def not_here(name: str, place: str) -> str:
    return _("%(name)s cannot take this job in %(place)s. Anyone who is free can.", name=name, place=place)


def _day(text: str, service: Shown, errors: dict[str, str]) -> date:
    today = clock.today()
    if not text:
        return today
    try:
        day = date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        day = None
    if day is None:
        errors["day"] = _("We cannot read this day. Pick one below.")
    elif day < today:
        errors["day"] = _("This day is over. Pick one below.")
    elif day >= last_day(service):
        errors["day"] = _("This day is too far ahead. Pick one below.")
    return day if day is not None and not errors.get("day") else today


def _professional(text: str, errors: dict[str, str]) -> int | None:
    if not text or text == "anyone":
        return None
    known = row_number(text)
    if known is None:
        errors["professional"] = _("We do not know this person. Anyone who is free can come.")
    return known
