"""Services in the JSON API."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from app.catalog.repository import ServiceDetails
from app.catalog.schemas import (
    MAX_DESCRIPTION_LENGTH,
    MAX_HORIZON_DAYS,
    MAX_LINE_LENGTH,
    MAX_LINES,
    MAX_MINUTES,
    MAX_NAME_LENGTH,
    MAX_NOTICE_MINUTES,
    MIN_MINUTES,
)
from app.core import money
from app.core.api_types import Body, Id, Paise, Price

Name = Annotated[
    str, Meta(min_length=1, max_length=MAX_NAME_LENGTH, description="What it is called.", examples=["Tap repair"])
]
Description = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_DESCRIPTION_LENGTH,
        description="What is done, in a sentence or two.",
        examples=["The plumber finds the leak and closes it."],
    ),
]
CategorySlug = Annotated[
    str, Meta(min_length=1, max_length=MAX_NAME_LENGTH, description="Slug of the category.", examples=["plumbing"])
]
Minutes = Annotated[
    int, Meta(ge=MIN_MINUTES, le=MAX_MINUTES, description="Minutes that the work takes.", examples=[60])
]
Mode = Annotated[
    Literal["instant", "offer", "quote"], Meta(description="How it is booked; quote: a visit.", examples=["instant"])
]
Lines = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=MAX_LINE_LENGTH)]],
    Meta(max_length=MAX_LINES, description="What is part of it, a line each.", examples=[["Finding the leak"]]),
]
Missing = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=MAX_LINE_LENGTH)]],
    Meta(max_length=MAX_LINES, description="What is not part of it, a line each.", examples=[["New taps"]]),
]
Notice = Annotated[
    int,
    Meta(ge=0, le=MAX_NOTICE_MINUTES, description="Minutes between booking and the earliest start.", examples=[120]),
]
Horizon = Annotated[int, Meta(ge=1, le=MAX_HORIZON_DAYS, description="Days ahead that can be booked.", examples=[7])]


class ServiceJson(Struct, kw_only=True):
    """A service of the catalogue."""

    id: Id
    name: Name
    description: Description
    category: CategorySlug
    price: Price
    price_paise: Paise
    time_required: Minutes
    offered: Annotated[bool, Meta(description="False once it is no longer offered.", examples=[True])]


class ServiceBody(Body):
    """A new service."""

    name: Name
    description: Description
    category: CategorySlug
    price: Price
    time_required: Minutes
    mode: Mode = "instant"
    included: Lines = []
    excluded: Missing = []
    notice_minutes: Notice = 120
    horizon_days: Horizon = 7


class ServiceChange(Body):
    """Changes of a service; omitted fields keep their values."""

    name: Name | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    category: CategorySlug | UnsetType = UNSET
    price: Price | UnsetType = UNSET
    time_required: Minutes | UnsetType = UNSET
    mode: Mode | UnsetType = UNSET
    included: Lines | UnsetType = UNSET
    excluded: Missing | UnsetType = UNSET
    notice_minutes: Notice | UnsetType = UNSET
    horizon_days: Horizon | UnsetType = UNSET


def service_json(service: ServiceDetails) -> ServiceJson:
    return ServiceJson(
        id=service.id,
        name=service.name,
        description=service.description,
        category=service.category.slug,
        price=money.format_decimal(service.price),
        price_paise=service.price,
        time_required=service.minutes,
        offered=not service.retired,
    )
