"""Events of webhooks."""

from app.core.cache_tags import NOTHING
from app.core.event_types import EventFamily, EventType
from app.core.i18n import N_

FAMILIES = (EventFamily("webhook", N_("Webhooks"), admin_page="/admin/webhooks"),)
EVENTS = (
    EventType("webhook.registered", N_("%(who)s registered the address."), NOTHING),
    EventType("webhook.tested", N_("%(who)s sent a test."), NOTHING),
    EventType("webhook.secret_renewed", N_("%(who)s made a new secret."), NOTHING),
    EventType("webhook.switched_off", N_("%(who)s switched it off: too many failures."), NOTHING, enums=("state",)),
    EventType("webhook.switched_on", N_("%(who)s switched it on again."), NOTHING, enums=("state",)),
    EventType("webhook.ended", N_("%(who)s ended it."), NOTHING, enums=("state",)),
)
