"""JSON API of jobs: a professional's own jobs and offers, and one action on a booking."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, TypeVar

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import UNSET, Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.bookings import cancellation, reservation
from app.bookings.api import BOOKINGS, TAG, booking_page_response
from app.bookings.api_repository import ApiBookings
from app.bookings.api_schemas import BookingJson, EditBody, booking_json
from app.bookings.moves import State
from app.bookings.schemas import read_start
from app.core.after_commit import AfterCommit
from app.core.api_types import Body, Paged
from app.core.db import Database, TransactionFactory
from app.core.encryption import Encryption
from app.core.errors import Invalid, Missing
from app.core.i18n import N_, _
from app.core.paging import Page
from app.jobs import acceptance, handover
from app.jobs.offers import find_workday
from app.jobs.schemas import MaybeReason, Reason
from app.web.api import idempotent, json_response, read_body, read_query, row_id
from app.web.guards import UserBlocked, WrongRole, only
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc
from app.web.validation import validate_json

S = TypeVar("S", bound=Struct)
OF_PROFESSIONAL = Doc(
    summary="List your own jobs and offers; if you're blocked, only a job in progress",
    tag=TAG,
    query=Paged,
    path={"professional_id": "ID of the professional."},
    responses={200: BOOKINGS},
)
EDIT = Doc(
    summary="Accept, start, complete, cancel or reschedule a booking",
    tag="Bookings",
    body=EditBody,
    path={"booking_id": "ID of the booking."},
    responses={200: BookingJson},
    error_statuses=(409,),
    idempotent=True,
)


class DelayBody(Body):
    """How late the professional is."""

    minutes: Annotated[
        int,
        Meta(
            ge=5,
            le=60,
            description="Minutes later than was last expected.",
            examples=[10],
            extra={"error": N_("Enter 5 to 60 minutes.")},
        ),
    ]


LATE = Doc(
    summary="Say that you are late, before arriving and at most twice",
    tag="Bookings",
    body=DelayBody,
    path={"ref": "Reference of the booking."},
    responses={200: BookingJson},
    error_statuses=(409,),
    idempotent=True,
)


class JobListApi(Controller):
    path = "/api/servicerequest/{professional_id:int}"

    @get(
        name="api_jobs",
        opt=only("professional", api=True, allow_blocked=True, doc=OF_PROFESSIONAL),
    )
    async def of_professional(
        self,
        request: Request,
        professional_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        encryption: NamedDependency[Encryption],
    ) -> JsonResponse:
        query = read_query(request, Paged)
        if professional_id != me.id:
            raise Missing
        distances = await _offer_distances(db, me)
        bookings = await ApiBookings(db).jobs_and_offers(me.id, list(distances), query.after, query.limit)
        if me.blocked is not None:
            started = [booking for booking in bookings.items if booking.state == State.STARTED]
            bookings = Page(started, bookings.next)
        return booking_page_response(me, encryption, bookings, distances)


class DelayApi(Controller):
    path = "/api/jobs/{ref:str}/late"

    @post(name="api_late", opt=only("professional", api=True, doc=LATE))
    async def create(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        encryption: NamedDependency[Encryption],
    ) -> JsonResponse:
        body = await read_body(request, DelayBody)

        async def run() -> JsonResponse:
            booking = await handover.report_delay(db, me, ref, body.minutes)
            await db.flush()
            return json_response(booking_json(me, await ApiBookings(db).get(booking.id), encryption))

        return await idempotent(request, db, me, body, run)


class BookingActionApi(Controller):
    path = "/api/request/edit/{booking_id:int}"

    @post(
        name="api_edit_booking",
        opt=only("customer", "professional", api=True, allow_blocked=True, doc=EDIT),
    )
    async def edit(
        self,
        request: Request,
        booking_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
        after_commit: NamedDependency[AfterCommit],
        encryption: NamedDependency[Encryption],
    ) -> JsonResponse:
        if me.blocked is not None and me.role != "professional":
            raise UserBlocked(me.blocked)
        body = await read_body(request, EditBody)
        action = _allowed_action(me, body)

        async def run() -> JsonResponse:
            reference = await ApiBookings(db).reference_for(me, row_id(booking_id))
            await action.run(ActionContext(db, lambda: database.work(after_commit), me, reference, body, encryption))
            await db.flush()
            return json_response(booking_json(me, await ApiBookings(db).get(booking_id), encryption))

        return await idempotent(request, db, me, body, run)


@dataclass(frozen=True, slots=True)
class ActionContext:
    """What an action needs; `new_transaction` opens a transaction of its own."""

    db: AsyncSession
    new_transaction: TransactionFactory
    me: Me
    reference: str
    body: EditBody
    encryption: Encryption


async def _accept(context: ActionContext) -> None:
    await acceptance.accept(context.db, context.me, context.reference, context.encryption)


async def _pass(context: ActionContext) -> None:
    reason = _validate(context.body, MaybeReason, "reason").reason
    await acceptance.pass_on(context.db, context.me, context.reference, reason)


async def _return(context: ActionContext) -> None:
    reason = _validate(context.body, Reason, "reason").reason
    await acceptance.hand_back(context.db, context.me, context.reference, reason)


async def _start(context: ActionContext) -> None:
    code = str(context.body.code)
    await handover.start(
        context.db,
        context.new_transaction,
        context.me,
        context.reference,
        code,
        context.encryption,
        early=context.body.early is True,
    )


async def _complete(context: ActionContext) -> None:
    code = str(context.body.code)
    await handover.complete(
        context.db, context.new_transaction, context.me, context.reference, code, context.encryption
    )


async def _cancel(context: ActionContext) -> None:
    reason = _validate(context.body, MaybeReason, "reason").reason
    as_credit = context.body.as_credit == "yes"
    await cancellation.cancel_by_customer(
        context.db, context.me, context.reference, reason, _fee(context.body), as_credit=as_credit
    )


async def _reschedule(context: ActionContext) -> None:
    starts_at = read_start(str(context.body.start))
    await reservation.reschedule_by_customer(context.db, context.me, context.reference, starts_at, _fee(context.body))


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """Who may run it, which fields it accepts, and which of them it requires."""

    role: str
    run: Callable[[ActionContext], Awaitable[None]]
    fields: tuple[str, ...] = ()
    required: tuple[str, ...] = ()


ACTIONS = {
    "accept": ActionSpec("professional", _accept),
    "pass": ActionSpec("professional", _pass, ("reason",)),
    "return": ActionSpec("professional", _return, ("reason",), ("reason",)),
    "start": ActionSpec("professional", _start, ("code", "early"), ("code",)),
    "complete": ActionSpec("professional", _complete, ("code",), ("code",)),
    "cancel": ActionSpec("customer", _cancel, ("reason", "fee_paise", "as_credit")),
    "reschedule": ActionSpec("customer", _reschedule, ("start", "fee_paise"), ("start",)),
}


def _allowed_action(me: Me, body: EditBody) -> ActionSpec:
    """Return the action if `me` may run it; a blocked professional may only complete a started job (W2)."""
    action = ACTIONS[body.action]
    if action.role != me.role:
        raise WrongRole(_("This page isn't for your type of account."))
    if me.blocked is not None and body.action != "complete":
        raise UserBlocked(me.blocked)
    present = {name for name in body.__struct_fields__ if name != "action" and getattr(body, name) is not UNSET}
    errors = {name: _("This action doesn't accept this field.") for name in present - set(action.fields)}
    errors |= {name: _("This field is missing.") for name in action.required if name not in present}
    if errors:
        raise Invalid(errors)
    return action


def _validate(body: EditBody, kind: type[S], *names: str) -> S:
    """Validate these fields by the rules of the page's form."""
    return validate_json(kind, {name: value for name in names if (value := getattr(body, name)) is not UNSET})


def _fee(body: EditBody) -> int | None:
    return body.fee_paise if isinstance(body.fee_paise, int) else None


async def _offer_distances(db: AsyncSession, me: Me) -> Mapping[str, float | None]:
    """Return kilometres to each offer that `me` could accept now, by reference."""
    _schedule, _jobs, offers = await find_workday(db, me)
    return {offer.reference: offer.km for offer in offers}
