"""Events of a professional's approval and of documents."""

from app.core.admin_audience import PEOPLE_TOPIC
from app.core.cache_tags import CARDS, NOTHING, PROFESSIONALS, SLOTS
from app.core.event_types import EventFamily, EventType, NotificationRule, record_field
from app.core.i18n import N_

FAMILIES = (EventFamily("document", N_("Documents"), admin_topic=PEOPLE_TOPIC),)
EVENTS = (
    EventType(
        "person.approved",
        N_("%(who)s approved the account."),
        (SLOTS, PROFESSIONALS, CARDS),
        enums=("standing", "kind"),
        notifies=(NotificationRule("work_approved", record_field("id")),),
        carries=("kind",),
    ),
    EventType(
        "person.denied",
        N_("%(who)s rejected the account."),
        NOTHING,
        enums=("standing", "kind"),
        notifies=(NotificationRule("work_denied", record_field("id")),),
        carries=("kind",),
    ),
    EventType(
        "person.change_approved",
        N_("%(who)s approved the changes."),
        (SLOTS, PROFESSIONALS, CARDS),
        enums=("standing", "kind"),
        notifies=(NotificationRule("change_approved", record_field("id")),),
        carries=("kind",),
    ),
    EventType(
        "person.change_denied",
        N_("%(who)s rejected the changes."),
        NOTHING,
        enums=("standing", "kind"),
        notifies=(NotificationRule("work_denied", record_field("id")),),
        carries=("kind",),
    ),
    EventType("person.asked_again", N_("%(who)s reapplied."), NOTHING, enums=("standing",)),
    EventType("person.services_changed", N_("%(who)s changed the services offered."), (SLOTS, PROFESSIONALS, CARDS)),
    EventType(
        "person.work_changed",
        N_("%(who)s changed the trade, years or languages."),
        (SLOTS, PROFESSIONALS),
        enums=("languages",),
    ),
    EventType("person.moved_home", N_("%(who)s changed the home address."), (SLOTS, PROFESSIONALS)),
    EventType("document.submitted", N_("%(who)s uploaded the document."), NOTHING, enums=("kind",)),
    EventType(
        "document.approved", N_("%(who)s approved the document."), (SLOTS, PROFESSIONALS, CARDS), enums=("kind",)
    ),
    EventType("document.denied", N_("%(who)s rejected the document."), NOTHING, enums=("kind",)),
    EventType("document.replaced", N_("%(who)s replaced the document with a newer one."), NOTHING, enums=("kind",)),
    EventType("document.withdrawn", N_("%(who)s removed the photo."), (PROFESSIONALS, CARDS), enums=("kind",)),
    EventType("document.seen", N_("%(who)s viewed the document."), NOTHING, enums=("how",), is_view=True),
    EventType(
        "document.expiry_warned",
        N_("%(who)s sent a document expiry reminder."),
        NOTHING,
        enums=("kind",),
        notifies=(NotificationRule("paper_running_out", record_field("professional_id")),),
        carries=("kind", "days", "until"),
    ),
    EventType("document.erased", N_("%(who)s erased the file."), NOTHING, enums=("kind",)),
)
