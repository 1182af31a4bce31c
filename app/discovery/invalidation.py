"""Cache invalidation of the visitors' pages: each event type names the tags that it makes stale (app.core.event_types).

An event of an unknown type clears everything: a missing declaration costs time, never a wrong page.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import object_session

from app.core import clock
from app.core.cache import ALL_TAGS
from app.core.event_types import registry
from app.core.events import AuditedMixin, Event, OutgoingMessage, send_after_commit

# The greatest ages in seconds of what is cached. No event tells of a hold that lapses, so pages with times are
# short-lived; the API knows when the next one lapses.
SLOTS_MAX_AGE_SECONDS = 10
CATALOGUE_MAX_AGE_SECONDS = 300
SEARCH_MAX_AGE_SECONDS = 60  # shorter: these keys are typed by anybody


def slots_unchanged_seconds(next_lapse: datetime | None = None) -> float:
    """Seconds until the clock alone may change slots; read it before the slots.

    A start becomes too soon to book once a whole minute and the second after it have passed, since bookable starts are
    counted in whole seconds (app.scheduling.slots); days change at midnight. `next_lapse`: when the next hold lapses.
    """
    now = clock.now()
    seconds = (1 if now.second == 0 else 60) - now.second - now.microsecond / 1e6
    return min(seconds, (next_lapse - now).total_seconds()) if next_lapse else seconds


def slots_max_age() -> float:
    """Seconds that a page with slots may be cached; read it before the slots."""
    return min(SLOTS_MAX_AGE_SECONDS, slots_unchanged_seconds())


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
