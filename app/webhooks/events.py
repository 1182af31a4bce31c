"""Events of webhooks."""

from app.core.cache_tags import NOTHING
from app.core.event_types import EventFamily, EventType
from app.core.i18n import N_

FAMILIES = (EventFamily("webhook", N_("Webhooks"), admin_page="/admin/webhooks"),)
EVENTS = (
    EventType("webhook.registered", N_("%(who)s added the webhook."), NOTHING),
    EventType("webhook.tested", N_("%(who)s sent a test event."), NOTHING),
    EventType("webhook.secret_renewed", N_("%(who)s created a new signing secret."), NOTHING),
    EventType(
        "webhook.switched_off", N_("%(who)s turned the webhook off after too many failures."), NOTHING, enums=("state",)
    ),
    EventType("webhook.switched_on", N_("%(who)s turned the webhook on again."), NOTHING, enums=("state",)),
    EventType("webhook.ended", N_("%(who)s removed the webhook."), NOTHING, enums=("state",)),
)
