"""Base types of the JSON API: strict request bodies, pages of a list, and common fields."""

from datetime import datetime
from typing import Annotated, Generic, TypeVar

from msgspec import Meta, Struct

from app.core.i18n import N_
from app.core.paging import MAX_CURSOR_LENGTH, MAX_PAGE_SIZE

T = TypeVar("T")
Price = Annotated[
    str,
    Meta(
        description="Amount in rupees with 2 decimals.",
        examples=["149.00"],
        pattern="^[0-9]{1,9}\\.[0-9]{2}$",
    ),
]
TypedPrice = Annotated[
    str,
    Meta(
        max_length=60,
        description="Amount in rupees, as text.",
        examples=["149.00"],
        extra={"error": N_('Send the amount in rupees as text, such as "149.00".')},
    ),
]
Paise = Annotated[int, Meta(ge=0, description="The same amount in paise.", examples=[14900])]
Id = Annotated[int, Meta(ge=1, le=2**63 - 1, description="ID of the record.", examples=[12])]
Moment = Annotated[
    datetime,
    Meta(tz=True, description="Date and time in ISO 8601 with offset.", examples=["2026-11-24T10:00:00+05:30"]),
]


class Body(Struct, forbid_unknown_fields=True, kw_only=True):
    """A request body; unknown fields and wrong types are refused."""


class Listed(Struct, Generic[T], kw_only=True):
    """A page of a list. Send `next` as ?after= to get the next page; it is null on the last page."""

    items: Annotated[list[T], Meta(description="The records on this page.", examples=[[]])]
    next: Annotated[
        str | None,
        Meta(description="Value of `after` for the next page; null on the last page.", examples=["WzEyLDIwXQ", None]),
    ]


class Paged(Struct, kw_only=True):
    """The query parameters of every list."""

    limit: Annotated[
        int,
        Meta(
            ge=1,
            le=MAX_PAGE_SIZE,
            description="Maximum number of items on a page.",
            examples=[20],
            extra={"error": N_("Enter a number from 1 to 100.")},
        ),
    ] = 20
    after: Annotated[
        str, Meta(max_length=MAX_CURSOR_LENGTH, description="`next` of the previous page.", examples=["WzEyLDIwXQ"])
    ] = ""
