"""JSON API of the emails about a booking, for admins."""

from typing import Annotated, Literal

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.bookings.repository import Bookings
from app.core.api_types import Id, Listed, Moment
from app.core.datetimes import to_ist
from app.notifications.booking_mail_repository import booking_mails, resend_mail
from app.web.api import json_response
from app.web.guards import only
from app.web.http import JsonResponse
from app.web.openapi import Doc

TAG = "Bookings for admins"
PATH_PARAMS = {"ref": "The booking's public reference."}


class MailJson(Struct, kw_only=True):
    """An email about a booking."""

    id: Id
    kind: Annotated[str, Meta(description="What it is about.", examples=["booking_assigned"])]
    to: Annotated[Literal["customer", "professional"], Meta(description="Who got it.", examples=["customer"])]
    sent_at: Annotated[
        Moment | None,
        Meta(
            description="Null while it waits, and if it could not be sent.",
            examples=["2026-12-01T10:00:00+05:30", None],
        ),
    ]
    may_be_resent: Annotated[bool, Meta(description="Not while it waits to be sent.", examples=[True])]


LIST = Doc(
    summary="List the emails about a booking, the latest 100",
    tag=TAG,
    path=PATH_PARAMS,
    responses={200: Listed[MailJson]},
)
RESEND = Doc(
    summary="Send an email about a booking again, written anew",
    tag=TAG,
    path={**PATH_PARAMS, "mail_id": "ID of the email."},
    responses={200: Listed[MailJson]},
    error_statuses=(409,),
)


class BookingMailApi(Controller):
    path = "/api/admin/bookings/{ref:str}/mails"
    opt = only("admin", api=True)

    @get(name="api_booking_mails", opt={"doc": LIST})
    async def index(self, ref: FromPath[str], db: NamedDependency[AsyncSession]) -> JsonResponse:
        return await _list(db, ref)

    @post("/{mail_id:int}/resend", name="api_resend_mail", status_code=200, opt={"doc": RESEND})
    async def resend(
        self, ref: FromPath[str], mail_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        await resend_mail(db, me, ref, mail_id)
        return await _list(db, ref)


async def _list(db: AsyncSession, ref: str) -> JsonResponse:
    items = [
        MailJson(
            id=mail.id,
            kind=mail.kind,
            to="customer" if mail.to_customer else "professional",
            sent_at=to_ist(mail.sent_at) if mail.sent_at else None,
            may_be_resent=mail.may_be_resent,
        )
        for mail in await booking_mails(db, await Bookings(db).by_reference(ref))
    ]
    return json_response(Listed(items=items, next=None))
