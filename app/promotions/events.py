"""Events of coupons, and of credit that is added to a customer's account."""

from app.core.cache_tags import NOTHING
from app.core.event_types import EventFamily, EventType, NotificationRule, fact
from app.core.i18n import N_

FAMILIES = (EventFamily("coupon", N_("Coupons")),)
LABELS = {
    "kind": N_("the kind"),
    "value": N_("the value"),
    "cap": N_("the most it takes off"),
    "first_visit": N_("for the first visit only"),
}
EVENTS = (
    EventType("coupon.created", N_("%(who)s added the coupon."), NOTHING, labels=LABELS),
    EventType("coupon.ended", N_("%(who)s ended the coupon."), NOTHING),
    EventType(
        "booking.credit_added",
        N_("%(who)s added credit."),
        NOTHING,
        labels={"amount": N_("the amount")},
        hidden=("recipients", "credit_reason"),
        notifies=(NotificationRule("credit_added", fact("recipients")),),
        carries=("amount", "credit_reason"),
    ),
)
