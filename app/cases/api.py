"""JSON API of cases: for both sides of a booking, and the admin's queue with its decision (W27, W28)."""

from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.cases.api_schemas import (
    AdminCaseJson,
    CaseJson,
    CaseQuery,
    DecisionBody,
    HelpBody,
    MessageBody,
    case_json,
)
from app.cases.cases import ask_for_help, assign_case, post_message, reopen_case
from app.cases.decision import decide_case, read_decision
from app.cases.repository import BookingCases
from app.core.api_types import Listed
from app.core.paging import decode_time_cursor, page_of
from app.web.api import idempotent, json_response, read_body, read_query
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
    path=OF_BOOKING,
    responses={201: CaseJson},
    error_statuses=(409,),
    idempotent=True,
)
JOB_HELP = Doc(
    summary="Get help with a job: open a case",
    tag=TAG,
    body=HelpBody,
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
WRITE = _doc("Write to both sides of a case", 201, body=MessageBody, error_statuses=(409,), idempotent=True)
ASSIGN = _doc("Take a case", error_statuses=(409,))
DECIDE = _doc("Decide a case, once", body=DecisionBody, error_statuses=(409,), idempotent=True)
REOPEN = _doc("Open a decided case again: by another admin than the one who decided", error_statuses=(409,))


class CaseHelpApi(Controller):
    path = "/api"

    @post("/bookings/{ref:str}/help", name="api_booking_help", opt=only("customer", api=True, doc=HELP))
    async def of_booking(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        return await _ask_for_help(request, db, me, ref)

    @post("/jobs/{ref:str}/help", name="api_job_help", opt=only("professional", api=True, doc=JOB_HELP))
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

    @post("/{ref:str}/messages", name="api_case_message", opt={"doc": WRITE_OWN})
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

    @post("/{ref:str}/messages", name="api_admin_case_message", opt={"doc": WRITE})
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
            await decide_case(db, me, ref, decision)
            return await _case_response(db, me, ref)

        return await idempotent(request, db, me, body, decide)

    @post("/{ref:str}/reopening", name="api_reopen_case", status_code=200, opt={"doc": REOPEN})
    async def reopen(
        self, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        await reopen_case(db, me, ref)
        return await _case_response(db, me, ref)


async def _ask_for_help(request: Request, db: AsyncSession, me: Me, ref: str) -> JsonResponse:
    body = await read_body(request, HelpBody)

    async def open_case() -> JsonResponse:
        case = await ask_for_help(db, me, ref, body.topic, body.message)
        return await _case_response(db, me, case.reference, 201)

    return await idempotent(request, db, me, body, open_case)


async def _write(request: Request, db: AsyncSession, me: Me, ref: str) -> JsonResponse:
    body = await read_body(request, MessageBody)

    async def write() -> JsonResponse:
        await post_message(db, me, ref, body.message)
        return await _case_response(db, me, ref, 201)

    return await idempotent(request, db, me, body, write)


async def _case_response(db: AsyncSession, me: Me, ref: str, status: int = 200) -> JsonResponse:
    cases = BookingCases(db)
    row = await cases.row(ref, me)
    redo = await cases.redo_of(row.booking_id) if "redo" in (row.outcomes or ()) else None
    return json_response(case_json(row, me, await cases.messages(row, me), redo), status)
