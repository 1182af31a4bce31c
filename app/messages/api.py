"""JSON API of messages and photos between the two sides of a booking."""

from typing import Annotated, Any, Literal

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.core import clock
from app.core.api_types import Body, Id, Moment
from app.core.datetimes import to_ist
from app.core.i18n import N_
from app.core.storage import Storage, Upload
from app.messages.limits import count_message
from app.messages.message import MAX_TEXT_LENGTH
from app.messages.repository import MessageLine, Messages
from app.messages.thread import find_booking, is_phone_shared, mark_read, may_write, send_message, thread_of
from app.messages.thread import share_phone as choose_phone_sharing
from app.photos.photo_pages import photo_response
from app.photos.photo_upload import MAX_PHOTOS_REQUEST_BYTES, digests_of, scan_photos
from app.photos.schemas import PHOTOS_FIELD, PhotoList, photos_json
from app.settings import Settings
from app.web.api import idempotent, json_response, read_body, read_multipart_files, read_query
from app.web.guards import only
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc
from app.web.security import client_address
from app.web.services import services_of

TAG = "Messages"
PATH_PARAMS = {"ref": "Reference of the booking."}
TOO_LONG = {"error": N_("Use 2,000 characters or fewer.")}
Text = Annotated[
    str,
    Meta(
        max_length=MAX_TEXT_LENGTH,
        description="What you write; it may be empty if there is a photo.",
        examples=["The gate is open."],
        extra=TOO_LONG,
    ),
]
Shared = Annotated[bool, Meta(description="Whether the other side sees your phone for this booking.", examples=[True])]
MESSAGE_FORM: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "text": {
            "type": "string",
            "maxLength": MAX_TEXT_LENGTH,
            "description": "What you write; it may be empty if there is a photo.",
            "examples": ["The gate is open."],
        },
        "photos": PHOTOS_FIELD,
    },
}


class MessageBody(Body):
    """A message without photos."""

    text: Text


class MessageFields(Struct, kw_only=True):
    text: Text = ""


class PhoneBody(Body):
    """Whether the other side of this booking sees your phone."""

    share_phone: Shared


class MessageJson(Struct, kw_only=True):
    """A message to the other side of a booking."""

    id: Id
    author: Annotated[
        Literal["customer", "professional"], Meta(description="Which side wrote it.", examples=["customer"])
    ]
    text: Annotated[str, Meta(description="The text; empty if there are photos alone.", examples=["I'm at the gate."])]
    photos: PhotoList
    sent_at: Moment
    read_at: Annotated[
        Moment | None,
        Meta(description="When the other side saw it; null until then.", examples=["2026-11-24T16:12:00+05:30", None]),
    ]


class MessagesJson(Struct, kw_only=True):
    """The messages of a booking, oldest first."""

    items: Annotated[list[MessageJson], Meta(description="The messages.", examples=[[]])]
    earlier: Annotated[
        int | None,
        Meta(description="Value of `before` for the messages before these; null if there are none.", examples=[12]),
    ]
    may_write: Annotated[bool, Meta(description="True from acceptance until 24 hours after the job.", examples=[True])]
    share_phone: Shared


class MessagesQuery(Struct, kw_only=True):
    """Which messages: the latest 100, or those before another one."""

    before: Annotated[
        int, Meta(ge=0, le=2**63 - 1, description="ID of a message; 0 for the latest messages.", examples=[0])
    ] = 0


SHOW = Doc(
    summary="List the messages of a booking, and mark the other side's as read",
    tag=TAG,
    path=PATH_PARAMS,
    query=MessagesQuery,
    responses={200: MessagesJson},
)
SEND = Doc(
    summary="Send a message with text, photos or both to the other side of a booking",
    tag=TAG,
    path=PATH_PARAMS,
    body=MessageBody,
    form=MESSAGE_FORM,
    responses={201: MessageJson},
    error_statuses=(409,),
    idempotent=True,
)
PHONE = Doc(
    summary="Show your phone to the other side of a booking, or hide it",
    tag=TAG,
    path=PATH_PARAMS,
    body=PhoneBody,
    responses={200: PhoneBody},
    error_statuses=(409,),
)
PHOTO = Doc(
    summary="Get a photo of a message",
    tag=TAG,
    path={"photo_id": "ID of the photo."},
    responses={200: str},
    media="image/jpeg",
)


class BookingMessageApi(Controller):
    path = "/api/bookings/{ref:str}/messages"
    opt = only("customer", api=True)

    @get(name="api_booking_messages", opt={"doc": SHOW, "in_transaction": True})
    async def show(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        return await _show(request, db, me, ref)

    @post(name="api_send_booking_message", request_max_body_size=MAX_PHOTOS_REQUEST_BYTES, opt={"doc": SEND})
    async def create(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        storage: NamedDependency[Storage],
        settings: NamedDependency[Settings],
    ) -> JsonResponse:
        return await _send(request, db, storage, settings, me, ref)

    @post("/phone", name="api_booking_phone", status_code=200, opt={"doc": PHONE})
    async def share_phone(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        return await _share_phone(request, db, me, ref)


class JobMessageApi(Controller):
    path = "/api/jobs/{ref:str}/messages"
    opt = only("professional", api=True)

    @get(name="api_job_messages", opt={"doc": SHOW, "in_transaction": True})
    async def show(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        return await _show(request, db, me, ref)

    @post(name="api_send_job_message", request_max_body_size=MAX_PHOTOS_REQUEST_BYTES, opt={"doc": SEND})
    async def create(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        storage: NamedDependency[Storage],
        settings: NamedDependency[Settings],
    ) -> JsonResponse:
        return await _send(request, db, storage, settings, me, ref)

    @post("/phone", name="api_job_phone", status_code=200, opt={"doc": PHONE})
    async def share_phone(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        return await _share_phone(request, db, me, ref)


class MessagePhotoApi(Controller):
    path = "/api/messages/photos/{photo_id:int}"

    @get(name="api_message_photo", opt=only("customer", "professional", "admin", api=True, doc=PHOTO))
    async def show(
        self,
        photo_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        storage: NamedDependency[Storage],
    ) -> Response[Any]:
        return await photo_response(storage, await Messages(db).photo_for(me, photo_id))


async def _show(request: Request, db: AsyncSession, me: Me, ref: str) -> JsonResponse:
    query = read_query(request, MessagesQuery)
    booking = await find_booking(db, me, ref)
    await mark_read(db, me, booking)
    thread = await Messages(db).thread(booking.id, thread_of(me), query.before or None)
    return json_response(
        MessagesJson(
            items=[_message_json(line) for line in thread.messages],
            earlier=thread.earlier,
            may_write=may_write(booking, clock.now()),
            share_phone=await is_phone_shared(db, me, booking),
        )
    )


async def _send(
    request: Request, db: AsyncSession, storage: Storage, settings: Settings, me: Me, ref: str
) -> JsonResponse:
    text, uploads = await _read_message(request)
    await count_message(services_of(request).rate_limiter, me)
    digests = digests_of(uploads)
    # Before the transaction begins: no connection and no key is held during the scan.
    photos = await scan_photos(uploads, client_address(request.scope, settings.trusted_proxies))

    async def send() -> JsonResponse:
        message = await send_message(db, storage, me, ref, text, photos)
        # The booking is locked: the latest message is this one.
        thread = await Messages(db).thread(message.booking_id, message.professional_id, limit=1)
        return json_response(_message_json(thread.messages[0]), 201)

    return await idempotent(request, db, me, {"text": text, "photos": digests}, send)


async def _read_message(request: Request) -> tuple[str, list[Upload]]:
    """JSON for text alone, a multipart form for photos too."""
    if request.content_type[0] == "application/json":
        return (await read_body(request, MessageBody)).text, []
    fields, uploads = await read_multipart_files(request, MessageFields, "photos")
    return fields.text, uploads


async def _share_phone(request: Request, db: AsyncSession, me: Me, ref: str) -> JsonResponse:
    body = await read_body(request, PhoneBody)
    await choose_phone_sharing(db, me, ref, shared=body.share_phone)
    return json_response(body)


def _message_json(line: MessageLine) -> MessageJson:
    return MessageJson(
        id=line.id,
        author="professional" if line.by_professional else "customer",
        text=line.text,
        photos=photos_json(line.photos, "/api/messages/photos"),
        sent_at=to_ist(line.created_at),
        read_at=to_ist(line.read_at) if line.read_at else None,
    )
