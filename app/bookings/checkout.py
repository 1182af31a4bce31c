"""Check out a booking: hold the slot, then pay for it, or pay what is due afterwards.

Lock order: the form's idempotency key, the booking's row, the service's row, professionals' time
(app.bookings.reservation). Changes of the catalog take none of the others.
"""

import enum
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import Addresses
from app.bookings.booking import Booking
from app.bookings.holds import BookingRequest, flush_booking, hold
from app.bookings.moves import State, state_refusal
from app.bookings.price_changes import check_price, follow_catalog, lock_price
from app.bookings.repository import Bookings
from app.bookings.schemas import NewBooking, read_address, read_start
from app.catalog.service import Service
from app.core import clock, idempotency
from app.core.db import TransactionFactory
from app.core.errors import Invalid, Missing, Refused
from app.core.events import Person
from app.core.i18n import _
from app.payments import charges, pretend_bank
from app.payments.charge import Charge, ChargeState
from app.payments.repository import Charges

HOLD_PURPOSE, PAYMENT_PURPOSE = "booking", "payment"  # of idempotency keys


class PaymentFormKind(enum.Enum):
    INSTRUMENT = enum.auto()  # a card, a UPI id, or pay after the work
    BANK_CODE = enum.auto()  # the code that the bank sent for a charge that waits for it


@dataclass(frozen=True, slots=True)
class PaymentForm:
    """A submitted payment. `fields` may hold card data, which is only passed to the bank.

    `shown_price` is the price that the page showed, as text; None when it showed none.
    """

    kind: PaymentFormKind
    fields: Mapping[str, str]
    idempotency_key: str = ""
    shown_price: str | None = None

    @property
    def code(self) -> str:
        return self.fields.get("code", "")


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
    """What became of a payment. `booking` is None only where nothing was booked; `for_debt`: it was for what is due."""

    status: PaymentStatus
    booking: Booking | None
    for_debt: bool = False
    errors: Mapping[str, str] = field(default_factory=dict)
    refusal: Refused | None = None

    def paid_booking(self) -> Booking:
        """The paid booking; raise the refusal, or Invalid, when it was not paid."""
        if self.refusal is not None:
            raise self.refusal
        if self.status is PaymentStatus.NEEDS_CODE:
            raise Invalid({"code": _("Your bank needs a code. Send the same request again with the code.")})
        if self.booking is None or self.status is not PaymentStatus.PAID:
            raise Invalid(self.errors)
        return self.booking


async def read_booking_request(
    db: AsyncSession, by: Person, new_booking: NewBooking, *, address_given: bool
) -> BookingRequest:
    """The validated request; without `address_given` and without an address the customer's saved one is meant.

    Invalid beside each field that is wrong.
    """
    errors: dict[str, str] = {}
    starts_at: datetime | None = None
    address = pincode = ""
    try:
        starts_at = read_start(new_booking.start)
    except Invalid as error:
        errors |= error.errors
    try:
        address, pincode = await _find_address(db, by, new_booking, address_given=address_given)
    except Invalid as error:
        errors |= error.errors
    if errors or starts_at is None:
        raise Invalid(errors)
    return BookingRequest(
        new_booking.service_id, starts_at, address, pincode, new_booking.note, new_booking.professional_id
    )


async def place_order(db: AsyncSession, by: Person, request: BookingRequest, idempotency_key: str = "") -> str:
    """Hold the slot for seven minutes and return the booking's reference; the same key and request give the same one.

    Refused("taken", "overdue", "holds"); Invalid for the field that no professional can fulfil.
    """
    key_row = await idempotency.claim_key(db, by.id, idempotency_key, HOLD_PURPOSE, asdict(request))
    if key_row is not None and key_row.result:
        return key_row.result
    if await charges.overdue_booking(db, by.id) is not None:
        raise Refused(_("Pay for your last job first. Then you can book again."), reason="overdue")
    booking = await _hold(db, by, request)
    _store_result(key_row, booking)
    await db.flush()
    return booking.reference


async def overdue_reference(db: AsyncSession, by: Person) -> str | None:
    """The reference of the booking that has to be paid before the next one can be made."""
    booking_id = await charges.overdue_booking(db, by.id)
    return await Bookings(db).reference_of(booking_id) if booking_id is not None else None


async def pay_order(
    db: AsyncSession, by: Person, order: str | BookingRequest, form: PaymentForm, new_transaction: TransactionFactory
) -> PaymentOutcome:
    """Pay `order`: the reference of a held booking or of one with something due, or a request to hold and pay at once.

    The bank is asked before any row is locked. Refusals leave nothing of a request behind; declined charges and
    changes of the catalog are written to a held booking in transactions of their own.
    """
    booking = await Bookings(db).for_customer(by, order) if isinstance(order, str) else None
    debt = await _amount_due(db, booking)
    try:
        if booking is not None and debt:
            await _pay_debt(db, by, booking, debt, form)
        else:
            async with db.begin_nested():
                booking = await _pay_new(db, by, order, booking, form, new_transaction)
    except Invalid as error:
        return PaymentOutcome(PaymentStatus.INVALID, booking, bool(debt), errors=error.errors)
    except Refused as refusal:
        if booking is not None:
            refusal = await follow_catalog(new_transaction, booking, refusal)
        status = REFUSAL_STATUS.get(refusal.reason, PaymentStatus.REFUSED)
        return PaymentOutcome(status, booking, bool(debt), refusal=refusal)
    if booking is not None:
        booking = await Bookings(db).for_customer(by, booking.reference)
    needs_code = booking is None or await _needs_code(db, booking)
    return PaymentOutcome(PaymentStatus.NEEDS_CODE if needs_code else PaymentStatus.PAID, booking, bool(debt))


async def pay(
    db: AsyncSession,
    by: Person,
    reference: str,
    authorisation: pretend_bank.Authorisation | None,
    idempotency_key: str = "",
) -> Booking:
    """Pay a held booking with the bank's answer, once however often it is sent; None means pay after the work.

    When the bank asks for a code the booking stays held. Refused("lapsed", "retired", "changed", "state").
    """
    instrument = authorisation.instrument if authorisation else pretend_bank.Instrument("after")
    key_row = await _claim_payment_key(db, by, reference, instrument, idempotency_key)
    booking = await Bookings(db).for_customer(by, reference, lock=True)
    if was_ordered(booking) and booking.state != State.CANCELLED:
        _store_result(key_row, booking)
        return booking
    _require_held(booking)
    await lock_price(db, booking)
    if authorisation is None:
        await charges.abandon_bank_codes(db, [booking.id])
    else:
        await charges.authorise(db, booking.id, booking.customer_id, booking.price, "booking", authorisation)
    if authorisation is not None and authorisation.state == "needs_code":
        await idempotency.release_key(db, key_row)
    else:
        booking.pay(by, instrument.method)
        _store_result(key_row, booking)
    await flush_booking(db)
    return booking


async def charge_awaiting_code(db: AsyncSession, booking: Booking) -> Charge | None:
    """The charge for which the bank has asked for a code."""
    waiting = await Charges(db).in_state(booking.id, ChargeState.NEEDS_CODE)
    return waiting[-1] if waiting else None


def was_ordered(booking: Booking) -> bool:
    """Whether the booking was ever paid, or ordered to be paid after the work."""
    return booking.requested_at is not None


def is_over(booking: Booking) -> bool:
    """Whether the booking was cancelled or its hold has lapsed."""
    return booking.cancelled_as is not None or booking.hold_lapsed(clock.now())


async def _pay_new(
    db: AsyncSession,
    by: Person,
    order: str | BookingRequest,
    booking: Booking | None,
    form: PaymentForm,
    new_transaction: TransactionFactory,
) -> Booking | None:
    """Pay a held booking, or hold and pay a request; None when the bank asks for a code before anything is held."""
    if isinstance(order, BookingRequest):
        return await _hold_and_pay(db, by, order, form)
    assert booking is not None
    is_payable = not was_ordered(booking) and not is_over(booking)
    if form.kind is PaymentFormKind.BANK_CODE:
        if is_payable:
            await check_price(db, booking, form.shown_price)
        await _confirm_code(db, by, booking.reference, form.code)
        return booking
    instrument = pretend_bank.read_instrument(form.fields)
    if is_payable:
        await check_price(db, booking, form.shown_price)
    authorisation = _authorise(instrument, booking.price, form.code)
    if is_payable and authorisation is not None and authorisation.state not in ("authorised", "needs_code"):
        if authorisation.state != "wrong_code":
            await _record_declined(new_transaction, booking, authorisation)
        raise Invalid(_declined_errors(authorisation))
    return await pay(db, by, booking.reference, authorisation, form.idempotency_key)


async def _hold_and_pay(db: AsyncSession, by: Person, request: BookingRequest, form: PaymentForm) -> Booking | None:
    service = await db.get(Service, request.service_id)
    if service is None:
        raise Invalid({"service_id": _("This service is no longer offered.")})
    price = service.price
    authorisation = _authorise(pretend_bank.read_instrument(form.fields), price, form.code)
    if authorisation is not None and authorisation.state == "needs_code":
        return None
    if authorisation is not None and authorisation.state != "authorised":
        raise Invalid(_declined_errors(authorisation))
    reference = await place_order(db, by, request)
    if (await Bookings(db).for_customer(by, reference, lock=True)).price != price:
        raise Refused(
            _("The price changed while you were paying. You haven't been charged."), reason="changed", about="price"
        )
    return await pay(db, by, reference, authorisation)


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
        raise _invalid_code_error()
    await charges.confirm(db, charge)
    booking.pay(by, charge.method)
    await flush_booking(db)


async def _pay_debt(db: AsyncSession, by: Person, booking: Booking, amount: int, form: PaymentForm) -> None:
    """Pay all that is due for the booking, `amount` paise."""
    if form.kind is PaymentFormKind.BANK_CODE:
        await _settle_by_code(db, by, booking.reference, form.code)
        return
    instrument = pretend_bank.read_instrument(form.fields)
    if instrument.method == "after":
        raise Invalid({"method": _("The job is done. Choose card or UPI.")})
    authorisation = pretend_bank.authorise(instrument, amount, form.code)
    if authorisation.state not in ("authorised", "needs_code"):
        raise Invalid(_declined_errors(authorisation))
    await _settle(db, by, booking.reference, authorisation, form.idempotency_key)


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
        raise _invalid_code_error()
    for charge in due:
        await charges.settle(db, charge, _authorise_with_code(charge, code))
    if due:
        booking.settle(by, due[0].method, sum(charge.amount for charge in due))


async def _record_declined(
    new_transaction: TransactionFactory, booking: Booking, authorisation: pretend_bank.Authorisation
) -> None:
    """Write down a charge that the bank declined or did not answer, in a transaction of its own."""
    async with new_transaction() as db:
        await Bookings(db).locked([booking.id])
        await charges.authorise(db, booking.id, booking.customer_id, booking.price, "booking", authorisation)


async def _amount_due(db: AsyncSession, booking: Booking | None) -> int:
    """Paise due for the booking."""
    if booking is None:
        return 0
    return sum(charge.amount for charge in charges.due_charges(await Charges(db).of_booking(booking.id)))


async def _needs_code(db: AsyncSession, booking: Booking) -> bool:
    """Whether the bank has asked for a code, for the booking or for what is due."""
    due = await Charges(db).in_state(booking.id, ChargeState.DUE)
    return any(charge.method != "after" for charge in due) or await charge_awaiting_code(db, booking) is not None


def _authorise(instrument: pretend_bank.Instrument, amount: int, code: str) -> pretend_bank.Authorisation | None:
    """The bank's answer to `amount` paise; None when it is paid after the work."""
    return pretend_bank.authorise(instrument, amount, code) if instrument.method != "after" else None


def _authorise_with_code(charge: Charge, code: str) -> pretend_bank.Authorisation:
    """The bank's answer to the code of a charge that waits for it."""
    stored = charges.instrument_of(charge)
    instrument = pretend_bank.Instrument(stored.method, stored.brand, stored.last4, "asks")
    return pretend_bank.authorise(instrument, charge.amount, code)


def _invalid_code_error() -> Invalid:
    return Invalid({"code": _("That's not the code your bank sent. Check it and try again.")})


def _declined_errors(authorisation: pretend_bank.Authorisation) -> Mapping[str, str]:
    """The message beside the field of the instrument that the bank did not accept."""
    field_name = {"card": "card_number", "upi": "upi_id"}.get(authorisation.instrument.method, "method")
    if authorisation.state == "wrong_code":
        return _invalid_code_error().errors
    if authorisation.state == "timed_out":
        return {field_name: _("Your bank didn't respond in time. You haven't been charged. You can try again.")}
    return {field_name: _("Your bank declined this payment. You haven't been charged. Try another payment method.")}


async def _claim_payment_key(
    db: AsyncSession, by: Person, reference: str, instrument: pretend_bank.Instrument, key: str
) -> idempotency.IdempotencyKey | None:
    payment = {
        "reference": reference.upper(),
        "method": instrument.method,
        "brand": instrument.brand,
        "last4": instrument.last4,
    }
    return await idempotency.claim_key(db, by.id, key, PAYMENT_PURPOSE, payment)


def _store_result(key_row: idempotency.IdempotencyKey | None, booking: Booking) -> None:
    if key_row is not None:
        key_row.result = booking.reference


def _require_held(booking: Booking) -> None:
    """Refused("lapsed", "state", "soon") unless the time is held for the customer and can still be offered."""
    if booking.hold_lapsed(clock.now()) or booking.cancelled_as == "expired":
        raise Refused(_("Your 7-minute hold has expired, and you haven't been charged."), reason="lapsed")
    if booking.state != State.HELD:
        raise Refused(state_refusal(booking.state), reason="state")
    if not booking.may_be_offered(clock.now()):
        raise Refused(
            _("The start is too near for a professional to accept. You haven't been charged. Pick a later time."),
            reason="soon",
        )


async def _find_address(
    db: AsyncSession, by: Person, new_booking: NewBooking, *, address_given: bool
) -> tuple[str, str]:
    """(address line, pincode): the saved address that was chosen, the default one, or the one that was typed."""
    address_book = Addresses(db, by.id)
    if new_booking.address_id is not None:
        try:
            saved = await address_book.get(new_booking.address_id)
        except Missing as error:
            raise Invalid({"address_id": _("This isn't one of your saved addresses.")}) from error
        return saved.line, saved.pincode
    if not address_given and not new_booking.address:
        for saved in await address_book.all():
            if new_booking.pincode in ("", saved.pincode):
                return saved.line, saved.pincode
    return read_address(new_booking.address, new_booking.pincode)


async def _hold(db: AsyncSession, by: Person, request: BookingRequest) -> Booking:
    try:
        return await hold(db, by, request)
    except Refused as refusal:
        if refusal.reason != "nobody":
            raise
        if request.professional_id is None:
            raise Invalid({"pincode": refusal.message}) from refusal
        message = _("This professional can't take this job. Choose any available professional.")
        raise Invalid({"professional_id": message}) from refusal
