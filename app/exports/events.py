"""Events of exports."""

from app.core.cache_tags import NOTHING
from app.core.event_types import EventFamily, EventType
from app.core.i18n import N_

FAMILIES = (EventFamily("export", N_("Exports")),)
EVENTS = (
    EventType("export.asked", N_("%(who)s asked for the export."), NOTHING, enums=("kind",)),
    EventType("export.ready", N_("%(who)s finished the export."), NOTHING),
    EventType("export.failed", N_("%(who)s could not make the export."), NOTHING),
    EventType("export.seen", N_("%(who)s fetched the file."), NOTHING, is_view=True),
    EventType("export.expired", N_("%(who)s deleted the file, a week after it was made."), NOTHING),
    EventType("export.discarded", N_("%(who)s threw the export away."), NOTHING),
)
