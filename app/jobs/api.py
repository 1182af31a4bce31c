"""One move of a booking for programs: /api/request/edit/{id}, by the verbs of the pages."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import UNSET, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.bookings import cancellation, reservation
from app.bookings.api_repository import BookingRows
from app.bookings.api_schemas import BookingJson, EditBody, booking_json
from app.bookings.schemas import start_of
from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.encryption import Vault
from app.core.errors import Invalid, Missing
from app.core.i18n import _
from app.jobs import handover
from app.jobs.repository import Jobs
from app.jobs.schemas import MaybeReason, Reason
from app.web.api import once, read_body, row, strictly, tell
from app.web.guards import BlockedPerson, NotYourRole, only
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc

S = TypeVar("S", bound=Struct)
EDIT = Doc(
    summary="One move of a booking",
    tag="Bookings",
    body=EditBody,
    path={"booking_id": "Number of the booking."},
    answers={200: BookingJson},
    refuses=(409,),
    once=True,
)


class MoveApi(Controller):
    path = "/api/request/edit/{booking_id:int}"

    @post(
        name="api_edit_booking",
        opt=only("customer", "professional", api=True, blocked_may=True, doc=EDIT),
    )
    async def edit(
        self,
        request: Request,
        booking_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
        after: NamedDependency[AfterCommit],
        vault: NamedDependency[Vault],
    ) -> JsonResponse:
        if me.blocked is not None and me.role != "professional":
            raise BlockedPerson(me.blocked)
        given = await read_body(request, EditBody)
        act = _act(me, given)

        async def make() -> JsonResponse:
            reference = await BookingRows(db).reference_for(me, row(booking_id))
            await act.do(Deed(db, lambda: database.work(after), me, reference, given, vault))
            await db.flush()
            return tell(booking_json(me, await BookingRows(db).one(booking_id), vault))

        return await once(request, db, me, given, make)


# The moves


@dataclass(frozen=True, slots=True)
class Deed:
    """What a move needs. `apart` is a transaction of its own."""

    db: AsyncSession
    apart: handover.Apart
    me: Me
    reference: str
    given: EditBody
    vault: Vault


async def _accept(one: Deed) -> None:
    await reservation.accept(one.db, one.me, one.reference, one.vault)


async def _pass(one: Deed) -> None:
    reason = _only(one.given, MaybeReason, "reason").reason
    try:
        await reservation.pass_on(one.db, one.me, one.reference, reason)
    except Missing:
        if not await Jobs(one.db).has_declined(one.me, one.reference):
            raise


async def _return(one: Deed) -> None:
    reason = _only(one.given, Reason, "reason").reason
    try:
        await reservation.hand_back(one.db, one.me, one.reference, reason)
    except Missing:
        if not await Jobs(one.db).has_declined(one.me, one.reference):
            raise


async def _start(one: Deed) -> None:
    await handover.start(one.db, one.apart, one.me, one.reference, str(one.given.code), one.vault)


async def _complete(one: Deed) -> None:
    await handover.complete(one.db, one.apart, one.me, one.reference, str(one.given.code), one.vault)


async def _cancel(one: Deed) -> None:
    reason = _only(one.given, MaybeReason, "reason").reason
    await cancellation.cancel(one.db, one.me, one.reference, reason, _fee(one.given))


async def _reschedule(one: Deed) -> None:
    await cancellation.move(one.db, one.me, one.reference, start_of(str(one.given.start)), _fee(one.given))


@dataclass(frozen=True, slots=True)
class Act:
    """Whose move it is, which fields it takes, and which of them it needs."""

    by: str
    do: Callable[[Deed], Awaitable[None]]
    takes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


ACTS = {
    "accept": Act("professional", _accept),
    "pass": Act("professional", _pass, ("reason",)),
    "return": Act("professional", _return, ("reason",), ("reason",)),
    "start": Act("professional", _start, ("code",), ("code",)),
    "complete": Act("professional", _complete, ("code",), ("code",)),
    "cancel": Act("customer", _cancel, ("reason", "fee_paise")),
    "reschedule": Act("customer", _reschedule, ("start", "fee_paise"), ("start",)),
}


def _act(me: Me, given: EditBody) -> Act:
    """Who is blocked may end what has started, and nothing else (W2)."""
    act = ACTS[given.action]
    if act.by != me.role:
        raise NotYourRole(_("This page is for somebody else's role."))
    if me.blocked is not None and given.action != "complete":
        raise BlockedPerson(me.blocked)
    sent = {name for name in given.__struct_fields__ if name != "action" and getattr(given, name) is not UNSET}
    errors = {name: _("This action takes no such field.") for name in sent - set(act.takes)}
    errors |= {name: _("This field is missing.") for name in act.needs if name not in sent}
    if errors:
        raise Invalid(errors)
    return act


# How


def _only(given: EditBody, kind: type[S], *names: str) -> S:
    """These fields by the rules of the page's form."""
    return strictly({name: value for name in names if (value := getattr(given, name)) is not UNSET}, kind)


def _fee(given: EditBody) -> int | None:
    return given.fee_paise if isinstance(given.fee_paise, int) else None
