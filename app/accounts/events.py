"""Events of a user's account; what other rooms record of a user is declared there."""

from app.core.admin_audience import PEOPLE_TOPIC
from app.core.cache_tags import NOTHING, PROFESSIONALS, REVIEWS, SLOTS
from app.core.event_types import EventFamily, EventType, NotificationRule, record_field
from app.core.i18n import N_

FAMILIES = (EventFamily("person", N_("People"), admin_topic=PEOPLE_TOPIC),)
EVENTS = (
    EventType("person.registered", N_("%(who)s created the account."), NOTHING, enums=("role",)),
    EventType("person.email_verified", N_("%(who)s confirmed the email address."), NOTHING),
    EventType("person.email_changed", N_("%(who)s changed the email address."), NOTHING, private=("email",)),
    EventType(
        "person.password_changed",
        N_("%(who)s set a new password."),
        NOTHING,
        notifies=(NotificationRule("password_changed", record_field("id")),),
    ),
    EventType(
        "person.details_changed",
        N_("%(who)s changed the name or phone."),
        (SLOTS, PROFESSIONALS, REVIEWS),
        private=("phone",),
        enums=("fields",),
        names_single_change=True,
    ),
    EventType("person.address_added", N_("%(who)s added an address."), NOTHING, private=("address",)),
    EventType("person.address_changed", N_("%(who)s changed an address."), NOTHING, private=("address",)),
    EventType("person.address_removed", N_("%(who)s removed an address."), NOTHING, private=("address",)),
    EventType("person.payment_method_saved", N_("%(who)s saved a payment method."), NOTHING, enums=("method",)),
    EventType("person.payment_method_removed", N_("%(who)s removed a payment method."), NOTHING, enums=("method",)),
    EventType("person.main_address_changed", N_("%(who)s set a new main address."), NOTHING),
)
