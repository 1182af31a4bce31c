"""The shapes of what programs send and read: strict bodies, lists by key."""

from typing import Annotated, Generic, TypeVar

from msgspec import Meta, Struct

from app.kit.paging import MOST
from app.kit.words import N_

T = TypeVar("T")


class Body(Struct, forbid_unknown_fields=True, kw_only=True):
    """What a program sends: no field that we do not know, every type as it is written."""


class Listed(Struct, Generic[T], kw_only=True):
    """One page of a list; `next` goes into ?after=, null on the last page."""

    items: list[T]
    next: Annotated[
        str | None,
        Meta(description="Cursor of the next page for `after`; null on the last page.", examples=["WzEyLDIwXQ", None]),
    ]


class Paged(Struct, kw_only=True):
    """The query of every list."""

    limit: Annotated[
        int, Meta(ge=1, le=MOST, description="Items on a page.", examples=[20], extra={"error": N_("From 1 to 100.")})
    ] = 20
    after: Annotated[str, Meta(max_length=1000, description="`next` of the page before.", examples=["WzEyLDIwXQ"])] = ""
