"""JSON API of refunds, for admins (W29)."""

from datetime import datetime
from typing import Annotated, Literal

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.contact_fields import MAX_REASON_LENGTH
from app.bookings.repository import Bookings
from app.core.api_types import Body, Id, Listed, Moment, Paged, Paise, Price, TypedPrice
from app.core.datetimes import to_ist
from app.core.i18n import N_
from app.core.money import format_decimal
from app.core.paging import AnyRow, decode_time_cursor, page_of
from app.dispatch.refund_decisions import answer_refund, refund, send_again
from app.dispatch.refund_repository import RefundQueue
from app.payments.refund import RefundState
from app.payments.refunds import RefundPreview, preview_refund
from app.web.api import json_response, read_body, read_query, row_id
from app.web.guards import only
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc

TAG = "Refunds"
BOOKING_PARAMS = {"ref": "The booking's public reference."}
REFUND_PARAMS = {"refund_id": "ID of the refund."}
Bearer = Literal["doorstep", "shares"]
StateName = Literal["requested", "sent", "done", "failed"]
MOMENT = "2026-12-01T10:00:00+05:30"


class RefundBody(Body):
    """Money for the customer of a booking, and why."""

    amount: TypedPrice
    reason: Annotated[
        str,
        Meta(
            max_length=MAX_REASON_LENGTH,
            description="The customer, and a professional who bears a part, read it exactly as you write it.",
            examples=["The tap drips again."],
        ),
    ]
    borne_by: Annotated[
        Bearer,
        Meta(
            description="`shares`: the professional's earning and the commission, pro rata.",
            examples=["doorstep"],
            extra={"error": N_("Choose who bears the refund.")},
        ),
    ] = "doorstep"
    as_credit: Annotated[
        Literal["yes", "no"],
        Meta(
            description="`yes`: as credit for the customer's next bookings, instead of money.",
            examples=["no"],
            extra={"error": N_("Choose yes or no.")},
        ),
    ] = "no"


class ConfirmationBody(Body):
    """The second admin's answer."""

    answer: Annotated[
        Literal["yes", "no"],
        Meta(description="`yes` sends the refund.", examples=["yes"], extra={"error": N_("Choose yes or no.")}),
    ]


class RefundPreviewJson(Struct, kw_only=True):
    """What may be refunded for a booking now, and what all of it would do."""

    booking: Annotated[str, Meta(description="The booking's public reference.", examples=["7K3MQ9WD"])]
    taken: Price
    taken_paise: Paise
    refunded: Price
    refunded_paise: Paise
    waiting: Price
    waiting_paise: Paise
    refundable: Price
    refundable_paise: Paise
    professional_id: Annotated[
        int | None, Meta(description="Whose earning is part of it; null if there is none.", examples=[12, None])
    ]
    earning: Price
    earning_paise: Paise
    tax: Price
    tax_paise: Annotated[
        int, Meta(ge=0, description="Paise of tax that a shared refund takes back; 0 without tax.", examples=[0])
    ]


class RefundJson(Struct, kw_only=True):
    """A refund."""

    id: Id
    booking: Annotated[str, Meta(description="The booking's public reference.", examples=["7K3MQ9WD"])]
    amount: Price
    amount_paise: Paise
    released_paise: Annotated[
        int, Meta(ge=0, description="Paise of it that were on hold and are released.", examples=[0])
    ]
    as_credit: Annotated[bool, Meta(description="Whether it became credit instead of money.", examples=[False])]
    borne_by: Annotated[Bearer, Meta(description="Who bears it.", examples=["doorstep"])]
    reason: Annotated[str, Meta(description="Why.", examples=["The tap drips again."])]
    state: Annotated[StateName, Meta(description="`requested` waits for a second admin.", examples=["done"])]
    requested_at: Moment
    requested_by: Annotated[str, Meta(description="The admin who asked for it.", examples=["Meena Iyer"])]
    confirmed_at: Annotated[
        Moment | None, Meta(description="When a second admin answered; else null.", examples=[MOMENT, None])
    ]
    confirmed_by: Annotated[str | None, Meta(description="The admin who answered.", examples=["Lekha Nair", None])]
    only_admin: Annotated[
        bool, Meta(description="Whether it needed a second admin, and there was none.", examples=[False])
    ]
    done_at: Annotated[Moment | None, Meta(description="When it was done; else null.", examples=[MOMENT, None])]
    failed_at: Annotated[
        Moment | None, Meta(description="When it failed or was declined; else null.", examples=[MOMENT, None])
    ]
    failure: Annotated[
        str | None,
        Meta(description="`declined` by an admin, or what the bank said; else null.", examples=["declined", None]),
    ]


class RefundQuery(Paged):
    """Refunds in one state."""

    state: Annotated[
        Literal["requested", "failed", "done"], Meta(description="Which refunds, oldest first.", examples=["failed"])
    ] = "requested"


PREVIEW = Doc(
    summary="Get what can be refunded for a booking",
    tag=TAG,
    path=BOOKING_PARAMS,
    responses={200: RefundPreviewJson},
)
CREATE = Doc(
    summary="Refund the customer of a booking",
    tag=TAG,
    body=RefundBody,
    path=BOOKING_PARAMS,
    responses={201: RefundJson},
    error_statuses=(409,),
)
LIST = Doc(
    summary="List refunds", tag=TAG, query=RefundQuery, responses={200: Listed[RefundJson]}, error_statuses=(404,)
)
SHOW = Doc(summary="Get a refund", tag=TAG, path=REFUND_PARAMS, responses={200: RefundJson})
CONFIRM = Doc(
    summary="Confirm or decline a refund: by another admin than the one who asked for it",
    tag=TAG,
    body=ConfirmationBody,
    path=REFUND_PARAMS,
    responses={200: RefundJson},
    error_statuses=(409,),
)
RETRY = Doc(
    summary="Send a refund again that failed",
    tag=TAG,
    path=REFUND_PARAMS,
    responses={200: RefundJson},
    error_statuses=(409, 422),
)


class BookingRefundApi(Controller):
    path = "/api/admin/bookings/{ref:str}/refund"
    opt = only("admin", api=True, right="money")

    @get(name="api_refund_preview", opt={"doc": PREVIEW})
    async def show(self, ref: FromPath[str], db: NamedDependency[AsyncSession]) -> JsonResponse:
        booking = await Bookings(db).by_reference(ref)
        return json_response(_preview_json(booking.reference, await preview_refund(db, booking)))

    @post(name="api_refund", opt={"doc": CREATE, "fresh": True})
    async def create(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        body = await read_body(request, RefundBody)
        made = await refund(db, me, ref, body.amount, body.borne_by, body.reason, as_credit=body.as_credit == "yes")
        return json_response(await _show(db, made.id), 201)


class RefundApi(Controller):
    path = "/api/admin/refunds"
    opt = only("admin", api=True)

    @get(name="api_refunds", opt={"doc": LIST})
    async def index(self, request: Request, db: NamedDependency[AsyncSession]) -> JsonResponse:
        query = read_query(request, RefundQuery)
        since, last = decode_time_cursor(query.after) or (None, None)
        rows = await RefundQueue(db).first(RefundState(query.state), since, last, query.limit + 1)
        found = page_of(rows, query.limit, lambda row: (row.requested_at.isoformat(), row.id))
        return json_response(Listed(items=[_refund_json(row) for row in found.items], next=found.next))

    @get("/{refund_id:int}", name="api_show_refund", opt={"doc": SHOW})
    async def show(self, refund_id: FromPath[int], db: NamedDependency[AsyncSession]) -> JsonResponse:
        return json_response(await _show(db, row_id(refund_id)))

    @post(
        "/{refund_id:int}/confirmation",
        name="api_confirm_refund",
        status_code=200,
        opt={"doc": CONFIRM, "right": "money", "fresh": True},
    )
    async def confirm(
        self, request: Request, refund_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        body = await read_body(request, ConfirmationBody)
        await answer_refund(db, me, row_id(refund_id), yes=body.answer == "yes")
        return json_response(await _show(db, refund_id))

    @post(
        "/{refund_id:int}/retry",
        name="api_retry_refund",
        status_code=200,
        opt={"doc": RETRY, "right": "money", "fresh": True},
    )
    async def retry(
        self, refund_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        await send_again(db, me, row_id(refund_id))
        return json_response(await _show(db, refund_id))


async def _show(db: AsyncSession, refund_id: int) -> RefundJson:
    return _refund_json(await RefundQueue(db).row(refund_id))


def _preview_json(reference: str, preview: RefundPreview) -> RefundPreviewJson:
    return RefundPreviewJson(
        booking=reference,
        taken=format_decimal(preview.taken),
        taken_paise=preview.taken,
        refunded=format_decimal(preview.refunded),
        refunded_paise=preview.refunded,
        waiting=format_decimal(preview.waiting),
        waiting_paise=preview.waiting,
        refundable=format_decimal(preview.refundable),
        refundable_paise=preview.refundable,
        professional_id=preview.professional_id,
        earning=format_decimal(preview.earning),
        earning_paise=preview.earning,
        tax=format_decimal(preview.tax),
        tax_paise=preview.tax,
    )


def _refund_json(row: AnyRow) -> RefundJson:
    return RefundJson(
        id=row.id,
        booking=row.reference,
        amount=format_decimal(row.amount),
        amount_paise=row.amount,
        released_paise=row.released,
        as_credit=row.as_credit,
        borne_by=row.borne_by.value,
        reason=row.reason,
        state=row.state.value,
        requested_at=to_ist(row.requested_at),
        requested_by=row.requested_by,
        confirmed_at=_moment(row.confirmed_at),
        confirmed_by=row.confirmed_by,
        only_admin=row.only_admin,
        done_at=_moment(row.done_at),
        failed_at=_moment(row.failed_at),
        failure=row.failure,
    )


def _moment(moment: datetime | None) -> datetime | None:
    return to_ist(moment) if moment else None
