"""/bookings/…/cancellation: the cost is shown before the customer cancels."""

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.bookings.booking import Booking
from app.bookings.cancellation import cancel_by_customer, cancellation_cost
from app.bookings.customer_repository import OwnBookings
from app.bookings.moves import StateRefused
from app.bookings.repository import Bookings
from app.bookings.schemas import Cancellation
from app.core.i18n import _
from app.payments.repository import Charges
from app.web.actions import Rejection, submit
from app.web.forms import parse_form
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import page
from app.web.validation import validate_form


class CancellationPages(Controller):
    path = "/bookings/{ref:str}/cancellation"
    opt = only("customer")

    @get(name="cancellation")
    async def show(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        return await _render(request, db, me, ref)

    @post()
    async def create(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)

        async def cancel() -> Booking:
            fields = validate_form(Cancellation, form)
            return await cancel_by_customer(db, me, ref, fields.reason, fields.fee, as_credit=fields.as_credit == "yes")

        return await submit(
            request,
            cancel,
            form=form,
            on_error=lambda rejection: _render(request, db, me, ref, rejection),
            message=_("Booking cancelled."),
            then=lambda booking: f"/bookings/{booking.reference}",
        )


async def _render(
    request: Request,
    db: AsyncSession,
    me: Me,
    ref: str,
    rejection: Rejection | None = None,
) -> HtmlResponse:
    booking = await Bookings(db).for_customer(me, ref)
    is_possible = booking.allows("cancel", me)
    refusal, errors = (rejection.refusal, rejection.errors) if rejection else (None, {})
    if not is_possible and refusal is None:
        refusal = StateRefused(booking.state)
    booking_charges = await Charges(db).of_booking(booking.id)
    return page(
        request,
        "bookings/cancellation.html",
        status=409 if refusal else 422 if errors else 200,
        booking=booking,
        possible=is_possible,
        cost=cancellation_cost(booking, booking_charges),
        may_keep_as_credit=any(charge.held for charge in booking_charges if charge.method in ("card", "upi")),
        professional=await OwnBookings(db, me).assigned_professional(booking, booking.professional_id),
        values=rejection.values if rejection else {},
        errors=errors,
        refusal=refusal,
    )
