"""/bookings/…/payment: pay for a held booking or for what is due. Card data is never shown again."""

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.bookings.booking import Booking
from app.bookings.checkout import (
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
from app.bookings.payment_form import PaymentForm, PaymentFormKind, quote_booking, split_of
from app.bookings.repository import Bookings
from app.bookings.schemas import Payment
from app.catalog.repository import ServiceDetails, ServiceRepository
from app.core import clock
from app.core.after_commit import AfterCommit
from app.core.db import Database, TransactionFactory
from app.core.encryption import Encryption
from app.core.errors import Invalid, RateLimited, Refused
from app.core.i18n import _
from app.core.references import new_reference as random_key
from app.payments.charge import Charge
from app.payments.charges import due_charges
from app.payments.credit import credit_balance
from app.payments.repository import Charges
from app.payments.saved_methods_repository import SavedMethods
from app.payments.split import PaymentSplit
from app.payments.tip import Tip, TipState
from app.payments.tips_repository import Tips
from app.promotions.guesses import count_guess
from app.settings import Settings
from app.web.context import context_of
from app.web.forms import parse_form, parse_query
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, page, redirect
from app.web.security import client_address
from app.web.validation import validate_form


class PaymentPages(Controller):
    path = "/bookings/{ref:str}/payment"
    opt = only("customer")

    @get(name="payment")
    async def show(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        query, limited = parse_query(request), None
        address = client_address(request.scope, settings.trusted_proxies)
        try:
            await count_guess(database.work, me.id, address, query.get("coupon", ""))
        except RateLimited as error:
            limited = error
        booking = await Bookings(db).for_customer(me, ref)
        due = due_charges(await Charges(db).of_booking(booking.id)) or await Tips(db).waiting(booking.id)
        if not due and (was_ordered(booking) or booking.cancelled_as not in (None, "expired")):
            return redirect(request, f"/bookings/{booking.reference}")
        if not due and (service := await _retired_service(db, booking)):
            return page(request, "bookings/service_retired.html", booking=booking, service=service)
        if not due and is_over(booking):
            return page(request, "bookings/hold_expired.html", booking=booking, **_new_form())
        applied = {name: query[name] for name in ("coupon", "use_credit", "method") if query.get(name)}
        if limited is not None:
            return await _render_limited(request, db, me, booking, applied, limited)
        return await _render(request, db, me, booking, values=applied)

    @post()
    async def create(
        self,
        request: Request,
        ref: FromPath[str],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
        after_commit: NamedDependency[AfterCommit],
        encryption: NamedDependency[Encryption],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        form, new_transaction = await parse_form(request), partial(database.work, after_commit)
        address = client_address(request.scope, settings.trusted_proxies)
        try:
            await count_guess(new_transaction, me.id, address, form.get("coupon", ""))
            payment_form = await _payment_form(db, me, encryption, form)
        except RateLimited as limited:
            booking = await Bookings(db).for_customer(me, ref)
            return await _render_limited(request, db, me, booking, _redisplayable(form), limited)
        except Invalid as error:
            booking = await Bookings(db).for_customer(me, ref)
            due = due_charges(await Charges(db).of_booking(booking.id)) or await Tips(db).waiting(booking.id)
            for_debt = bool(due)
            outcome = PaymentOutcome(PaymentStatus.INVALID, booking, for_debt, errors=error.errors)
        else:
            if form.get("apply") == "yes":
                return await _apply(request, db, me, ref, form)
            outcome = await pay_order(db, me, ref, payment_form, new_transaction)
            if outcome.status in (PaymentStatus.PAID, PaymentStatus.NEEDS_CODE):
                remembering = partial(_remember, new_transaction, me, encryption, payment_form, outcome)
                context_of(request).follow_ups.append(remembering)
        return await _respond(request, db, me, outcome, form)


async def _payment_form(db: AsyncSession, me: Me, encryption: Encryption, form: Mapping[str, str]) -> PaymentForm:
    """Read which of the two forms was sent: the bank's code is one without an instrument.

    Raises Invalid for a remembered method that is not theirs or has expired.
    """
    payment, saved = validate_form(Payment, form), None
    code_alone = bool(form.get("code", "").strip()) and not form.get("card_number", "").strip()
    is_code = code_alone and form.get("method", "card") == "card"
    kind = PaymentFormKind.BANK_CODE if is_code else PaymentFormKind.INSTRUMENT
    if form.get("method") == "saved":
        saved = await SavedMethods(db, me).instrument(encryption, payment.saved_id)
    return PaymentForm(kind, form, payment.idempotency_key, form.get("shown"), saved)


async def _remember(
    new_transaction: TransactionFactory, me: Me, encryption: Encryption, form: PaymentForm, outcome: PaymentOutcome
) -> None:
    """Remember the method that was paid with, where the form asks so; a card that awaits a code once that is right."""
    async with new_transaction() as db:
        saved_methods, paid = SavedMethods(db, me), outcome.status is PaymentStatus.PAID
        if form.kind is PaymentFormKind.BANK_CODE and paid:
            tip = await Tips(db).of_booking(outcome.booking.id) if outcome.for_tip else None
            paid_by = [tip] if tip else await Charges(db).of_booking(outcome.booking.id)
            for charge in paid_by:
                await saved_methods.confirm(charge.brand, charge.last4)
        elif form.saved is not None:
            await saved_methods.use(int(form.fields["saved_id"]))
        elif outcome.booking.payment in ("credit", "coupon"):
            return
        elif form.fields.get("remember") == "yes" and (instrument := form.instrument()).method != "after":
            await saved_methods.remember(encryption, instrument, confirmed=paid)


async def _apply(request: Request, db: AsyncSession, me: Me, ref: str, form: Mapping[str, str]) -> HtmlResponse:
    """Show the price with the coupon and credit, before paying it."""
    booking = await Bookings(db).for_customer(me, ref)
    values = {name: form[name].strip() for name in ("coupon", "use_credit", "method") if form.get(name, "").strip()}
    try:
        await quote_booking(db, booking, values.get("coupon", ""), use_credit=False)
    except Invalid as error:
        return await _render(request, db, me, booking, values=_redisplayable(form), errors=error.errors)
    return redirect(request, f"/bookings/{booking.reference}/payment?{urlencode(values)}")


async def _respond(
    request: Request, db: AsyncSession, me: Me, outcome: PaymentOutcome, form: Mapping[str, str]
) -> HtmlResponse:
    booking = outcome.booking
    assert booking is not None
    match outcome.status:
        case PaymentStatus.NEEDS_CODE:
            return redirect(request, f"/bookings/{booking.reference}/payment")
        case PaymentStatus.PAID:
            if outcome.for_tip:
                flash(request, _("Thank you. All of your tip goes to the professional."))
            elif outcome.for_debt:
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
    tip = await Tips(db).waiting(booking.id) if not due else None
    waiting: Charge | Tip | None = await charge_awaiting_code(db, booking) if not due and not tip else None
    if tip is not None and tip.state == TipState.NEEDS_CODE:
        waiting = tip
    saved = await SavedMethods(db, me).all()
    usable = next((method for method in saved if not method.is_expired), None)
    chosen = {"method": "saved", "saved_id": str(usable.id)} if usable else {"method": "upi"}
    charge = waiting or next((charge for charge in due if charge.method != "after"), None)
    values, errors = {**chosen, **_new_form()["values"], **(values or {})}, dict(errors or {})
    split = PaymentSplit(booking.price)
    if isinstance(waiting, Charge) and not values.get("coupon"):
        split = await split_of(db, booking)
        values |= {"coupon": split.coupon_code or "", "use_credit": "yes" if split.credit else ""}
    elif not due and not tip:
        split = await _quote(db, booking, values, errors)
    return page(
        request,
        "bookings/payment.html",
        status=409 if refusal else 422 if errors else 200,
        booking=booking,
        split=split,
        credit=await credit_balance(db, me.id) if not due and not tip else 0,
        debt=tip.amount if tip else sum(charge.amount for charge in due),
        tip=tip,
        waiting=charge,
        who=await OwnBookings(db, me).card(booking.requested_professional_id, booking.pincode),
        saved_methods=saved,
        values=values,
        errors=errors,
        refusal=refusal,
        place=await place_name(db, booking),
        now=clock.now(),
        free_until=booking.starts_at - FREE_CANCELLATION_NOTICE,
        late_fee=min(LATE_FEE_PAISE, booking.price),
    )


async def _render_limited(
    request: Request, db: AsyncSession, me: Me, booking: Booking, values: Mapping[str, str], limited: RateLimited
) -> HtmlResponse:
    """Render 429 with the form: too many unknown coupons were typed."""
    response = await _render(request, db, me, booking, values=values, errors={"coupon": limited.message})
    response.status_code = 429
    response.headers["retry-after"] = str(limited.seconds)
    return response


async def _quote(db: AsyncSession, booking: Booking, values: Mapping[str, str], errors: dict[str, str]) -> PaymentSplit:
    """What coupon and credit of the form pay; a coupon that can't be used is left out, and `errors` says why."""
    code, use_credit = values.get("coupon", ""), values.get("use_credit") == "yes"
    try:
        if "coupon" not in errors:  # else it is known that it can't be used
            return await quote_booking(db, booking, code, use_credit=use_credit)
    except Invalid as error:
        errors |= error.errors
    return await quote_booking(db, booking, "", use_credit=use_credit)


async def _retired_service(db: AsyncSession, booking: Booking) -> ServiceDetails | None:
    """The service of the booking, when it is no longer offered."""
    service = await ServiceRepository(db).by_id(booking.service_id)
    return service if service.retired else None


def _redisplayable(form: Mapping[str, str]) -> dict[str, str]:
    """The values that may be shown again: nothing of a card."""
    return {
        name: form[name]
        for name in ("method", "saved_id", "upi_id", "remember", "idempotency_key", "coupon", "use_credit")
        if name in form
    }


def _new_form(refusal: Refused | None = None) -> dict[str, Any]:
    return {"values": {"idempotency_key": random_key() + random_key()}, "refusal": refusal}
