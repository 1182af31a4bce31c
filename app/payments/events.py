"""Events of tips and refunds, recorded on the booking."""

from typing import TYPE_CHECKING, Any

from app.core.cache_tags import NOTHING
from app.core.event_types import EventType, NotificationRule, fact, record_field
from app.core.i18n import N_

if TYPE_CHECKING:
    from app.core.events import Event

LABELS = {
    "amount": N_("the amount"),
    "borne_by": N_("who bears it"),
    "as_credit": N_("as credit"),
    "only_admin": N_("confirmed by the only admin, who had asked for it"),
}
HIDDEN = ("refund_id",)
ENUMS = ("borne_by",)


def _is_shared(event: "Event", _record: Any) -> bool:
    """Whether a professional bears a part."""
    return event.facts.get("borne_by") == "shares"


EVENTS = (
    EventType(
        "booking.tipped",
        N_("%(who)s tipped the professional."),
        NOTHING,
        labels=LABELS,
        notifies=(NotificationRule("job_tipped", fact("professional_id")),),
        webhook="booking.tipped",
    ),
    EventType(
        "booking.refund_requested",
        N_("%(who)s asked for a refund that another admin confirms."),
        NOTHING,
        labels=LABELS,
        hidden=HIDDEN,
        enums=ENUMS,
    ),
    EventType(
        "booking.refunded",
        N_("%(who)s refunded the customer."),
        NOTHING,
        labels=LABELS,
        hidden=HIDDEN,
        enums=ENUMS,
        notifies=(
            NotificationRule("booking_refunded", record_field("customer_id")),
            NotificationRule("job_refunded", fact("professional_id"), when=_is_shared),
        ),
        carries=("refund_id",),
        webhook="booking.refunded",
    ),
    EventType(
        "booking.refund_failed",
        N_("%(who)s sent a refund that failed."),
        NOTHING,
        labels=LABELS,
        hidden=HIDDEN,
        enums=ENUMS,
    ),
    EventType(
        "booking.refund_declined",
        N_("%(who)s declined the refund."),
        NOTHING,
        labels=LABELS,
        hidden=HIDDEN,
        enums=ENUMS,
    ),
)
