"""Forms and bodies of bank accounts and payouts."""

from typing import Annotated

from msgspec import Meta, Struct

from app.accounts.contact_fields import MAX_NAME_LENGTH, MAX_REASON_LENGTH
from app.billing.bank_accounts import MAX_TYPED_LENGTH, TypedAccount
from app.core.api_types import Body, Id
from app.core.i18n import N_

Holder = Annotated[
    str, Meta(max_length=MAX_NAME_LENGTH, description="Name of the account's holder.", examples=["Mani Raj"])
]
Number = Annotated[
    str, Meta(max_length=MAX_TYPED_LENGTH, description="Account number, 9 to 18 digits.", examples=["000123456789"])
]
Ifsc = Annotated[str, Meta(max_length=MAX_TYPED_LENGTH, description="IFSC of the branch.", examples=["SBIN0000300"])]
UpiId = Annotated[
    str, Meta(max_length=MAX_TYPED_LENGTH, description="UPI ID, in place of number and IFSC.", examples=["mani@okaxis"])
]
Day = Annotated[
    str,
    Meta(
        max_length=64,
        description="The last day that counts; it is over.",
        examples=["2026-11-29"],
        extra={"error": N_("Enter a day that is over.")},
    ),
]
ProfessionalId = Annotated[
    Id, Meta(description="The professional.", examples=[12], extra={"error": N_("Choose a professional.")})
]
Reference = Annotated[str, Meta(max_length=120, description="The bank's reference.", examples=["UTR000123456789"])]
Reason = Annotated[
    str,
    Meta(
        max_length=MAX_REASON_LENGTH,
        description="The professional reads it exactly as you write it.",
        examples=["The bank says that the account is closed."],
    ),
]


class BankAccountForm(Struct, kw_only=True):
    """A bank account or a UPI ID."""

    holder: Holder = ""
    number: Number = ""
    ifsc: Ifsc = ""
    upi_id: UpiId = ""

    def typed(self) -> TypedAccount:
        return TypedAccount(self.holder, self.number, self.ifsc, self.upi_id)


class BankAccountBody(Body, kw_only=True):
    """A bank account or a UPI ID to be paid out to."""

    holder: Holder
    number: Number = ""
    ifsc: Ifsc = ""
    upi_id: UpiId = ""

    def typed(self) -> TypedAccount:
        return TypedAccount(self.holder, self.number, self.ifsc, self.upi_id)


class RunBody(Body):
    """A payout run until the end of a day."""

    until: Day


class PaidBody(Body):
    """What the bank paid."""

    professional_id: ProfessionalId
    reference: Reference


class FailedBody(Body):
    """What the bank could not pay."""

    professional_id: ProfessionalId
    reason: Reason
