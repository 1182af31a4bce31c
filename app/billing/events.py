"""Events of payout runs and of bank accounts, which are recorded on their owner."""

from app.core.cache_tags import NOTHING
from app.core.event_types import EventFamily, EventType, NotificationRule, fact, record_field
from app.core.i18n import N_

LABELS = {"amount": N_("the amount"), "people": N_("professionals")}
HIDDEN = ("payout_id",)

FAMILIES = (EventFamily("payout_run", N_("Payouts"), admin_page="/admin/payouts/"),)
EVENTS = (
    EventType("payout_run.created", N_("%(who)s made the payout run."), NOTHING, labels=LABELS),
    EventType("payout_run.file_seen", N_("%(who)s downloaded the file for the bank."), NOTHING, is_view=True),
    EventType(
        "payout_run.payout_paid",
        N_("%(who)s marked a payout as paid."),
        NOTHING,
        labels=LABELS,
        hidden=HIDDEN,
        notifies=(NotificationRule("payout_paid", fact("professional_id")),),
        carries=("payout_id",),
    ),
    EventType(
        "payout_run.payout_failed",
        N_("%(who)s marked a payout as failed."),
        NOTHING,
        labels=LABELS,
        hidden=HIDDEN,
        notifies=(NotificationRule("payout_failed", fact("professional_id")),),
        carries=("payout_id",),
    ),
    EventType(
        "person.bank_account_changed",
        N_("%(who)s changed the bank account for payouts."),
        NOTHING,
        enums=("kind",),
        notifies=(NotificationRule("bank_account_changed", record_field("id")),),
    ),
)
