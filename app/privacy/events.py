"""Events of account deletion."""

from app.core.cache_tags import CARDS, PROFESSIONALS, REVIEWS, SLOTS
from app.core.event_types import EventType
from app.core.i18n import N_

EVENTS = (
    EventType("person.left", N_("%(who)s left. What was personal is erased."), (SLOTS, CARDS, REVIEWS, PROFESSIONALS)),
)
