"""JSON API of appeals: from the restricted session of a blocked person, and for admins (W30)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.contact_fields import MAX_REASON_LENGTH
from app.accounts.repository import Users
from app.blocking.appeal import MAX_APPEAL_LENGTH, Appeal, Outcome, appeal_until
from app.blocking.appeal_repository import Appeals
from app.blocking.appeals import decide_appeal, submit_appeal
from app.core.api_types import Body, Id, Listed, Moment, Paged
from app.core.datetimes import to_ist
from app.core.errors import Missing
from app.core.i18n import N_
from app.core.paging import AnyRow, decode_time_cursor, page_of
from app.core.storage import Storage, Upload
from app.photos.photo import PhotoOwner
from app.photos.photo_pages import photo_response, read_photos
from app.photos.photo_upload import MAX_PHOTOS_REQUEST_BYTES
from app.photos.repository import PhotoLine, Photos
from app.photos.schemas import PHOTOS_FIELD, PhotoList, photos_json
from app.web.api import json_response, read_body, read_multipart_files, read_query, row_id
from app.web.guards import only, signed_in
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc

TAG = "Appeals"
PATH_PARAMS = {"appeal_id": "ID of the appeal."}
PHOTO_PATH = "/api/appeals/photos"
OutcomeName = Literal["lift", "keep"]


AppealText = Annotated[
    str,
    Meta(
        max_length=MAX_APPEAL_LENGTH,
        description="What happened, in your words.",
        examples=["I asked for the agreed price only; the receipt shows it."],
    ),
]
APPEAL_FORM: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "message": {
            "type": "string",
            "maxLength": MAX_APPEAL_LENGTH,
            "description": "What happened, in your words.",
            "examples": ["I asked for the agreed price only; the photo of the receipt shows it."],
        },
        "photos": PHOTOS_FIELD,
    },
    "required": ["message"],
}


class AppealBody(Body):
    """Why the block should be lifted."""

    message: AppealText


class AppealFields(Struct, kw_only=True):
    """The same in a multipart form, which may hold photos too."""

    message: AppealText


class DecisionBody(Body):
    """Whether the block is lifted, and the reason that the person reads."""

    outcome: Annotated[
        OutcomeName,
        Meta(
            description="`lift` ends the block.",
            examples=["lift"],
            extra={"error": N_("Choose whether to lift the block.")},
        ),
    ]
    reason: Annotated[
        str,
        Meta(
            max_length=MAX_REASON_LENGTH,
            description="The person reads it exactly as you write it.",
            examples=["The receipt shows the agreed price."],
        ),
    ]


class OwnAppealJson(Struct, kw_only=True):
    """The block of your account, and your appeal."""

    block_reason: Annotated[str, Meta(description="Why your account is blocked.", examples=["Three complaints."])]
    blocked_at: Moment
    appeal_until: Moment
    message: Annotated[str | None, Meta(description="Your appeal; null if there is none.", examples=["…", None])]
    photos: PhotoList
    sent_at: Annotated[
        Moment | None, Meta(description="When you appealed.", examples=["2026-12-01T10:00:00+05:30", None])
    ]
    answer_due_at: Annotated[
        Moment | None, Meta(description="By when it is decided.", examples=["2026-12-01T10:00:00+05:30", None])
    ]
    decided_at: Annotated[
        Moment | None,
        Meta(description="When it was decided; null while it waits.", examples=["2026-12-01T10:00:00+05:30", None]),
    ]
    outcome: Annotated[OutcomeName | None, Meta(description="Null while it waits.", examples=["keep", None])]
    reason: Annotated[str | None, Meta(description="The reason of the decision.", examples=["…", None])]
    only_admin: Annotated[
        bool,
        Meta(description="Whether the admin who blocked decided, as there was no other admin.", examples=[False]),
    ]


class AppealJson(Struct, kw_only=True):
    """An appeal of a block."""

    id: Id
    person_id: Id
    person: Annotated[str, Meta(description="Name of the blocked person.", examples=["Murugan Das"])]
    block_reason: Annotated[str, Meta(description="Why the account was blocked.", examples=["Three complaints."])]
    blocked_at: Moment
    blocked_by: Annotated[str, Meta(description="The admin who blocked.", examples=["Meena Iyer"])]
    message: Annotated[str, Meta(description="The appeal.", examples=["…"])]
    photos: PhotoList
    sent_at: Moment
    answer_due_at: Moment
    decided_at: Annotated[
        Moment | None,
        Meta(description="When it was decided; null while it waits.", examples=["2026-12-01T10:00:00+05:30", None]),
    ]
    decided_by: Annotated[str | None, Meta(description="The admin who decided.", examples=["Lekha Nair", None])]
    outcome: Annotated[OutcomeName | None, Meta(description="Null while it waits.", examples=["keep", None])]
    reason: Annotated[str | None, Meta(description="The reason of the decision.", examples=["…", None])]
    only_admin: Annotated[
        bool,
        Meta(description="Whether the admin who blocked decided, as there was no other admin.", examples=[False]),
    ]


class AppealQuery(Paged):
    """Waiting or decided appeals."""

    state: Annotated[
        Literal["waiting", "decided"], Meta(description="Which appeals, oldest first.", examples=["waiting"])
    ] = "waiting"


SHOW_OWN = Doc(summary="Get your block and your appeal", tag=TAG, responses={200: OwnAppealJson}, error_statuses=(404,))
SUBMIT = Doc(
    summary="Appeal the block of your account, once and within 30 days",
    tag=TAG,
    body=AppealBody,
    form=APPEAL_FORM,
    responses={201: OwnAppealJson},
    error_statuses=(404, 409),
)
LIST = Doc(
    summary="List appeals of blocks",
    tag=TAG,
    query=AppealQuery,
    responses={200: Listed[AppealJson]},
    error_statuses=(404,),
)
SHOW = Doc(summary="Get an appeal of a block", tag=TAG, path=PATH_PARAMS, responses={200: AppealJson})
DECIDE = Doc(
    summary="Decide an appeal: by another admin than the one who blocked",
    tag=TAG,
    body=DecisionBody,
    path=PATH_PARAMS,
    responses={200: AppealJson},
    error_statuses=(409,),
)


PHOTO = Doc(
    summary="Get a photo of an appeal",
    tag=TAG,
    path={"photo_id": "ID of the photo."},
    responses={200: str},
    media="image/jpeg",
)


class OwnAppealApi(Controller):
    path = "/api/blocked/appeal"

    @get(name="api_own_appeal", opt=signed_in(api=True, allow_blocked=True, doc=SHOW_OWN))
    async def show(self, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> JsonResponse:
        return json_response(await _own_appeal(db, me))

    @post(
        name="api_appeal",
        request_max_body_size=MAX_PHOTOS_REQUEST_BYTES,
        opt=signed_in(api=True, allow_blocked=True, doc=SUBMIT),
    )
    async def create(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        uploads: list[Upload] = []
        if request.content_type[0] == "application/json":
            message = (await read_body(request, AppealBody)).message
        else:
            fields, uploads = await read_multipart_files(request, AppealFields, "photos")
            message = fields.message
        await submit_appeal(db, me, message, await read_photos(request, me, uploads))
        return json_response(await _own_appeal(db, me), 201)


class AppealApi(Controller):
    path = "/api/admin/appeals"
    opt = only("admin", api=True)

    @get(name="api_appeals", opt={"doc": LIST})
    async def index(self, request: Request, db: NamedDependency[AsyncSession]) -> JsonResponse:
        query = read_query(request, AppealQuery)
        since, last = decode_time_cursor(query.after) or (None, None)
        state = "decided" if query.state == "decided" else ""
        rows = await Appeals(db).first(state, since, last, query.limit + 1)
        found = page_of(rows, query.limit, lambda row: (row.created_at.isoformat(), row.id))
        photos = await Photos(db).of(PhotoOwner.APPEAL, [row.id for row in found.items if row.photo_count])
        items = [_appeal_json(row, photos.get(row.id, ())) for row in found.items]
        return json_response(Listed(items=items, next=found.next))

    @get("/{appeal_id:int}", name="api_show_appeal", opt={"doc": SHOW})
    async def show(self, appeal_id: FromPath[int], db: NamedDependency[AsyncSession]) -> JsonResponse:
        return await _appeal_response(db, appeal_id)

    @post("/{appeal_id:int}/decision", name="api_decide_appeal", status_code=200, opt={"doc": DECIDE})
    async def decide(
        self, request: Request, appeal_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        body = await read_body(request, DecisionBody)
        await decide_appeal(db, me, row_id(appeal_id), Outcome(body.outcome), body.reason)
        return await _appeal_response(db, appeal_id)


class AppealPhotoApi(Controller):
    path = "/api/appeals/photos/{photo_id:int}"

    @get(name="api_appeal_photo", opt=signed_in(api=True, allow_blocked=True, doc=PHOTO))
    async def show(
        self,
        photo_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        storage: NamedDependency[Storage],
    ) -> Response[Any]:
        return await photo_response(storage, await Appeals(db).photo_for(me, photo_id))


async def _appeal_response(db: AsyncSession, appeal_id: int) -> JsonResponse:
    row = await Appeals(db).row(row_id(appeal_id))
    return json_response(_appeal_json(row, await Appeals(db).photos(row)))


async def _own_appeal(db: AsyncSession, me: Me) -> OwnAppealJson:
    """Missing when the account is not blocked."""
    block = await Users(db).active_block(me.id)
    if block is None:
        raise Missing
    appeal: Appeal | None = await Appeals(db).of_block(block.id)
    return OwnAppealJson(
        block_reason=block.reason,
        blocked_at=to_ist(block.created_at),
        appeal_until=to_ist(appeal_until(block)),
        message=appeal.message if appeal else None,
        photos=photos_json(await Appeals(db).photos(appeal), PHOTO_PATH),
        sent_at=_moment(appeal.created_at if appeal else None),
        answer_due_at=_moment(appeal.answer_due_at if appeal else None),
        decided_at=_moment(appeal.decided_at if appeal else None),
        outcome=_outcome(appeal.outcome if appeal else None),
        reason=appeal.reason if appeal else None,
        only_admin=bool(appeal and appeal.only_admin),
    )


def _appeal_json(row: AnyRow, photos: Sequence[PhotoLine] = ()) -> AppealJson:
    return AppealJson(
        id=row.id,
        person_id=row.user_id,
        person=row.person,
        block_reason=row.block_reason,
        blocked_at=to_ist(row.blocked_at),
        blocked_by=row.blocked_by,
        message=row.message,
        photos=photos_json(photos, PHOTO_PATH),
        sent_at=to_ist(row.created_at),
        answer_due_at=to_ist(row.answer_due_at),
        decided_at=_moment(row.decided_at),
        decided_by=row.decided_by,
        outcome=_outcome(row.outcome),
        reason=row.reason,
        only_admin=row.only_admin,
    )


def _moment(moment: datetime | None) -> datetime | None:
    return to_ist(moment) if moment else None


def _outcome(stored: str | None) -> OutcomeName | None:
    return Outcome(stored).value if stored else None
