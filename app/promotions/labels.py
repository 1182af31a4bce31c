"""What people read of coupons and credit; marked for translation."""

from app.core.i18n import N_
from app.payments.credit import CreditLine

COUPON_STATES = {
    "active": N_("Active"),
    "coming": N_("Not yet valid"),
    "over": N_("Expired"),
    "used_up": N_("Used up"),
    "ended": N_("Ended"),
}
CREDIT_SOURCES = {
    "gateway": N_("A refund that you keep as credit"),
    "guarantee": N_("Sorry that no professional was free"),
    "coupons": N_("A friend's first visit"),
}
CREDIT_KINDS = {
    "credit": N_("Credit added"),
    "refund": N_("A refund"),
    "credit_use": N_("A booking paid with credit"),
    "credit_return": N_("A booking that you paid with credit was cancelled"),
}


def credit_label(line: CreditLine) -> str:
    """A line of a customer's credit, marked for translation."""
    return CREDIT_SOURCES.get(line.source or "", CREDIT_KINDS.get(line.kind, CREDIT_KINDS["credit"]))
