"""Events of notification preferences."""

from app.core.cache_tags import NOTHING
from app.core.event_types import EventType
from app.core.i18n import N_

EVENTS = (EventType("person.notices_changed", N_("%(who)s changed the notification settings."), NOTHING),)
