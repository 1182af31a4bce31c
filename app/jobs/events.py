"""Events of a professional's schedule."""

from app.core.cache_tags import CARDS, NOTHING, PROFESSIONALS, SLOTS
from app.core.event_types import EventType
from app.core.i18n import N_

EVENTS = (
    EventType("person.hours_changed", N_("%(who)s changed the working hours."), (SLOTS,)),
    EventType("person.area_changed", N_("%(who)s changed the service area."), (SLOTS, PROFESSIONALS, CARDS)),
    EventType("person.time_off_changed", N_("%(who)s added time off."), (SLOTS,)),
    EventType("person.time_off_removed", N_("%(who)s removed time off."), (SLOTS,)),
    # The time that unaccepted bookings of the two had reserved is free again.
    EventType("person.excluded", N_("%(who)s wants no more bookings with this person."), (SLOTS,)),
    EventType("person.exclusion_lifted", N_("%(who)s allows bookings with this person again."), NOTHING),
)
