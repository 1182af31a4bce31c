"""/api/services/{id}/slots: the free slots of a service."""

from datetime import date
from typing import Annotated

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.contact_fields import parse_pincode
from app.catalog.repository import ServiceRepository
from app.core import cache_tags, clock
from app.core.api_types import Id, Moment
from app.core.errors import Invalid
from app.core.i18n import N_
from app.core.validation import collect
from app.discovery.availability import ServiceAvailability, display_name, load_availability
from app.discovery.invalidation import slots_unchanged_seconds
from app.discovery.pages import customer_id
from app.discovery.slot_selection import read_slot_selection
from app.scheduling.candidate_repository import next_hold_expiry
from app.scheduling.candidates import Candidate
from app.web.api import cacheable_json, read_query, row_id
from app.web.guards import everyone
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc

Pincode = Annotated[
    str,
    Meta(
        pattern="^[1-9][0-9]{5}$",
        description="6-digit pincode.",
        examples=["600020"],
    ),
]
DayText = Annotated[
    date,
    Meta(
        description="A day in Asia/Kolkata.",
        examples=["2026-11-24"],
        extra={"error": N_("We can't read this day. Pick one below.")},
    ),
]


class SlotsQuery(Struct, kw_only=True):
    """Pincode, first day and professional."""

    pincode: Annotated[
        str,
        Meta(
            max_length=40,
            description="6-digit pincode.",
            examples=["600020"],
            extra={"error": N_("Enter a 6-digit pincode, such as 600020.")},
        ),
    ]
    day: DayText | UnsetType = UNSET
    professional: Id | UnsetType = UNSET


class DayJson(Struct, kw_only=True):
    """A day and its free start times."""

    day: DayText
    slots: Annotated[
        list[Moment],
        Meta(description="Free start times in ISO 8601 with offset.", examples=[["2026-11-24T10:00:00+05:30"]]),
    ]


class WorkerJson(Struct, kw_only=True):
    """A professional's public card."""

    id: Id
    name: Annotated[str, Meta(description="Public name: first name and an initial.", examples=["Ravi K."])]
    experience_years: Annotated[int, Meta(ge=0, description="Years of experience.", examples=[8])]
    rating: Annotated[
        float | None, Meta(description="Average rating, 1 to 5; null if there are no reviews yet.", examples=[4.5])
    ]
    reviews: Annotated[int, Meta(ge=0, description="Number of reviews.", examples=[12])]
    jobs: Annotated[int, Meta(ge=0, description="Number of completed jobs.", examples=[30])]


class SlotsJson(Struct, kw_only=True):
    """Free time slots in a pincode; `days` is empty if the service is retired."""

    pincode: Pincode
    place: Annotated[str, Meta(description="Name of the area.", examples=["Adyar"])]
    days: Annotated[list[DayJson], Meta(description="7 days, starting with `day`.", examples=[[]])]
    professionals: Annotated[
        list[WorkerJson],
        Meta(description="Professionals who offer the service in this pincode, nearest first.", examples=[[]]),
    ]


SLOTS = Doc(
    summary="List free time slots in a pincode for 7 days",
    tag="Catalogue",
    query=SlotsQuery,
    path={"service_id": "ID of the service."},
    responses={200: SlotsJson, 304: None},
)


class SlotsApi(Controller):
    path = "/api/services/{service_id:int}/slots"

    @get(name="api_slots", opt=everyone(api=True, doc=SLOTS))
    async def index(
        self,
        request: Request,
        service_id: FromPath[int],
        db: NamedDependency[AsyncSession],
        me: NamedDependency[Me | None],
    ) -> JsonResponse:
        params = read_query(request, SlotsQuery)
        max_age = slots_unchanged_seconds(await next_hold_expiry(db, clock.now()))
        service = await ServiceRepository(db).by_id(row_id(service_id))
        pincode = collect({"pincode": lambda: parse_pincode(params.pincode)})["pincode"]
        fields = {
            name: str(value) for name in params.__struct_fields__ if (value := getattr(params, name)) is not UNSET
        } | {"pincode": pincode}
        selection = read_slot_selection(fields, service, {})
        availability = await load_availability(db, service, selection, customer_id=customer_id(me))
        if availability.errors:
            raise Invalid(availability.errors)
        tags = (cache_tags.SLOTS, cache_tags.SERVICES, cache_tags.REVIEWS, cache_tags.PROFESSIONALS)
        slots = _slots_json(pincode, availability)
        return cacheable_json(request, slots, max_age=max_age, tags=tags)


def _slots_json(pincode: str, availability: ServiceAvailability) -> SlotsJson:
    return SlotsJson(
        pincode=pincode,
        place=availability.area.place if availability.area else "",
        days=[DayJson(day=day.day, slots=list(day.starts)) for day in availability.days],
        professionals=[
            _worker_json(candidate)
            for candidate in (
                [availability.selected_professional] if availability.selected_professional else availability.candidates
            )
        ],
    )


def _worker_json(candidate: Candidate) -> WorkerJson:
    return WorkerJson(
        id=candidate.id,
        name=display_name(candidate),
        experience_years=candidate.experience_years,
        rating=None if candidate.rating is None else round(candidate.rating, 2),
        reviews=candidate.review_count,
        jobs=candidate.job_count,
    )
