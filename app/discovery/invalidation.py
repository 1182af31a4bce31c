"""Cache invalidation of the visitors' pages: each event type names the tags that it makes stale (app.core.event_types).

An event of an unknown type clears everything: a missing declaration costs time, never a wrong page.
"""

from collections.abc import Iterable

from sqlalchemy.orm import object_session

from app.core.cache import ALL_TAGS
from app.core.event_types import registry
from app.core.events import AuditedMixin, Event, OutgoingMessage, send_after_commit

# The greatest ages in seconds of what is cached. No event tells of a hold that lapses, so times are short-lived.
SLOTS_MAX_AGE_SECONDS = 10
CATALOGUE_MAX_AGE_SECONDS = 300
SEARCH_MAX_AGE_SECONDS = 60  # shorter: these keys are typed by anybody


def stale_tags(event_name: str) -> tuple[str, ...]:
    """The cache tags that an event of this name makes stale."""
    event_type = registry.get(event_name)
    return (ALL_TAGS,) if event_type is None else event_type.invalidates


def invalidate_cache(event: Event, record: AuditedMixin) -> Iterable[object]:
    """A listener of every event: after the commit every process drops what became stale. It writes no row."""
    session = object_session(record)
    if session is not None:
        send_after_commit(session, [OutgoingMessage("cache", tag) for tag in stale_tags(event.name)])
    return ()
