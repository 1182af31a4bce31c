"""What an invoice is made of: the booking and its people as they are now, and what the ledger says."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.invoices.supplier import DEFAULT_PARTY, Party
from app.payments.ledger import LedgerTransaction
from app.payments.tax import TaxRule

# What the customer pays with; coupons are paid by Doorstep in the customer's place.
PAYING_ACCOUNTS = ("gateway", "receivable", "customer_funds", "credit", "coupons")
CREDIT_ACCOUNTS = ("customer_funds", "credit")
EARNING_ACCOUNTS = ("earnings", "payout_held")


@dataclass(frozen=True, slots=True)
class BookingFacts:
    """Money in paise. `extras` are (text, price) of what the customer approved; `tip` is what was tipped so far."""

    reference: str
    service: str
    price: int
    starts_at: datetime
    customer_id: int
    customer: Party
    state: str
    professional: Party | None = None
    extras: Sequence[tuple[str, int]] = ()
    tip: int = 0
    doorstep: Party = DEFAULT_PARTY


@dataclass(slots=True)
class Movement:
    """The sums of some transactions of the ledger, as positive paise for what a customer pays or gets back."""

    transaction_ids: list[int] = field(default_factory=list)
    professional_id: int | None = None
    paid: int = 0
    coupon: int = 0
    credit: int = 0
    earning: int = 0
    commission: int = 0
    tax: int = 0
    commission_tax: int = 0
    rule: TaxRule | None = None

    def add(self, transaction: LedgerTransaction, rule: TaxRule | None, sign: int = 1) -> None:
        """`sign` is -1 for a refund."""
        self.transaction_ids.append(transaction.id)
        self.rule = rule
        for entry in transaction.entries:
            if entry.account in PAYING_ACCOUNTS:
                self.paid += sign * entry.amount
            if entry.account == "coupons":
                self.coupon += sign * entry.amount
            if entry.account in CREDIT_ACCOUNTS:
                self.credit += sign * entry.amount
            if entry.account in EARNING_ACCOUNTS:
                self.earning -= sign * entry.amount
                self.professional_id = entry.person_id
            if entry.account == "commission":
                self.commission -= sign * entry.amount
            if entry.account == "tax" and entry.person_id is None:
                self.tax -= sign * entry.amount
            if entry.account == "tax" and entry.person_id is not None:
                self.commission_tax -= sign * entry.amount


def movement_of(transactions: Iterable[tuple[LedgerTransaction, TaxRule | None]], sign: int = 1) -> Movement:
    movement = Movement()
    for transaction, rule in transactions:
        movement.add(transaction, rule, sign)
    return movement
