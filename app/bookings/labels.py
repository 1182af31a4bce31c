"""Labels of states, cancellations, payment methods and ledger lines, as admins read them.

The same labels in templates: templates/shared/booking_labels.html.
"""

from app.core.i18n import _


def admin_state_labels() -> dict[str, str]:
    return {
        "held": _("Waiting for payment"),
        "requested": _("Unassigned"),
        "assigned": _("Accepted"),
        "started": _("In progress"),
        "completed": _("Completed, not closed"),
        "closed": _("Closed"),
        "cancelled": _("Cancelled"),
        "open": _("All open"),
        "done": _("Done"),
    }


def admin_cancellation_labels() -> dict[str, str]:
    return {
        "customer": _("Cancelled by the customer"),
        "platform": _("Cancelled by Doorstep"),
        "unfilled": _("No professional found"),
        "expired": _("Not paid in time"),
        "no_show": _("No answer at the door"),
        "professional_absent": _("Professional didn't arrive"),
    }


def payment_method_labels() -> dict[str, str]:
    return {"card": _("Card"), "upi": _("UPI"), "after": _("Pay after the job")}


def ledger_account_labels() -> dict[str, str]:
    return {
        "revenue": _("Revenue"),
        "commission": _("Commission"),
        "earnings": _("Earnings"),
        "payout_held": _("Earnings on hold"),
        "gateway": _("Payments received"),
        "receivable": _("Receivable"),
        "hold": _("Authorised"),
        "hold_contra": _("Authorised (contra)"),
    }


def ledger_kind_labels() -> dict[str, str]:
    return {
        "authorise": _("Authorised"),
        "capture": _("Charged"),
        "release": _("Released"),
        "fee": _("Fee"),
        "refund": _("Refunded"),
        "receivable": _("Payment due"),
        "settle": _("Paid after the job"),
        "payout_free": _("Payout released"),
    }
