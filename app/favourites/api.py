"""JSON API: a customer's favourites, and the professionals whom they excluded (W41)."""

from typing import Annotated

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.core.api_types import Id, Moment
from app.favourites.favourites import set_favourite
from app.favourites.repository import Favourites
from app.jobs.exclusions import exclude_professional
from app.jobs.schemas import SwitchBody
from app.web.api import json_response, read_body, row_id
from app.web.guards import only
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc

TAG = "Favourites"
PROFESSIONAL = {"person_id": "ID of the professional."}


class FavouriteJson(Struct, kw_only=True):
    """A favourite professional."""

    professional_id: Id
    name: Annotated[str, Meta(description="Public name: first name and an initial.", examples=["Ravi K."])]
    available: Annotated[bool, Meta(description="Whether you can book this professional now.", examples=[True])]
    service_id: Annotated[
        Id | None, Meta(description="A service to book them for; null if not available.", examples=[7, None])
    ]
    added_at: Moment


class ExcludedJson(Struct, kw_only=True):
    """A professional whom you don't want to book again."""

    professional_id: Id
    name: Annotated[str, Meta(description="Public name: first name and an initial.", examples=["Ravi K."])]
    excluded_at: Moment


class FavouritesJson(Struct, kw_only=True):
    """Your favourites, and the professionals whom you excluded."""

    favourites: Annotated[list[FavouriteJson], Meta(description="Available ones first.", examples=[[]])]
    excluded: Annotated[list[ExcludedJson], Meta(description="Excluded by you, latest first.", examples=[[]])]


LIST = Doc(summary="List your favourites and whom you excluded", tag=TAG, responses={200: FavouritesJson})
FAVOUR = Doc(
    summary="Add a professional to your favourites, or remove them",
    tag=TAG,
    body=SwitchBody,
    path=PROFESSIONAL,
    responses={200: SwitchBody},
    error_statuses=(409,),
)
EXCLUDE = Doc(
    summary="Don't be offered a professional again, or be offered them again",
    tag=TAG,
    body=SwitchBody,
    path=PROFESSIONAL,
    responses={200: SwitchBody},
    error_statuses=(409,),
)


class FavouriteApi(Controller):
    path = "/api"

    @get("/favourites", name="api_favourites", opt=only("customer", api=True, doc=LIST))
    async def index(self, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> JsonResponse:
        favourites = Favourites(db, me)
        return json_response(
            FavouritesJson(
                favourites=[
                    FavouriteJson(
                        professional_id=row.professional_id,
                        name=row.name,
                        available=row.is_available,
                        service_id=row.service_id,
                        added_at=row.at,
                    )
                    for row in await favourites.all()
                ],
                excluded=[
                    ExcludedJson(professional_id=row.professional_id, name=row.name, excluded_at=row.at)
                    for row in await favourites.excluded()
                ],
            )
        )

    @post("/professionals/{person_id:int}/favourite", name="api_favour", opt=only("customer", api=True, doc=FAVOUR))
    async def favour(
        self, request: Request, person_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        body = await read_body(request, SwitchBody)
        await set_favourite(db, me, person_id, on=body.on == "yes")
        return json_response(body)

    @post(
        "/professionals/{person_id:int}/exclusion",
        name="api_exclude_professional",
        opt=only("customer", api=True, doc=EXCLUDE),
    )
    async def exclude(
        self, request: Request, person_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        body = await read_body(request, SwitchBody)
        await exclude_professional(db, me, row_id(person_id), on=body.on == "yes")
        return json_response(body)
