"""/bookings/…/payment: pay for a held booking or for what is due. Card data is never shown again."""

from collections.abc import Mapping
from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.bookings.booking import Booking
from app.bookings.checkout import (
    PaymentForm,
    PaymentFormKind,
    PaymentOutcome,
    PaymentStatus,
    charge_awaiting_code,
    is_over,
    pay_order,
    was_ordered,
)
from app.bookings.customer_repository import OwnBookings
from app.bookings.customer_view import place_name
from app.bookings.deadlines import FREE_CANCELLATION_NOTICE, LATE_FEE_PAISE
from app.bookings.moves import State
from app.bookings.repository import Bookings
from app.bookings.schemas import Payment
from app.catalog.repository import ServiceDetails, ServiceRepository
from app.core import clock
from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.errors import Invalid, Refused
from app.core.i18n import _
from app.core.references import new_reference as random_key
from app.payments.charges import due_charges
from app.payments.repository import Charges
from app.web.forms import parse_form
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, page, redirect
from app.web.validation import validate_form


class PaymentPages(Controller):
    path = "/bookings/{ref:str}/payment"
    opt = only("customer")

    @get(name="payment")
    async def show(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        booking = await Bookings(db).for_customer(me, ref)
        due = due_charges(await Charges(db).of_booking(booking.id))
        if not due and (was_ordered(booking) or booking.cancelled_as not in (None, "expired")):
            return redirect(request, f"/bookings/{booking.reference}")
        if not due and (service := await _retired_service(db, booking)):
            return page(request, "bookings/service_retired.html", booking=booking, service=service)
        if not due and is_over(booking):
            return page(request, "bookings/hold_expired.html", booking=booking, **_new_form())
        return await _render(request, db, me, booking)

    @post()
    async def create(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
        after_commit: NamedDependency[AfterCommit],
    ) -> HtmlResponse:
        form = await parse_form(request)
        try:
            payment_form = _payment_form(form)
        except Invalid as error:
            booking = await Bookings(db).for_customer(me, ref)
            for_debt = bool(due_charges(await Charges(db).of_booking(booking.id)))
            outcome = PaymentOutcome(PaymentStatus.INVALID, booking, for_debt, error.errors)
        else:
            outcome = await pay_order(db, me, ref, payment_form, lambda: database.work(after_commit))
        return await _respond(request, db, me, outcome, form)


def _payment_form(form: Mapping[str, str]) -> PaymentForm:
    """Read which of the two forms was sent: the bank's code is one without an instrument."""
    code_alone = bool(form.get("code", "").strip()) and not form.get("card_number", "").strip()
    is_code = code_alone and form.get("method", "card") == "card"
    kind = PaymentFormKind.BANK_CODE if is_code else PaymentFormKind.INSTRUMENT
    return PaymentForm(kind, form, validate_form(Payment, form).idempotency_key, form.get("shown"))


async def _respond(
    request: Request, db: AsyncSession, me: Me, outcome: PaymentOutcome, form: Mapping[str, str]
) -> HtmlResponse:
    booking = outcome.booking
    assert booking is not None
    match outcome.status:
        case PaymentStatus.NEEDS_CODE:
            return redirect(request, f"/bookings/{booking.reference}/payment")
        case PaymentStatus.PAID:
            if outcome.for_debt:
                flash(request, _("Paid. Thank you."))
            elif booking.state == State.REQUESTED:
                flash(request, _("Booked! We're finding you a professional."))
            return redirect(request, f"/bookings/{booking.reference}")
        case PaymentStatus.INVALID:
            errors = outcome.errors
            if not outcome.for_debt and (was_ordered(booking) or is_over(booking)):  # there is no form to show them in
                raise Invalid({"": next(iter(errors.values())), **errors})
            return await _render(request, db, me, booking, values=_redisplayable(form), errors=errors)
    assert outcome.refusal is not None
    return await _render_refusal(request, db, me, booking, outcome.status, outcome.refusal)


async def _render_refusal(
    request: Request, db: AsyncSession, me: Me, booking: Booking, status: PaymentStatus, refusal: Refused
) -> HtmlResponse:
    """Render 409 with the next step: confirm the new price, or pick another time."""
    if status is PaymentStatus.CHANGED:
        booking = await Bookings(db).for_customer(me, booking.reference)
        return await _render(request, db, me, booking, refusal=refusal)
    if status is PaymentStatus.REFUSED:
        raise refusal
    if service := await _retired_service(db, booking):
        return page(request, "bookings/service_retired.html", status=409, booking=booking, service=service)
    if status is PaymentStatus.LAPSED:
        return page(request, "bookings/hold_expired.html", status=409, booking=booking, **_new_form(refusal))
    raise refusal


async def _render(
    request: Request,
    db: AsyncSession,
    me: Me,
    booking: Booking,
    *,
    values: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    refusal: Refused | None = None,
) -> HtmlResponse:
    due = due_charges(await Charges(db).of_booking(booking.id))
    waiting = await charge_awaiting_code(db, booking) if not due else None
    charge = waiting or next((charge for charge in due if charge.method != "after"), None)
    return page(
        request,
        "bookings/payment.html",
        status=409 if refusal else 422 if errors else 200,
        booking=booking,
        debt=sum(charge.amount for charge in due),
        waiting=charge,
        who=await OwnBookings(db, me).card(booking.requested_professional_id, booking.pincode),
        values={"method": "upi", **_new_form()["values"], **(values or {})},
        errors=dict(errors or {}),
        refusal=refusal,
        place=await place_name(db, booking),
        now=clock.now(),
        free_until=booking.starts_at - FREE_CANCELLATION_NOTICE,
        late_fee=min(LATE_FEE_PAISE, booking.price),
    )


async def _retired_service(db: AsyncSession, booking: Booking) -> ServiceDetails | None:
    """The service of the booking, when it is no longer offered."""
    service = await ServiceRepository(db).by_id(booking.service_id)
    return service if service.retired else None


def _redisplayable(form: Mapping[str, str]) -> dict[str, str]:
    """The values that may be shown again: nothing of a card."""
    return {name: form[name] for name in ("method", "upi_id", "idempotency_key") if name in form}


def _new_form(refusal: Refused | None = None) -> dict[str, Any]:
    return {"values": {"idempotency_key": random_key() + random_key()}, "refusal": refusal}
