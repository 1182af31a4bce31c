"""What customers send: one struct per form."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from app.accounts.contact_fields import parse_address_line, parse_pincode
from app.bookings.visit_details import NO_VISIT_DETAILS, VISIT_FIELDS, VisitDetails, read_visit_details
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
Detail = Annotated[str, Meta(max_length=1_000, extra={"error": N_("That's too long. Shorten it.")})]
Why = Annotated[str, Meta(max_length=500, extra={"error": N_("Use 500 characters or fewer.")})]


class VisitFields(Struct, kw_only=True):
    """A detail that is not sent stays as it is."""

    floor: Detail | None = None
    landmark: Detail | None = None
    contact_name: Detail | None = None
    contact_phone: Detail | None = None
    contact_email: Detail | None = None

    def visit(self, current: VisitDetails = NO_VISIT_DETAILS) -> VisitDetails:
        """The details as typed, over the `current` ones."""
        sent = {name: getattr(self, name) for name in VISIT_FIELDS}
        return replace(current, **{name: text for name, text in sent.items() if text is not None})


class NewBooking(VisitFields, kw_only=True):
    """`held`: the reference of the own hold that the form continues."""

    service_id: Id
    start: Annotated[str, Meta(max_length=64, extra={"error": N_("Pick a time.")})]
    address: Line = ""
    address_id: Id | None = None
    pincode: Short = ""
    note: Note = ""
    professional_id: Id | None = None
    held: Short = ""
    idempotency_key: Key = ""


class Details(VisitFields, kw_only=True):
    address: Line = ""
    note: Note = ""


class Payment(Struct, kw_only=True):
    """The fields besides the instrument, which goes to the bank and nowhere else."""

    saved_id: Short = ""
    coupon: Short = ""
    use_credit: Short = ""
    idempotency_key: Key = ""


class Cancellation(Struct, kw_only=True):
    """`fee` is the fee that the page showed, in paise."""

    reason: Why = ""
    fee: Annotated[int, Meta(ge=0, extra={"error": N_("Check this field.")})] | None = None
    as_credit: Short = ""


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


def read_details(details: Details, current: VisitDetails, account_email: str) -> tuple[str, VisitDetails]:
    """Return (address line, visit details); those not sent stay as in `current`. Raises Invalid with every error."""
    errors: dict[str, str] = {}
    line, visit = "", current
    try:
        line = parse_address_line(details.address)
    except FieldError as error:
        errors["address"] = str(error)
    try:
        visit = read_visit_details(details.visit(current), account_email)
    except Invalid as error:
        errors |= error.errors
    if errors:
        raise Invalid(errors)
    return line, visit
