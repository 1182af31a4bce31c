"""Events of blocks."""

from app.core.cache_tags import CARDS, PROFESSIONALS, SLOTS
from app.core.event_types import EventType, NotificationRule, record_field
from app.core.i18n import N_

EVENTS = (
    EventType(
        "person.blocked",
        N_("%(who)s blocked the account."),
        (SLOTS, PROFESSIONALS, CARDS),
        notifies=(NotificationRule("account_blocked", record_field("id")),),
    ),
    EventType(
        "person.unblocked",
        N_("%(who)s unblocked the account."),
        (SLOTS, PROFESSIONALS, CARDS),
        notifies=(NotificationRule("account_unblocked", record_field("id")),),
    ),
)
