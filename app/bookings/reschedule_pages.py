"""/bookings/…/reschedule: move a booking to another start; the fee is shown first."""

from collections.abc import Mapping
from datetime import datetime

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.bookings.customer_repository import OwnBookings
from app.bookings.moves import State, StateRefused
from app.bookings.repository import Bookings
from app.bookings.reservation import reschedule_by_customer
from app.bookings.schemas import NewStart, read_start
from app.bookings.slot_picker import agreed_service, day_of, load_slot_picker
from app.catalog.service import Service
from app.core import clock
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.references import parse_reference
from app.scheduling.slot_search import nearest_starts
from app.web.actions import Rejection, submit
from app.web.forms import parse_form, parse_query
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import page
from app.web.validation import validate_form

MAX_SUGGESTIONS = 3


class ReschedulePages(Controller):
    path = "/bookings/{ref:str}/reschedule"
    opt = only("customer")

    @get(name="reschedule")
    async def show(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        return await _render(request, db, me, ref)

    @post()
    async def create(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)

        async def reschedule() -> None:
            fields = validate_form(NewStart, form)
            await reschedule_by_customer(db, me, ref, read_start(fields.start), fields.fee)

        return await submit(
            request,
            reschedule,
            form=form,
            on_error=lambda rejection: _render(request, db, me, ref, rejection),
            message=_("Rescheduled! We're finding a professional for the new time."),
            then=f"/bookings/{parse_reference(ref)}",
        )


async def _render(
    request: Request,
    db: AsyncSession,
    me: Me,
    ref: str,
    rejection: Rejection | None = None,
) -> HtmlResponse:
    """The free starts of the same service; the booking's own time counts as free."""
    booking = await Bookings(db).for_customer(me, ref)
    is_possible = booking.state in (State.REQUESTED, State.ASSIGNED)
    values, errors = (rejection.values, rejection.errors) if rejection else ({}, {})
    refusal = rejection.refusal if rejection else None
    if not is_possible and refusal is None:
        refusal = StateRefused(booking.state)
    service = agreed_service(booking, await db.get_one(Service, booking.service_id))
    day = day_of(parse_query(request).get("day", ""))
    picks = (
        await load_slot_picker(db, service, booking.pincode, day, customer_id=me.id, ignoring=booking.id)
        if is_possible
        else None
    )
    was_taken = refusal is not None and refusal.reason == "taken"
    return page(
        request,
        "bookings/reschedule.html",
        status=409 if refusal else 422 if errors else 200,
        booking=booking,
        possible=is_possible,
        fee=booking.cancellation_fee(clock.now()),
        professional=await OwnBookings(db, me).assigned_professional(booking, booking.professional_id),
        picks=picks,
        free=await nearest_starts(
            db, service, booking.pincode, _requested_start(values), customer_id=me.id, limit=MAX_SUGGESTIONS
        )
        if was_taken
        else [],
        values=values,
        errors=errors,
        refusal=refusal,
    )


def _requested_start(values: Mapping[str, str]) -> datetime:
    """The start that was requested, or now."""
    try:
        return read_start(values.get("start", ""))
    except Invalid:
        return clock.now()
