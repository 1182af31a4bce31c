"""Events of admin roles and of the admin's customer page."""

from app.core.cache_tags import NOTHING
from app.core.event_types import EventType
from app.core.i18n import N_

EVENTS = (
    EventType("person.promoted", N_("%(who)s made the account an admin's."), NOTHING, bare_field="role"),
    EventType("person.demoted", N_("%(who)s took the admin's right away."), NOTHING, bare_field="role"),
    EventType("person.contact_seen", N_("%(who)s looked at phone and address."), NOTHING, is_view=True),
)
