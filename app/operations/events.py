"""Events of background tasks, recorded on the admin who acted."""

from app.core.cache_tags import NOTHING
from app.core.event_types import EventType
from app.core.i18n import N_

EVENTS = (
    EventType("person.task_retried", N_("%(who)s retried a task."), NOTHING),
    EventType("person.task_discarded", N_("%(who)s discarded a task."), NOTHING),
)
