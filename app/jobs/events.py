"""Events of a professional's schedule and calendar feed."""

from app.core.cache_tags import CARDS, NOTHING, PROFESSIONALS, SLOTS
from app.core.event_types import EventType
from app.core.i18n import N_

EVENTS = (
    EventType("person.hours_changed", N_("%(who)s changed the weekly hours."), (SLOTS,)),
    EventType("person.area_changed", N_("%(who)s changed the area."), (SLOTS, PROFESSIONALS, CARDS)),
    EventType("person.time_off_changed", N_("%(who)s took time off."), (SLOTS,)),
    EventType("person.time_off_removed", N_("%(who)s gave time off up."), (SLOTS,)),
    EventType("person.calendar_made", N_("%(who)s made a secret address for a calendar; an older one ended."), NOTHING),
    EventType("person.calendar_ended", N_("%(who)s ended the secret address of the calendar."), NOTHING),
)
