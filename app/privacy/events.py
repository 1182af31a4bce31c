"""Events of account deletion."""

from app.core.cache_tags import CARDS, PROFESSIONALS, REVIEWS, SLOTS
from app.core.event_types import EventType
from app.core.i18n import N_

EVENTS = (
    EventType(
        "person.left",
        N_("%(who)s deleted the account. Personal data was erased."),
        (SLOTS, CARDS, REVIEWS, PROFESSIONALS),
    ),
)
