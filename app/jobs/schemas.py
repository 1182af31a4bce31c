"""Forms of a professional about a job."""

from typing import Annotated

from msgspec import Meta, Struct

from app.core.i18n import N_


class MaybeReason(Struct):
    """Optional reason for passing on an offer."""

    reason: Annotated[str, Meta(max_length=300, extra={"error": N_("At most 300 characters, please.")})] = ""


class Reason(Struct):
    reason: Annotated[
        str, Meta(min_length=3, max_length=300, extra={"error": N_("Say why in a few words: the customer reads it.")})
    ]


class CodeEntry(Struct):
    code: Annotated[str, Meta(max_length=64, extra={"error": N_("Six digits, please.")})]


class NewExtra(Struct):
    text: Annotated[
        str,
        Meta(min_length=3, max_length=300, extra={"error": N_("Say what you would do, in at most 300 characters.")}),
    ]
    price: Annotated[str, Meta(max_length=20, extra={"error": N_("Rupees, please, such as 250 or 99.50.")})]
