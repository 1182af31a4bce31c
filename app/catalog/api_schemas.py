"""Services in the JSON API."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from app.catalog.repository import ServiceDetails
from app.catalog.schemas import (
    MAX_ANSWER_LENGTH,
    MAX_DESCRIPTION_LENGTH,
    MAX_GUARANTEE_LENGTH,
    MAX_HORIZON_DAYS,
    MAX_LINE_LENGTH,
    MAX_LINES,
    MAX_MINUTES,
    MAX_NAME_LENGTH,
    MAX_NOTICE_MINUTES,
    MAX_PARTS_LENGTH,
    MAX_QUESTIONS,
    MIN_MINUTES,
)
from app.core import money
from app.core.api_types import Body, Id, Paise, Price, TypedPrice

Name = Annotated[
    str, Meta(min_length=1, max_length=MAX_NAME_LENGTH, description="Name of the service.", examples=["Tap repair"])
]
Description = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_DESCRIPTION_LENGTH,
        description="What the professional does, in 1 or 2 sentences.",
        examples=["The plumber finds the leak and closes it."],
    ),
]
CategorySlug = Annotated[
    str, Meta(min_length=1, max_length=MAX_NAME_LENGTH, description="Slug of the category.", examples=["plumbing"])
]
Minutes = Annotated[
    int, Meta(ge=MIN_MINUTES, le=MAX_MINUTES, description="Duration of the job in minutes.", examples=[60])
]
Mode = Annotated[
    Literal["instant", "offer", "quote"],
    Meta(description="Booking type; `quote` is a visit to agree on a price.", examples=["instant"]),
]
Lines = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=MAX_LINE_LENGTH)]],
    Meta(max_length=MAX_LINES, description="What is included, one line each.", examples=[["Finding the leak"]]),
]
Missing = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=MAX_LINE_LENGTH)]],
    Meta(max_length=MAX_LINES, description="What is not included, one line each.", examples=[["New taps"]]),
]
Parts = Annotated[
    str,
    Meta(
        max_length=MAX_PARTS_LENGTH,
        description="Who brings and pays parts and material; empty if nothing is said.",
        examples=["Washers and tape are brought along. Larger parts are bought only once you agree to the price."],
    ),
]
Preparation = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=MAX_LINE_LENGTH)]],
    Meta(
        max_length=MAX_LINES,
        description="What the customer does before the visit, one line each.",
        examples=[["Clear the space under the sink"]],
    ),
]
Guarantee = Annotated[
    str,
    Meta(
        max_length=MAX_GUARANTEE_LENGTH,
        description="The guarantee in words; empty if there is none.",
        examples=["14 days from completion."],
    ),
]


class QuestionJson(Body):
    """A question that customers ask about a service, with its answer."""

    question: Annotated[
        str,
        Meta(min_length=1, max_length=MAX_LINE_LENGTH, description="The question.", examples=["Must I be at home?"]),
    ]
    answer: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=MAX_ANSWER_LENGTH,
            description="The answer.",
            examples=["Yes, to read out the start code and the finish code."],
        ),
    ]


Questions = Annotated[
    list[QuestionJson],
    Meta(
        max_length=MAX_QUESTIONS,
        description="Questions and answers in the order in which they are shown.",
        examples=[[{"question": "Must I be at home?", "answer": "Yes, to read out the codes."}]],
    ),
]
Notice = Annotated[
    int,
    Meta(
        ge=0,
        le=MAX_NOTICE_MINUTES,
        description="Minimum notice in minutes between booking and start. It is never less than 20 minutes.",
        examples=[120],
    ),
]
Horizon = Annotated[
    int, Meta(ge=1, le=MAX_HORIZON_DAYS, description="How many days ahead customers can book.", examples=[7])
]


class ServiceJson(Struct, kw_only=True):
    """A service of the catalogue."""

    id: Id
    name: Name
    description: Description
    category: CategorySlug
    price: Price
    price_paise: Paise
    time_required: Minutes
    included: Lines
    excluded: Missing
    parts: Parts
    preparation: Preparation
    guarantee: Guarantee
    questions: Questions
    offered: Annotated[bool, Meta(description="False if the service is retired.", examples=[True])]


class ServiceBody(Body):
    """A new service."""

    name: Name
    description: Description
    category: CategorySlug
    price: TypedPrice
    time_required: Minutes
    mode: Mode = "instant"
    included: Lines = []
    excluded: Missing = []
    parts: Parts = ""
    preparation: Preparation = []
    guarantee: Guarantee = ""
    questions: Questions = []
    notice_minutes: Notice = 120
    horizon_days: Horizon = 7


class ServiceChange(Body):
    """Changes to a service; omitted fields keep their values."""

    name: Name | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    category: CategorySlug | UnsetType = UNSET
    price: TypedPrice | UnsetType = UNSET
    time_required: Minutes | UnsetType = UNSET
    mode: Mode | UnsetType = UNSET
    included: Lines | UnsetType = UNSET
    excluded: Missing | UnsetType = UNSET
    parts: Parts | UnsetType = UNSET
    preparation: Preparation | UnsetType = UNSET
    guarantee: Guarantee | UnsetType = UNSET
    questions: Questions | UnsetType = UNSET
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
        included=service.included,
        excluded=service.excluded,
        parts=service.parts,
        preparation=service.preparation,
        guarantee=service.guarantee,
        questions=[QuestionJson(question=question, answer=answer) for question, answer in service.questions],
        offered=not service.retired,
    )
