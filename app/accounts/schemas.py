"""What people send, one struct per intent. Fields may be empty: all errors are reported at once."""

from typing import Annotated

from msgspec import Meta, Struct

from app.accounts.contact_fields import LONGEST_EMAIL, LONGEST_LINE, LONGEST_NAME, LONGEST_PHONE
from app.accounts.password import LONGEST
from app.core.i18n import N_

TOO_LONG = N_("That is too long.")
Name = Annotated[str, Meta(max_length=LONGEST_NAME, extra={"error": TOO_LONG})]
Email = Annotated[str, Meta(max_length=LONGEST_EMAIL, extra={"error": TOO_LONG})]
Phone = Annotated[str, Meta(max_length=LONGEST_PHONE, extra={"error": TOO_LONG})]
Password = Annotated[str, Meta(max_length=LONGEST, extra={"error": TOO_LONG})]
Line = Annotated[str, Meta(max_length=LONGEST_LINE, extra={"error": TOO_LONG})]
PincodeText = Annotated[str, Meta(max_length=40, extra={"error": TOO_LONG})]


class NewCustomer(Struct, kw_only=True):
    full_name: Name = ""
    email: Email = ""
    phone: Phone = ""
    password: Password = ""
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
    full_name: Name = ""
    phone: Phone = ""


class NewAddress(Struct, kw_only=True):
    address: Line = ""
    pincode: PincodeText = ""
