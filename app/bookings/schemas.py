"""What customers send: one struct per form."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from app.accounts.contact_fields import parse_address_line, parse_pincode
from app.core.datetimes import YEARS, parse_moment
from app.core.errors import Invalid
from app.core.i18n import N_, _
from app.core.validation import FieldError, collect

MAX_NOTE_LENGTH = 500

Id = Annotated[int, Meta(gt=0, extra={"error": N_("Choose again.")})]
Note = Annotated[str, Meta(max_length=MAX_NOTE_LENGTH, extra={"error": N_("Use 500 characters or fewer.")})]
Line = Annotated[str, Meta(max_length=1_000, extra={"error": N_("Address must be 300 characters or fewer.")})]
Short = Annotated[str, Meta(max_length=64, extra={"error": N_("Check this field.")})]
Key = Annotated[str, Meta(max_length=100, extra={"error": N_("This key is too long.")})]
Why = Annotated[str, Meta(max_length=500, extra={"error": N_("Use 500 characters or fewer.")})]


class NewBooking(Struct, kw_only=True):
    service_id: Id
    start: Annotated[str, Meta(max_length=64, extra={"error": N_("Pick a time.")})]
    address: Line = ""
    address_id: Id | None = None
    pincode: Short = ""
    note: Note = ""
    professional_id: Id | None = None
    idempotency_key: Key = ""


class Details(Struct, kw_only=True):
    address: Line = ""
    note: Note = ""


class Payment(Struct, kw_only=True):
    """The fields besides the instrument, which goes to the bank and nowhere else."""

    idempotency_key: Key = ""


class Cancellation(Struct, kw_only=True):
    """`fee` is the fee that the page showed, in paise."""

    reason: Why = ""
    fee: Annotated[int, Meta(ge=0, extra={"error": N_("Check this field.")})] | None = None


class NewStart(Struct, kw_only=True):
    start: Annotated[str, Meta(max_length=64, extra={"error": N_("Pick a time.")})]
    fee: Annotated[int, Meta(ge=0, extra={"error": N_("Check this field.")})] | None = None


class Answer(Struct, kw_only=True):
    answer: Annotated[str, Meta(max_length=20, extra={"error": N_("Choose an option.")})]


class DisputeText(Struct, kw_only=True):
    text: Annotated[
        str,
        Meta(
            min_length=1, max_length=1_000, extra={"error": N_("Describe what happened in 1,000 characters or fewer.")}
        ),
    ]


def read_start(text: str) -> datetime:
    """ "2026-11-24T10:00" in Asia/Kolkata, or with an offset; aware. Invalid("start") when it cannot be read."""
    moment = parse_moment(text)
    if moment is None:
        raise Invalid({"start": _("We can't read this time. Pick one.")})
    if moment.year not in YEARS:
        raise Invalid({"start": _("That day is too far ahead. Pick an earlier one.")})
    return moment


def read_address(address: str, pincode: str) -> tuple[str, str]:
    """Return (address line, pincode), normalised. Raises Invalid with an error for each invalid field."""
    values = collect({"address": lambda: parse_address_line(address), "pincode": lambda: parse_pincode(pincode)})
    return values["address"], values["pincode"]


def read_address_line(address: str) -> str:
    try:
        return parse_address_line(address)
    except FieldError as error:
        raise Invalid({"address": str(error)}) from error
