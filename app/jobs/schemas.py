"""Forms of a professional about a job."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from app.core.api_types import Body
from app.core.i18n import N_


class MaybeReason(Struct):
    """Optional reason for passing on an offer."""

    reason: Annotated[str, Meta(max_length=300, extra={"error": N_("Use 300 characters or fewer.")})] = ""


class Reason(Struct):
    reason: Annotated[
        str, Meta(min_length=3, max_length=300, extra={"error": N_("Give a short reason. The customer will see it.")})
    ]


Confirmation = Annotated[str, Meta(max_length=20, extra={"error": N_("Check this field.")})]


class Departure(Struct):
    """`early` is "yes" if the professional wants to leave long before the slot (W23)."""

    early: Confirmation = ""


class Delay(Struct):
    """How much later than expected the professional comes (W24)."""

    minutes: Annotated[int, Meta(ge=5, le=60, extra={"error": N_("Enter 5 to 60 minutes.")})]


class Switch(Struct):
    """Whether something is to be so from now on."""

    on: Annotated[Literal["yes", "no"], Meta(extra={"error": N_("Choose an option.")})]


class SwitchBody(Body):
    """Whether something is to be so from now on."""

    on: Annotated[Literal["yes", "no"], Meta(description="Whether it is so from now on.", examples=["yes"])]


class CodeEntry(Struct):
    code: Annotated[str, Meta(max_length=64, extra={"error": N_("Enter 6 digits.")})]


class StartEntry(CodeEntry):
    early: Confirmation = ""


class NewExtra(Struct):
    text: Annotated[
        str,
        Meta(min_length=3, max_length=300, extra={"error": N_("Describe the extra work in 300 characters or fewer.")}),
    ]
    price: Annotated[str, Meta(max_length=20, extra={"error": N_("Enter an amount in rupees, such as 250 or 99.50.")})]
