"""The forms of accounts, one Struct per action. Fields may be empty, so that all errors are reported at once."""

from dataclasses import replace
from typing import Annotated, Literal

from msgspec import Meta, Struct

from app.accounts.address_details import NO_DETAILS, AddressDetails
from app.accounts.contact_fields import MAX_ADDRESS_LENGTH, MAX_EMAIL_LENGTH, MAX_NAME_LENGTH, MAX_PHONE_LENGTH
from app.accounts.password import MAX_PASSWORD_LENGTH
from app.core.i18n import N_

TOO_LONG = N_("That's too long. Shorten it.")
Name = Annotated[str, Meta(max_length=MAX_NAME_LENGTH, extra={"error": TOO_LONG})]
Email = Annotated[str, Meta(max_length=MAX_EMAIL_LENGTH, extra={"error": TOO_LONG})]
Phone = Annotated[str, Meta(max_length=MAX_PHONE_LENGTH, extra={"error": TOO_LONG})]
Password = Annotated[str, Meta(max_length=MAX_PASSWORD_LENGTH, extra={"error": TOO_LONG})]
Line = Annotated[str, Meta(max_length=MAX_ADDRESS_LENGTH, extra={"error": TOO_LONG})]
Detail = Annotated[str, Meta(max_length=1_000, extra={"error": TOO_LONG})]  # its reader says how long it may be
PincodeText = Annotated[str, Meta(max_length=40, extra={"error": TOO_LONG})]


class NewCustomer(Struct, kw_only=True):
    full_name: Name = ""
    email: Email = ""
    phone: Phone = ""
    password: Password = ""
    address: Line = ""
    pincode: PincodeText = ""


class NewPerson(Struct, kw_only=True):
    """What an account whose address is proven still needs."""

    full_name: Name = ""
    phone: Phone = ""
    address: Line = ""
    pincode: PincodeText = ""


class Credentials(Struct, kw_only=True):
    email: Email = ""
    password: Password = ""
    next: str = ""


class Forgotten(Struct, kw_only=True):
    email: Email = ""


class NewPassword(Struct, kw_only=True):
    password: Password = ""


class PasswordChange(Struct, kw_only=True):
    current_password: Password = ""
    password: Password = ""


class EmailChange(Struct, kw_only=True):
    email: Email = ""
    current_password: Password = ""


class Details(Struct, kw_only=True):
    """`share_phone` "", `gstin` and `business_name` None leave those as they are."""

    full_name: Name = ""
    phone: Phone = ""
    share_phone: Annotated[Literal["", "yes", "no"], Meta(extra={"error": N_("Choose yes or no.")})] = ""
    gstin: Detail | None = None
    business_name: Detail | None = None


class NewAddress(Struct, kw_only=True):
    """A detail that is not sent stays as it is."""

    address: Line = ""
    pincode: PincodeText = ""
    label: Detail | None = None
    floor: Detail | None = None
    landmark: Detail | None = None
    contact_name: Detail | None = None
    contact_phone: Detail | None = None

    def details(self, current: AddressDetails = NO_DETAILS) -> AddressDetails:
        """The details as typed, over the `current` ones."""
        sent = {name: getattr(self, name) for name in ("label", "floor", "landmark", "contact_name", "contact_phone")}
        return replace(current, **{name: text for name, text in sent.items() if text is not None})
