"""Events of exports."""

from app.core.cache_tags import NOTHING
from app.core.event_types import EventFamily, EventType
from app.core.i18n import N_

FAMILIES = (EventFamily("export", N_("Exports")),)
EVENTS = (
    EventType("export.asked", N_("%(who)s requested the export."), NOTHING, enums=("kind",)),
    EventType("export.ready", N_("%(who)s created the export."), NOTHING),
    EventType("export.failed", N_("%(who)s couldn't create the export."), NOTHING),
    EventType("export.seen", N_("%(who)s downloaded the file."), NOTHING, is_view=True),
    EventType("export.expired", N_("%(who)s deleted the file 7 days after it was created."), NOTHING),
    EventType("export.discarded", N_("%(who)s discarded the export."), NOTHING),
)
