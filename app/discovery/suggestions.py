"""Services that a customer's home is due for: by the time since the last visit, or by the season. No I/O."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from app.bookings.visits_repository import LastVisit
from app.core import clock
from app.core.i18n import N_, _, ngettext
from app.discovery.service_list import ServiceCard

MAX_SUGGESTIONS = 2
MONTHS_PER_YEAR = 12

# Months after which a service is due again, by its slug.
MONTHS_BETWEEN_VISITS = {
    "foam-jet-ac-service-split": 6,
    "window-ac-service": 6,
    "ro-filter-change": 6,
    "ro-purifier-service": 12,
    "overhead-tank-cleaning": 6,
    "sump-cleaning": 12,
    "cockroach-and-ant-gel": 6,
    "termite-treatment": 12,
    "chimney-deep-service": 6,
    "geyser-service": 12,
    "inverter-and-battery-check": 12,
    "sofa-shampoo": 12,
    "mattress-cleaning": 12,
    "1-bhk-full-home-deep-cleaning": 6,
    "2-bhk-full-home-deep-cleaning": 6,
    "3-bhk-full-home-deep-cleaning": 6,
}


@dataclass(frozen=True, slots=True)
class Season:
    """What helps at a time of the year in Chennai, and why."""

    months: range
    slugs: tuple[str, ...]
    reason: str


SEASONS = (
    Season(range(2, 5), ("foam-jet-ac-service-split", "window-ac-service"), N_("Before the hot months")),
    Season(range(8, 10), ("wall-damp-check", "inverter-and-battery-check"), N_("Before the rains")),
    Season(range(10, 13), ("mosquito-treatment", "wall-damp-check"), N_("In the rainy months")),
)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A service that may be due, with the reason. `again`: the booking to repeat."""

    card: ServiceCard
    reason: str
    again: str | None = None


def suggest_services(visits: Sequence[LastVisit], cards: Iterable[ServiceCard]) -> list[Suggestion]:
    """The most overdue first; then what the season asks for, if the customer never booked it. `cards`: bookable."""
    by_slug, today = {card.slug: card for card in cards}, clock.today()
    due = [
        (months, visit)
        for visit in visits
        if visit.slug in by_slug
        and not visit.is_open
        and (months := months_since(visit.starts_at, today)) >= MONTHS_BETWEEN_VISITS.get(visit.slug, months + 1)
    ]
    due.sort(key=lambda pair: pair[0] - MONTHS_BETWEEN_VISITS[pair[1].slug], reverse=True)
    overdue = [Suggestion(by_slug[visit.slug], last_visit_text(months), visit.reference) for months, visit in due]
    return [*overdue, *_seasonal(by_slug, {visit.slug for visit in visits}, today)][:MAX_SUGGESTIONS]


def months_since(start: datetime, today: date) -> int:
    """Whole months in Asia/Kolkata."""
    day = start.astimezone(clock.IST).date()
    return (today.year - day.year) * MONTHS_PER_YEAR + today.month - day.month - (today.day < day.day)


def last_visit_text(months: int) -> str:
    return ngettext("Your last was %(num)s month ago", "Your last was %(num)s months ago", months)


def _seasonal(by_slug: Mapping[str, ServiceCard], booked: set[str], today: date) -> list[Suggestion]:
    return [
        Suggestion(by_slug[slug], _(season.reason))
        for season in SEASONS
        if today.month in season.months
        for slug in season.slugs
        if slug in by_slug and slug not in booked
    ]
