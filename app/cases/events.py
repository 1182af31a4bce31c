"""Events of cases, each of the case's booking. Words are in the case's rows alone, which are deleted later."""

from app.core.cache_tags import NOTHING, SLOTS
from app.core.event_types import EventType, NotificationRule, fact, record_field
from app.core.i18n import N_

NOTIFIED = fact("notified")  # the sides that are notified
LABELS = {"case": N_("the case"), "topic": N_("the topic"), "side": N_("whose case")}
HIDDEN = ("notified",)

EVENTS = (
    EventType(
        "booking.case_opened",
        N_("%(who)s opened a case."),
        NOTHING,
        labels=LABELS,
        hidden=HIDDEN,
        enums=("topic", "side"),
        notifies=(NotificationRule("case_opened", NOTIFIED),),
        carries=("case", "side"),
    ),
    EventType(
        "booking.case_message",
        N_("%(who)s wrote in a case."),
        NOTHING,
        labels=LABELS,
        hidden=HIDDEN,
        notifies=(NotificationRule("case_message", NOTIFIED),),
        carries=("case",),
    ),
    EventType("booking.case_assigned", N_("%(who)s took a case."), NOTHING, labels=LABELS, hidden=HIDDEN),
    EventType(
        "booking.case_decided",
        N_("%(who)s decided a case."),
        NOTHING,
        labels=LABELS
        | {
            "outcomes": N_("the outcome"),
            "amount": N_("the amount"),
            "withheld": N_("what is withheld"),
            "payout_released": N_("what is no longer withheld"),
        },
        hidden=HIDDEN,
        enums=("outcomes",),
        notifies=(NotificationRule("case_decided", NOTIFIED),),
        carries=("case",),
    ),
    EventType(
        "booking.case_reopened",
        N_("%(who)s opened a decided case again."),
        NOTHING,
        labels=LABELS | {"only_admin": N_("by the only admin, who had decided")},
        hidden=HIDDEN,
        notifies=(NotificationRule("case_reopened", NOTIFIED),),
        carries=("case",),
    ),
    EventType(
        "booking.redo_granted",
        N_("%(who)s arranged a second visit at no price."),
        (SLOTS,),
        labels={"redo_of": N_("the first visit")},
        hidden=("service_id",),
        private=("address", "note"),
        enums=("state",),
        notifies=(
            NotificationRule("booking_redo", record_field("customer_id")),
            NotificationRule("job_asked", record_field("requested_professional_id")),
        ),
        webhook="booking.requested",
        changes_calendar=True,
    ),
)
