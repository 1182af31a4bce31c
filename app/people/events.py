"""Events of admin roles and of the admin's customer page."""

from app.core.cache_tags import NOTHING
from app.core.event_types import EventType
from app.core.i18n import N_

EVENTS = (
    EventType("person.promoted", N_("%(who)s made this account an admin."), NOTHING, bare_field="role"),
    EventType("person.demoted", N_("%(who)s removed the admin role."), NOTHING, bare_field="role"),
    EventType("person.right_changed", N_("%(who)s changed the admin's rights."), NOTHING, bare_field="right"),
    EventType("person.contact_seen", N_("%(who)s viewed the phone and address."), NOTHING, is_view=True),
)
