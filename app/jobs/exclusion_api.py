"""JSON API: a professional wants no more jobs of a customer, or wants them again (W41)."""

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.jobs.exclusions import exclude_customer
from app.jobs.schemas import SwitchBody
from app.web.api import json_response, read_body
from app.web.guards import only
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc

EXCLUDE_CUSTOMER = Doc(
    summary="Get no more offers of this job's customer, or get them again",
    tag="Bookings",
    body=SwitchBody,
    path={"ref": "Reference of the booking."},
    responses={200: SwitchBody},
    error_statuses=(409,),
)


class ExclusionApi(Controller):
    path = "/api/jobs/{ref:str}/exclusion"

    @post(name="api_exclude_customer", opt=only("professional", api=True, doc=EXCLUDE_CUSTOMER))
    async def create(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        body = await read_body(request, SwitchBody)
        await exclude_customer(db, me, ref, on=body.on == "yes")
        return json_response(body)
