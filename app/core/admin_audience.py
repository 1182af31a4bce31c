"""What the admins' open pages subscribe to: one topic for each kind of record, published after each of its events."""

from collections.abc import Iterable

from sqlalchemy.orm import object_session

from app.core.event_types import registry
from app.core.events import AuditedMixin, Event, nudge

ADMIN_AUDIENCE = "admins"
BOOKINGS_TOPIC, PEOPLE_TOPIC, CATALOGUE_TOPIC = "admin-bookings", "admin-people", "admin-catalogue"


def notify_admins(event: Event, record: AuditedMixin) -> Iterable[object]:
    """A listener of every event: after the commit, publish the topic of its family. It writes no row.

    Views publish nothing: a page that shows the history would reload itself for ever.
    """
    session, family, event_type = object_session(record), registry.family_of(event.name), registry.get(event.name)
    if session is not None and family is not None and family.admin_topic and not (event_type and event_type.is_view):
        nudge(session, ADMIN_AUDIENCE, family.admin_topic)
    return ()
