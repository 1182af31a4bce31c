"""Events of a professional's approval and of documents."""

from app.core.admin_audience import PEOPLE_TOPIC
from app.core.cache_tags import CARDS, NOTHING, PROFESSIONALS, SLOTS
from app.core.event_types import EventFamily, EventType, NotificationRule, record_field
from app.core.i18n import N_

FAMILIES = (EventFamily("document", N_("Papers"), admin_topic=PEOPLE_TOPIC),)
EVENTS = (
    EventType(
        "person.approved",
        N_("%(who)s approved the account for work."),
        (SLOTS, PROFESSIONALS, CARDS),
        enums=("standing", "kind"),
        notifies=(NotificationRule("work_approved", record_field("id")),),
        carries=("kind",),
    ),
    EventType(
        "person.denied",
        N_("%(who)s denied the account."),
        NOTHING,
        enums=("standing", "kind"),
        notifies=(NotificationRule("work_denied", record_field("id")),),
        carries=("kind",),
    ),
    EventType(
        "person.change_approved",
        N_("%(who)s approved what was new."),
        (SLOTS, PROFESSIONALS, CARDS),
        enums=("standing", "kind"),
        notifies=(NotificationRule("change_approved", record_field("id")),),
        carries=("kind",),
    ),
    EventType(
        "person.change_denied",
        N_("%(who)s denied what was new."),
        NOTHING,
        enums=("standing", "kind"),
        notifies=(NotificationRule("work_denied", record_field("id")),),
        carries=("kind",),
    ),
    EventType("person.asked_again", N_("%(who)s asked to be checked again."), NOTHING, enums=("standing",)),
    EventType("person.services_changed", N_("%(who)s changed the services offered."), (SLOTS, PROFESSIONALS, CARDS)),
    EventType("person.work_changed", N_("%(who)s changed trade or years."), (SLOTS, PROFESSIONALS)),
    EventType("person.moved_home", N_("%(who)s moved home."), (SLOTS, PROFESSIONALS)),
    EventType("document.submitted", N_("%(who)s sent the paper."), NOTHING, enums=("kind",)),
    EventType("document.approved", N_("%(who)s approved the paper."), (SLOTS, PROFESSIONALS, CARDS), enums=("kind",)),
    EventType("document.denied", N_("%(who)s denied the paper."), NOTHING, enums=("kind",)),
    EventType("document.replaced", N_("%(who)s put a newer paper in its place."), NOTHING, enums=("kind",)),
    EventType("document.seen", N_("%(who)s looked at the paper."), NOTHING, enums=("how",), is_view=True),
    EventType(
        "document.expiry_warned",
        N_("%(who)s told its owner that the paper runs out."),
        NOTHING,
        enums=("kind",),
        notifies=(NotificationRule("paper_running_out", record_field("professional_id")),),
        carries=("kind", "days", "until"),
    ),
    EventType("document.erased", N_("%(who)s erased the file."), NOTHING, enums=("kind",)),
)
