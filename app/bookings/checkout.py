"""Check out a booking: hold the slot, then pay for it, or pay what is due afterwards.

Lock order: the form's idempotency key, the booking's row, the customer's holds, the service's row, professionals' time
(app.scheduling.reservation). Changes of the catalog take none of the others.
"""

import enum
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.deadlines import BookingDeadlines
from app.bookings.holds import BookingRequest, hold, refusal_of, refuse_blocked, reserve_slot
from app.bookings.moves import State, StateRefused
from app.bookings.payment_form import (
    PaymentForm,
    PaymentFormKind,
    buyer_of,
    check_rest,
    declined_errors,
    invalid_code_error,
    read_payment,
    split_of,
)
from app.bookings.price_changes import check_price, follow_catalog, lock_price, price_changed
from app.bookings.repository import Bookings
from app.core import clock, idempotency
from app.core.db import AdvisoryLock, TransactionFactory, acquire_lock
from app.core.errors import Invalid, Refused
from app.core.events import Person
from app.core.i18n import _
from app.core.references import parse_reference
from app.payments import charges, pretend_bank
from app.payments.charge import COUPON, CREDIT, Charge, ChargeState
from app.payments.repository import Charges
from app.payments.split import PaymentSplit
from app.payments.tip import Tip, TipState
from app.payments.tips import pay_tip
from app.payments.tips_repository import Tips
from app.promotions.discounts import claim_payment
from app.scheduling.reservation import keep_reservation

HOLD_PURPOSE, PAYMENT_PURPOSE = "booking", "payment"  # of idempotency keys


class PaymentStatus(enum.Enum):
    PAID = enum.auto()  # booked, or what was due is paid
    NEEDS_CODE = enum.auto()  # the bank asks for a code first
    INVALID = enum.auto()  # `errors` beside fields, also when the bank declined
    CHANGED = enum.auto()  # W6: the price changed; the customer confirms the new one
    RETIRED = enum.auto()  # W5: the service is no longer offered
    LAPSED = enum.auto()  # the hold is over, or its time was taken
    REFUSED = enum.auto()  # any other refusal


REFUSAL_STATUS = {
    "changed": PaymentStatus.CHANGED,
    "retired": PaymentStatus.RETIRED,
    "lapsed": PaymentStatus.LAPSED,
    "taken": PaymentStatus.LAPSED,
}


@dataclass(frozen=True, slots=True)
class PaymentOutcome:
    """What became of a payment. `for_debt`: it was for what is due, or for a tip."""

    status: PaymentStatus
    booking: Booking
    for_debt: bool = False
    for_tip: bool = False
    errors: Mapping[str, str] = field(default_factory=dict)
    refusal: Refused | None = None


async def place_order(db: AsyncSession, by: Person, request: BookingRequest, idempotency_key: str = "") -> str:
    """Hold the slot for seven minutes and return the booking's reference; the same key and request give the same one.

    Refused("taken", "overdue", "holds", "unpaid"); Invalid for the field that no professional can fulfil.
    """
    key_row = await idempotency.claim_key(db, by.id, idempotency_key, HOLD_PURPOSE, asdict(request))
    if key_row is not None and key_row.result:
        return key_row.result
    with _unavailable_as_invalid(request):
        booking = await hold(db, by, request)
    _store_result(key_row, booking)
    await db.flush()
    return booking.reference


async def overdue_reference(db: AsyncSession, by: Person) -> str | None:
    """The reference of the booking that has to be paid before the next one can be made."""
    booking_id = await charges.overdue_booking(db, by.id)
    return await Bookings(db).reference_of(booking_id) if booking_id is not None else None


async def book_and_pay(db: AsyncSession, by: Person, request: BookingRequest, form: PaymentForm) -> Booking:
    """Hold the slot and pay for it in one transaction, which the caller rolls back when this raises.

    The bank is asked before any row is locked. Invalid beside each wrong field, also when the bank declines or asks for
    a code; Refused as app.bookings.holds.hold, and "changed".
    """
    price = await Bookings(db).price_of(request.service_id)
    if price is None:
        raise Invalid({"service_id": _("This service is no longer offered.")})
    split, instrument = await read_payment(db, buyer_of(db, by, 0), price, form)
    authorisation = _authorise(instrument, split.rest, form.code)
    if authorisation is not None and authorisation.state == "needs_code":
        raise Invalid({"code": _("Your bank needs a code. Send the same request again with the code.")})
    if authorisation is not None and authorisation.state != "authorised":
        raise Invalid(declined_errors(authorisation))
    with _unavailable_as_invalid(request):
        booking = await reserve_slot(db, by, request, payment_method=instrument.method)
    if booking.price != price:
        raise price_changed()
    booking.pay(by, instrument.method)
    db.add(booking)
    try:
        await db.flush()
    except IntegrityError as error:
        raise refusal_of(error) from error
    await claim_payment(db, buyer_of(db, by, booking.id), booking.id, split)
    if split.credit or split.coupon:
        await charges.promise(db, booking.id, by.id, split)
    if authorisation is not None:
        await charges.add_authorised(db, booking.id, by.id, split.rest, "booking", instrument)
    return booking


async def pay_order(
    db: AsyncSession, by: Person, reference: str, form: PaymentForm, new_transaction: TransactionFactory
) -> PaymentOutcome:
    """Pay a held booking, or what is due for one.

    The bank is asked before any row is locked. Declined charges and changes of the catalog are written in transactions
    of their own.
    """
    booking = await Bookings(db).for_customer(by, reference)
    debt = await _amount_due(db, booking)
    tip = None if debt else await Tips(db).waiting(booking.id)
    for_debt = bool(debt or tip)
    try:
        if debt:
            await _pay_debt(db, by, booking, debt, form)
        elif tip is not None:
            await _pay_tip(db, by, booking, tip.amount, form)
        else:
            async with db.begin_nested():
                await _pay_held(db, by, booking, form, new_transaction)
    except Invalid as error:
        return PaymentOutcome(PaymentStatus.INVALID, booking, for_debt, errors=error.errors)
    except Refused as refusal:
        refusal = await follow_catalog(new_transaction, booking, refusal)
        status = REFUSAL_STATUS.get(refusal.reason, PaymentStatus.REFUSED)
        return PaymentOutcome(status, booking, for_debt, refusal=refusal)
    booking = await Bookings(db).for_customer(by, booking.reference)
    status = PaymentStatus.NEEDS_CODE if await _needs_code(db, booking) else PaymentStatus.PAID
    return PaymentOutcome(status, booking, for_debt, tip is not None)


def authorise_tip(form: PaymentForm, amount: int) -> pretend_bank.Authorisation:
    """The bank's answer to a tip that is paid in one request. Invalid beside each wrong field."""
    instrument = form.instrument()
    if instrument.method == "after":
        raise Invalid({"method": _("The job is done. Choose card or UPI.")})
    authorisation = pretend_bank.authorise(instrument, amount, form.code)
    if authorisation.state == "needs_code":
        raise Invalid({"code": _("Your bank needs a code. Send the same request again with the code.")})
    if authorisation.state != "authorised":
        raise Invalid(declined_errors(authorisation))
    return authorisation


async def pay(
    db: AsyncSession,
    by: Person,
    reference: str,
    authorisation: pretend_bank.Authorisation | None,
    idempotency_key: str = "",
    split: PaymentSplit | None = None,
) -> Booking:
    """Pay a held booking with the bank's answer, once however often it is sent; None means pay after the work.

    The bank was asked for the rest of `split`; what a coupon and credit pay besides is claimed under their locks.
    When the bank asks for a code the booking stays held. Refused("lapsed", "retired", "changed", "state");
    Invalid("coupon", "use_credit").
    """
    method: pretend_bank.Method = "after"
    if split is not None and split.covered_by:
        method = "credit" if split.credit else "coupon"
    instrument = authorisation.instrument if authorisation else pretend_bank.Instrument(method)
    key_row = await _claim_payment_key(db, by, reference, instrument, idempotency_key, split)
    booking = await Bookings(db).for_customer(by, reference, lock=True)
    if was_ordered(booking) and booking.state != State.CANCELLED:
        _store_result(key_row, booking)
        return booking
    if instrument.method == "after":
        # Whether the hold has lapsed, and so no longer counts as unpaid, is decided in turn with new bookings.
        await acquire_lock(db, AdvisoryLock.CUSTOMER_HOLDS, booking.customer_id)
    _require_held(booking)
    await lock_price(db, booking)
    split = split or PaymentSplit(booking.price)
    if authorisation is None or authorisation.state == "authorised":
        await claim_payment(db, buyer_of(db, by, booking.id), booking.id, split)
    if authorisation is None:
        await charges.abandon_bank_codes(db, [booking.id])
        await charges.promise(db, booking.id, booking.customer_id, split)
    else:
        await charges.authorise(
            db, booking.id, booking.customer_id, split.rest, "booking", authorisation, besides=split
        )
    if authorisation is not None and authorisation.state == "needs_code":
        await idempotency.release_key(db, key_row)
    else:
        await _confirm(db, by, booking, instrument.method)
        _store_result(key_row, booking)
    await db.flush()
    return booking


async def charge_awaiting_code(db: AsyncSession, booking: Booking) -> Charge | None:
    """The charge for which the bank has asked for a code."""
    waiting = await Charges(db).in_state(booking.id, ChargeState.NEEDS_CODE)
    return next((charge for charge in reversed(waiting) if charge.method not in (CREDIT, COUPON)), None)


def was_ordered(booking: BookingDeadlines) -> bool:
    """Whether the booking was ever paid, or ordered to be paid after the work."""
    return booking.requested_at is not None


def is_over(booking: Booking) -> bool:
    """Whether the booking was cancelled or its hold has lapsed."""
    return booking.cancelled_as is not None or booking.hold_lapsed(clock.now())


async def _pay_held(
    db: AsyncSession, by: Person, booking: Booking, form: PaymentForm, new_transaction: TransactionFactory
) -> None:
    is_payable = not was_ordered(booking) and not is_over(booking)
    if form.kind is PaymentFormKind.BANK_CODE:
        if is_payable:
            await check_price(db, booking, form.shown_price)
        await _confirm_code(db, by, booking.reference, form.code)
        return
    split, instrument = await read_payment(db, buyer_of(db, by, booking.id), booking.price, form)
    if is_payable:
        await check_price(db, booking, form.shown_price)
        check_rest(split, form)
    authorisation = _authorise(instrument, split.rest, form.code)
    if is_payable and authorisation is not None and authorisation.state not in ("authorised", "needs_code"):
        if authorisation.state != "wrong_code":
            await _record_declined(new_transaction, booking, split.rest, authorisation)
        raise Invalid(declined_errors(authorisation))
    await pay(db, by, booking.reference, authorisation, form.idempotency_key, split)


async def _confirm(db: AsyncSession, by: Person, booking: Booking, method: str) -> None:
    """Turn the hold into a request. Refused("lapsed", "blocked")."""
    if not await keep_reservation(db, booking.id):
        raise _lapsed()
    async with refuse_blocked(db):
        booking.pay(by, method)


async def _confirm_code(db: AsyncSession, by: Person, reference: str, code: str) -> None:
    """Pay with the code that the bank sent. Invalid("code") when it is wrong."""
    booking = await Bookings(db).for_customer(by, reference, lock=True)
    if was_ordered(booking) and booking.state != State.CANCELLED:
        return
    _require_held(booking)
    await lock_price(db, booking)
    charge = await charge_awaiting_code(db, booking)
    if charge is None:
        raise Invalid({"method": _("Choose a payment method.")})
    if _authorise_with_code(charge, code).state != "authorised":
        raise invalid_code_error()
    await claim_payment(db, buyer_of(db, by, booking.id), booking.id, await split_of(db, booking))
    await charges.confirm(db, charge)
    await _confirm(db, by, booking, charge.method)


async def _pay_debt(db: AsyncSession, by: Person, booking: Booking, amount: int, form: PaymentForm) -> None:
    """Pay all that is due for the booking, `amount` paise."""
    if form.kind is PaymentFormKind.BANK_CODE:
        await _settle_by_code(db, by, booking.reference, form.code)
        return
    if form.coupon_code:
        raise Invalid({"coupon": _("A coupon lowers the price of a new booking. This one's price is fixed.")})
    if form.uses_credit:
        raise Invalid({"use_credit": _("Credit can be used when you book. Choose card or UPI for what is due.")})
    instrument = form.instrument()
    if instrument.method == "after":
        raise Invalid({"method": _("The job is done. Choose card or UPI.")})
    authorisation = pretend_bank.authorise(instrument, amount, form.code)
    if authorisation.state not in ("authorised", "needs_code"):
        raise Invalid(declined_errors(authorisation))
    await _settle(db, by, booking.reference, authorisation, form.idempotency_key)


async def _pay_tip(db: AsyncSession, by: Person, booking: Booking, amount: int, form: PaymentForm) -> None:
    """Pay the tip of `amount` paise, once however often the form is sent. Refused("crossed") about "tip"."""
    authorisation = None
    if form.kind is PaymentFormKind.INSTRUMENT:
        instrument = form.instrument()
        if instrument.method == "after":
            raise Invalid({"method": _("The job is done. Choose card or UPI.")})
        authorisation = pretend_bank.authorise(instrument, amount, form.code)
        if authorisation.state not in ("authorised", "needs_code"):
            raise Invalid(declined_errors(authorisation))
    booking = await Bookings(db).for_customer(by, booking.reference, lock=True)
    tip = await Tips(db).of_booking(booking.id, lock=True)
    if tip is None or tip.state == TipState.PAID:
        return
    if tip.amount != amount:
        message = _("The tip was changed in another window. Check it and pay again.")
        raise Refused(message, reason="crossed", about="tip")
    if authorisation is None:
        if tip.state != TipState.NEEDS_CODE:
            raise Invalid({"method": _("Choose a payment method.")})
        authorisation = _authorise_with_code(tip, form.code)
        if authorisation.state != "authorised":
            raise invalid_code_error()
    await pay_tip(db, booking, by, tip, authorisation)


async def _settle(
    db: AsyncSession, by: Person, reference: str, authorisation: pretend_bank.Authorisation, idempotency_key: str
) -> None:
    instrument = authorisation.instrument
    key_row = await _claim_payment_key(db, by, reference, instrument, idempotency_key)
    booking = await Bookings(db).for_customer(by, reference, lock=True)
    due = await Charges(db).in_state(booking.id, ChargeState.DUE)
    for charge in due:
        await charges.settle(db, charge, authorisation)
    if authorisation.state == "needs_code":
        await idempotency.release_key(db, key_row)
        return
    if due:
        booking.settle(by, instrument.method, sum(charge.amount for charge in due))
    _store_result(key_row, booking)


async def _settle_by_code(db: AsyncSession, by: Person, reference: str, code: str) -> None:
    """Pay what is due with the code that the bank sent. Invalid("code") when it is wrong."""
    booking = await Bookings(db).for_customer(by, reference, lock=True)
    due = await Charges(db).in_state(booking.id, ChargeState.DUE)
    if any(charge.method == "after" for charge in due):
        raise Invalid({"method": _("Choose a payment method.")})
    if any(_authorise_with_code(charge, code).state != "authorised" for charge in due):
        raise invalid_code_error()
    for charge in due:
        await charges.settle(db, charge, _authorise_with_code(charge, code))
    if due:
        booking.settle(by, due[0].method, sum(charge.amount for charge in due))


async def _record_declined(
    new_transaction: TransactionFactory, booking: Booking, amount: int, authorisation: pretend_bank.Authorisation
) -> None:
    """Write down a charge that the bank declined or did not answer, in a transaction of its own."""
    async with new_transaction() as db:
        await Bookings(db).locked([booking.id])
        await charges.authorise(db, booking.id, booking.customer_id, amount, "booking", authorisation)


async def _amount_due(db: AsyncSession, booking: Booking) -> int:
    """Paise due for the booking."""
    return sum(charge.amount for charge in charges.due_charges(await Charges(db).of_booking(booking.id)))


async def _needs_code(db: AsyncSession, booking: Booking) -> bool:
    """Whether the bank has asked for a code, for the booking, for what is due or for a tip."""
    tip = await Tips(db).waiting(booking.id)
    if tip is not None and tip.state == TipState.NEEDS_CODE:
        return True
    due = await Charges(db).in_state(booking.id, ChargeState.DUE)
    return any(charge.method != "after" for charge in due) or await charge_awaiting_code(db, booking) is not None


def _authorise(instrument: pretend_bank.Instrument, amount: int, code: str) -> pretend_bank.Authorisation | None:
    """The bank's answer to `amount` paise; None when it is paid after the work, or nothing is left to pay."""
    return pretend_bank.authorise(instrument, amount, code) if instrument.method in ("card", "upi") else None


def _authorise_with_code(charge: Charge | Tip, code: str) -> pretend_bank.Authorisation:
    """The bank's answer to the code of a charge that waits for it."""
    stored = charges.instrument_of(charge)
    instrument = pretend_bank.Instrument(stored.method, stored.brand, stored.last4, "asks")
    return pretend_bank.authorise(instrument, charge.amount, code)


async def _claim_payment_key(
    db: AsyncSession,
    by: Person,
    reference: str,
    instrument: pretend_bank.Instrument,
    key: str,
    split: PaymentSplit | None = None,
) -> idempotency.IdempotencyKey | None:
    payment = {
        "reference": parse_reference(reference),
        "method": instrument.method,
        "brand": instrument.brand,
        "last4": instrument.last4,
    }
    if split is not None and (split.coupon or split.credit):
        payment |= {"coupon": split.coupon_code, "use_credit": str(bool(split.credit))}
    return await idempotency.claim_key(db, by.id, key, PAYMENT_PURPOSE, payment)


def _store_result(key_row: idempotency.IdempotencyKey | None, booking: Booking) -> None:
    if key_row is not None:
        key_row.result = booking.reference


def _require_held(booking: Booking) -> None:
    """Refused("lapsed", "state", "soon") unless the time is held for the customer and can still be offered."""
    if booking.hold_lapsed(clock.now()) or booking.cancelled_as == "expired":
        raise _lapsed()
    if booking.state != State.HELD:
        raise StateRefused(booking.state)
    if not booking.may_be_offered(clock.now()):
        raise Refused(
            _("The start is too near for a professional to accept. You haven't been charged. Pick a later time."),
            reason="soon",
        )


def _lapsed() -> Refused:
    return Refused(_("Your 7-minute hold has expired, and you haven't been charged."), reason="lapsed")


@contextmanager
def _unavailable_as_invalid(request: BookingRequest) -> Iterator[None]:
    """Show the refusal that nobody offers this there beside the field that chose it."""
    try:
        yield
    except Refused as refusal:
        if refusal.reason != "nobody":
            raise
        if request.professional_id is None:
            raise Invalid({"pincode": refusal.message}) from refusal
        message = _("This professional can't take this job. Choose any available professional.")
        raise Invalid({"professional_id": message}) from refusal
