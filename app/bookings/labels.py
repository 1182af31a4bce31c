"""Labels of states, cancellations, payment methods and ledger lines, as admins read them.

The same labels in templates: templates/shared/booking_labels.html.
"""

from app.core.i18n import _


def admin_state_labels() -> dict[str, str]:
    return {
        "held": _("Being paid"),
        "requested": _("Waiting for somebody"),
        "assigned": _("Accepted"),
        "started": _("At work"),
        "completed": _("Done, not closed"),
        "closed": _("Closed"),
        "cancelled": _("Cancelled"),
        "open": _("Not over"),
        "done": _("Done"),
    }


def admin_cancellation_labels() -> dict[str, str]:
    return {
        "customer": _("Cancelled by the customer"),
        "platform": _("Cancelled by Doorstep"),
        "unfilled": _("Nobody accepted"),
        "expired": _("Not paid in time"),
        "no_show": _("Nobody at the door"),
        "professional_absent": _("Nobody came"),
    }


def payment_method_labels() -> dict[str, str]:
    return {"card": _("Card"), "upi": _("UPI"), "after": _("After the work")}


def ledger_account_labels() -> dict[str, str]:
    return {
        "revenue": _("Revenue"),
        "commission": _("Commission"),
        "earnings": _("Earnings"),
        "payout_held": _("Earnings held"),
        "gateway": _("Money received"),
        "receivable": _("Owed to us"),
        "hold": _("Authorised"),
        "hold_contra": _("Authorised, other side"),
    }


def ledger_kind_labels() -> dict[str, str]:
    return {
        "authorise": _("Authorised"),
        "capture": _("Charged"),
        "release": _("Let go"),
        "fee": _("Fee"),
        "refund": _("Given back"),
        "receivable": _("Became due"),
        "settle": _("Paid afterwards"),
        "payout_free": _("Payout let go"),
    }
