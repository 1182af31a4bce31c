"""Cancelling and moving: what it costs stands there before it is done."""

from collections.abc import Mapping
from datetime import datetime

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.bookings import cancellation
from app.bookings.cancellation import cost_of
from app.bookings.customer_repository import OwnBookings
from app.bookings.moves import State, sorry
from app.bookings.repository import Bookings
from app.bookings.schemas import Cancellation, NewStart, start_of
from app.bookings.slot_picker import agreed, day_of, picker
from app.catalog.service import Service
from app.core import clock
from app.core.errors import Invalid, Refused
from app.core.i18n import _
from app.payments.repository import Charges
from app.scheduling.candidates import nearest_free
from app.web.forms import form, query, read, shown_again
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, go, page

SUGGESTED = 3


class CancellationPages(Controller):
    path = "/bookings/{ref:str}/cancellation"
    opt = only("customer")

    @get(name="cancellation")
    async def show(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        return await _cancelling(request, db, me, ref)

    @post()
    async def create(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        sent = await form(request)
        try:
            told = read(Cancellation, sent)
            booking = await cancellation.cancel(db, me, ref, told.reason, told.fee)
        except Invalid as error:
            return await _cancelling(request, db, me, ref, values=shown_again(sent), errors=error.errors)
        except Refused as refusal:
            return await _cancelling(request, db, me, ref, values=shown_again(sent), refusal=refusal)
        flash(request, _("Cancelled. The time is free for others again."))
        return go(request, f"/bookings/{booking.reference}")


class ReschedulePages(Controller):
    path = "/bookings/{ref:str}/reschedule"
    opt = only("customer")

    @get(name="reschedule")
    async def show(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        return await _moving(request, db, me, ref)

    @post()
    async def create(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        sent = await form(request)
        try:
            told = read(NewStart, sent)
            await cancellation.move(db, me, ref, start_of(told.start), told.fee)
        except Invalid as error:
            return await _moving(request, db, me, ref, values=shown_again(sent), errors=error.errors)
        except Refused as refusal:
            return await _moving(request, db, me, ref, values=shown_again(sent), refusal=refusal)
        flash(request, _("Moved. We ask for the new time now."))
        return go(request, f"/bookings/{ref.upper()}")


# How


async def _cancelling(
    request: Request,
    db: AsyncSession,
    me: Me,
    ref: str,
    *,
    values: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    refusal: Refused | None = None,
) -> HtmlResponse:
    booking = await Bookings(db).for_customer(me, ref)
    possible = booking.allows("cancel", me)
    if not possible and refusal is None:
        refusal = Refused(sorry(booking.state))
    return page(
        request,
        "bookings/cancellation.html",
        status=409 if refusal else 422 if errors else 200,
        booking=booking,
        possible=possible,
        cost=cost_of(booking, await Charges(db).of_booking(booking.id)),
        comer=await OwnBookings(db, me).comer(booking, booking.professional_id),
        values=dict(values or {}),
        errors=dict(errors or {}),
        refusal=refusal,
    )


async def _moving(
    request: Request,
    db: AsyncSession,
    me: Me,
    ref: str,
    *,
    values: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    refusal: Refused | None = None,
) -> HtmlResponse:
    """The times of the same service, the booking's own time counted as free."""
    booking = await Bookings(db).for_customer(me, ref)
    possible = booking.state in (State.REQUESTED, State.ASSIGNED)
    if not possible and refusal is None:
        refusal = Refused(sorry(booking.state))
    service = agreed(booking, await db.get_one(Service, booking.service_id))
    day = day_of(query(request).get("day", ""))
    picks = await picker(db, service, booking.pincode, day, ignoring=booking.id) if possible else None
    taken = refusal is not None and refusal.reason == "taken"
    return page(
        request,
        "bookings/reschedule.html",
        status=409 if refusal else 422 if errors else 200,
        booking=booking,
        possible=possible,
        fee=booking.cancellation_fee(clock.now()),
        comer=await OwnBookings(db, me).comer(booking, booking.professional_id),
        picks=picks,
        free=await nearest_free(db, service, booking.pincode, _wanted(values), limit=SUGGESTED) if taken else [],
        values=dict(values or {}),
        errors=dict(errors or {}),
        refusal=refusal,
    )


def _wanted(values: Mapping[str, str] | None) -> datetime:
    """The start that was asked for, or now."""
    try:
        return start_of((values or {}).get("start", ""))
    except Invalid:
        return clock.now()
