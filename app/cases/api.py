"""JSON API of cases: for both sides of a booking, and the admin's queue with its decision (W27, W28)."""

from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.cases.api_schemas import (
    HELP_FORM,
    MESSAGE_FORM,
    AdminCaseJson,
    CaseJson,
    CaseQuery,
    DecisionBody,
    HelpBody,
    HelpFields,
    MessageBody,
    MessageFields,
    case_json,
)
from app.cases.cases import ask_for_help, assign_case, post_message, reopen_case
from app.cases.decision import decide_case, read_decision
from app.cases.repository import BookingCases
from app.core.api_types import Listed
from app.core.paging import decode_time_cursor, page_of
from app.core.storage import Storage, Upload
from app.photos.photo_pages import photo_response, read_photos
from app.photos.photo_upload import MAX_PHOTOS_REQUEST_BYTES, digests_of
from app.web.api import idempotent, json_response, read_body, read_multipart_files, read_query
from app.web.guards import only, require_right
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc

TAG = "Cases"
OF_BOOKING = {"ref": "Reference of the booking."}
OF_CASE = {"ref": "Reference of the case."}


def _doc(summary: str, status: int = 200, **more: Any) -> Doc:
    """Of one case, for admins."""
    return Doc(summary=summary, tag=TAG, path=OF_CASE, responses={status: AdminCaseJson}, **more)


HELP = Doc(
    summary="Get help with a booking: open a case",
    tag=TAG,
    body=HelpBody,
    form=HELP_FORM,
    path=OF_BOOKING,
    responses={201: CaseJson},
    error_statuses=(409,),
    idempotent=True,
)
JOB_HELP = Doc(
    summary="Get help with a job: open a case",
    tag=TAG,
    body=HelpBody,
    form=HELP_FORM,
    path=OF_BOOKING,
    responses={201: CaseJson},
    error_statuses=(409,),
    idempotent=True,
)
LIST_OWN = Doc(summary="List your cases", tag=TAG, responses={200: Listed[CaseJson]})
SHOW_OWN = Doc(summary="Get a case with its messages", tag=TAG, path=OF_CASE, responses={200: CaseJson})
WRITE_OWN = Doc(
    summary="Write in an open case",
    tag=TAG,
    body=MessageBody,
    form=MESSAGE_FORM,
    path=OF_CASE,
    responses={201: CaseJson},
    error_statuses=(409,),
    idempotent=True,
)
LIST = Doc(
    summary="List cases: open ones by when they are due, safety first",
    tag=TAG,
    query=CaseQuery,
    responses={200: Listed[AdminCaseJson]},
    error_statuses=(404,),
)
SHOW = _doc("Get a case of the queue")
WRITE = _doc(
    "Write to both sides of a case", 201, body=MessageBody, form=MESSAGE_FORM, error_statuses=(409,), idempotent=True
)
ASSIGN = _doc("Take a case", error_statuses=(409,))
DECIDE = _doc("Decide a case, once", body=DecisionBody, error_statuses=(409,), idempotent=True)
PHOTO = Doc(
    summary="Get a photo of a case",
    tag=TAG,
    path={"photo_id": "ID of the photo."},
    responses={200: str},
    media="image/jpeg",
)
REOPEN = _doc("Open a decided case again: by another admin than the one who decided", error_statuses=(409,))


class CaseHelpApi(Controller):
    path = "/api"

    @post(
        "/bookings/{ref:str}/help",
        name="api_booking_help",
        request_max_body_size=MAX_PHOTOS_REQUEST_BYTES,
        opt=only("customer", api=True, doc=HELP),
    )
    async def of_booking(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        return await _ask_for_help(request, db, me, ref)

    @post(
        "/jobs/{ref:str}/help",
        name="api_job_help",
        request_max_body_size=MAX_PHOTOS_REQUEST_BYTES,
        opt=only("professional", api=True, doc=JOB_HELP),
    )
    async def of_job(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        return await _ask_for_help(request, db, me, ref)


class CaseApi(Controller):
    path = "/api/cases"
    opt = only("customer", "professional", api=True)

    @get(name="api_cases", opt={"doc": LIST_OWN})
    async def index(self, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> JsonResponse:
        rows = await BookingCases(db).listed(me)
        return json_response(Listed(items=[case_json(row, me) for row in rows], next=None))

    @get("/{ref:str}", name="api_case", opt={"doc": SHOW_OWN})
    async def show(
        self, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        return await _case_response(db, me, ref)

    @post(
        "/{ref:str}/messages",
        name="api_case_message",
        request_max_body_size=MAX_PHOTOS_REQUEST_BYTES,
        opt={"doc": WRITE_OWN},
    )
    async def write(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        return await _write(request, db, me, ref)


class CaseAdminApi(Controller):
    path = "/api/admin/cases"
    opt = only("admin", api=True)

    @get(name="api_admin_cases", opt={"doc": LIST})
    async def index(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> JsonResponse:
        query = read_query(request, CaseQuery)
        tab = "" if query.tab == "open" else query.tab
        rows = await BookingCases(db).first(tab, me, decode_time_cursor(query.after), query.limit + 1)
        is_decided = tab == "decided"
        found = page_of(
            rows, query.limit, lambda row: ((row.decided_at if is_decided else row.queue_at).isoformat(), row.id)
        )
        return json_response(Listed(items=[case_json(row, me) for row in found.items], next=found.next))

    @get("/{ref:str}", name="api_admin_case", opt={"doc": SHOW})
    async def show(
        self, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        return await _case_response(db, me, ref)

    @post(
        "/{ref:str}/messages",
        name="api_admin_case_message",
        request_max_body_size=MAX_PHOTOS_REQUEST_BYTES,
        opt={"doc": WRITE},
    )
    async def write(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        return await _write(request, db, me, ref)

    @post("/{ref:str}/assignment", name="api_assign_case", status_code=200, opt={"doc": ASSIGN})
    async def assign(
        self, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        await assign_case(db, me, ref)
        return await _case_response(db, me, ref)

    @post("/{ref:str}/decision", name="api_decide_case", status_code=200, opt={"doc": DECIDE, "fresh": True})
    async def decide(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        body = await read_body(request, DecisionBody)

        async def decide() -> JsonResponse:
            decision = read_decision(body.outcome, body.amount, body.borne_by, body.reason)
            require_right(me, decision.right)
            case = await decide_case(db, me, ref, decision)
            if case.payout_released:
                require_right(me, "money")
            return await _case_response(db, me, ref)

        return await idempotent(request, db, me, body, decide)

    @post("/{ref:str}/reopening", name="api_reopen_case", status_code=200, opt={"doc": REOPEN})
    async def reopen(
        self, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        await reopen_case(db, me, ref)
        return await _case_response(db, me, ref)


class CasePhotoApi(Controller):
    path = "/api/cases/photos/{photo_id:int}"

    @get(name="api_case_photo", opt=only("customer", "professional", "admin", api=True, doc=PHOTO))
    async def show(
        self,
        photo_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        storage: NamedDependency[Storage],
    ) -> Response[Any]:
        return await photo_response(storage, await BookingCases(db).photo_for(me, photo_id))


async def _ask_for_help(request: Request, db: AsyncSession, me: Me, ref: str) -> JsonResponse:
    """JSON, or a multipart form with photos too."""
    body: HelpBody | HelpFields
    uploads: list[Upload] = []
    if request.content_type[0] == "application/json":
        body = await read_body(request, HelpBody)
    else:
        body, uploads = await read_multipart_files(request, HelpFields, "photos")
    digests = digests_of(uploads)
    photos = await read_photos(request, me, uploads)

    async def open_case() -> JsonResponse:
        case = await ask_for_help(db, me, ref, body.topic, body.message, photos)
        return await _case_response(db, me, case.reference, 201)

    fingerprint = {"topic": body.topic, "message": body.message, "photos": digests}
    return await idempotent(request, db, me, fingerprint, open_case)


async def _write(request: Request, db: AsyncSession, me: Me, ref: str) -> JsonResponse:
    """JSON for a message alone, a multipart form with photos too."""
    uploads: list[Upload] = []
    if request.content_type[0] == "application/json":
        message = (await read_body(request, MessageBody)).message
    else:
        fields, uploads = await read_multipart_files(request, MessageFields, "photos")
        message = fields.message
    digests = digests_of(uploads)
    photos = await read_photos(request, me, uploads)

    async def write() -> JsonResponse:
        await post_message(db, me, ref, message, photos)
        return await _case_response(db, me, ref, 201)

    return await idempotent(request, db, me, {"message": message, "photos": digests}, write)


async def _case_response(db: AsyncSession, me: Me, ref: str, status: int = 200) -> JsonResponse:
    cases = BookingCases(db)
    row = await cases.row(ref, me)
    redo = await cases.redo_of(row.booking_id) if "redo" in (row.outcomes or ()) else None
    return json_response(case_json(row, me, await cases.messages(row, me), redo), status)
