"""The one source of the labels of states, cancellations, charges and ledger lines, for Python and for templates.

Each maps a stored value to a text marked for translation: `_(ADMIN_STATES[booking.state])`. Templates read this module
as `booking_labels` (app/services.py); templates/shared/booking_labels.html adds colours and icons.
"""

from collections.abc import Mapping

from app.core.i18n import N_, _

CUSTOMER_STATES = {
    "held": N_("Waiting for payment"),
    "requested": N_("Finding a professional"),
    "assigned": N_("Accepted"),
    "departed": N_("On the way"),
    "arrived": N_("At your door"),
    "started": N_("In progress"),
    "completed": N_("Done"),
    "closed": N_("Done"),
    "cancelled": N_("Cancelled"),
}
PROFESSIONAL_STATES = {**CUSTOMER_STATES, "arrived": N_("You're at the door")}
ADMIN_STATES = {
    **CUSTOMER_STATES,
    "requested": N_("Unassigned"),
    "arrived": N_("At the door"),
    "closed": N_("Closed"),
}
# What an admin filters bookings by, beyond a state.
ADMIN_STATE_FILTERS = {
    **ADMIN_STATES,
    "completed": N_("Completed, not closed"),
    "open": N_("All open"),
    "done": N_("Done"),
}
CANCELLATIONS = {
    "customer": N_("Cancelled by the customer"),
    "platform": N_("Cancelled by Doorstep"),
    "unfilled": N_("No professional found"),
    "expired": N_("Not paid in time"),
    "no_show": N_("No answer at the door"),
    "professional_absent": N_("Professional didn't arrive"),
}
EXTRA_STATES = {
    "proposed": N_("Waiting for approval"),
    "approved": N_("Approved"),
    "refused": N_("Declined"),
}
FLAG_FILTERS = {
    "yes": N_("Possible self-bookings"),
    "pending": N_("Possible self-bookings to check"),
    "counts": N_("Self-booking checked: review counts"),
    "excluded": N_("Self-booking checked: review doesn't count"),
}
PAYMENT_METHODS = {
    "card": N_("Card"),
    "upi": N_("UPI"),
    "after": N_("Pay after the job"),
    "credit": N_("Credit"),
    "coupon": N_("Coupon"),
}
CHARGE_PURPOSES = {"booking": N_("the booking"), "extra": N_("extra work"), "fee": N_("fee")}
CHARGE_STATES = {
    "needs_code": N_("waiting for the bank’s code"),
    "timed_out": N_("no response from the bank"),
    "declined": N_("declined"),
    "authorised": N_("authorised"),
    "captured": N_("charged"),
    "released": N_("released"),
    "due": N_("due"),
    "paid": N_("paid"),
    "refunded": N_("refunded"),
}
LEDGER_ACCOUNTS = {
    "revenue": N_("Revenue"),
    "commission": N_("Commission"),
    "earnings": N_("Earnings"),
    "payout_held": N_("Earnings on hold"),
    "gateway": N_("Payments received"),
    "receivable": N_("Receivable"),
    "hold": N_("Authorised"),
    "hold_contra": N_("Authorised (contra)"),
    "tips": N_("Tips"),
    "payouts": N_("Payouts in progress"),
    "customer_funds": N_("Customer funds"),
    "credit": N_("Credit"),
    "coupons": N_("Coupons"),
    "guarantee": N_("Guarantee"),
    "tax": N_("Tax"),
    "tax_collected": N_("Tax collected at source"),
    "tax_withheld": N_("Tax withheld"),
    "chargebacks": N_("Chargebacks"),
    "gateway_fees": N_("Gateway fees"),
}
LEDGER_KINDS = {
    "authorise": N_("Authorised"),
    "capture": N_("Charged"),
    "release": N_("Released"),
    "fee": N_("Fee"),
    "refund": N_("Refunded"),
    "receivable": N_("Payment due"),
    "settle": N_("Paid after the job"),
    "payout_free": N_("Payout released"),
    "tip": N_("Tip"),
    "redo": N_("Redo"),
    "credit": N_("Credit added"),
    "credit_use": N_("Paid with credit"),
    "credit_return": N_("Credit restored"),
    "payout": N_("Payout"),
    "payout_paid": N_("Payout paid"),
    "payout_failed": N_("Payout failed"),
    "withheld": N_("Payout withheld"),
    "withholding_released": N_("Withheld payout released"),
}


def translated(labels: Mapping[str, str]) -> dict[str, str]:
    """All `labels` of a mapping above in the reader's language."""
    return {value: _(label) for value, label in labels.items()}
