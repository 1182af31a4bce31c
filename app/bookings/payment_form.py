"""How a booking is paid: the form that was sent, and what a coupon, credit and the instrument pay of the price."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.repository import Bookings
from app.core.errors import Invalid
from app.core.events import Person
from app.core.i18n import _
from app.payments import pretend_bank
from app.payments.charge import COUPON, CREDIT, ChargeState
from app.payments.repository import Charges
from app.payments.split import PaymentSplit
from app.promotions.discounts import Buyer, credit_changed, quote_payment

MAX_REST_DIGITS = 12


class PaymentFormKind(enum.Enum):
    INSTRUMENT = enum.auto()  # a card, a UPI id, or pay after the work
    BANK_CODE = enum.auto()  # the code that the bank sent for a charge that waits for it


@dataclass(frozen=True, slots=True)
class PaymentForm:
    """A submitted payment. `fields` may hold card data, which is only passed to the bank.

    `shown_price` is the price that the page showed, as text; None when it showed none. `saved`: the remembered method
    that was chosen, in place of the fields.
    """

    kind: PaymentFormKind
    fields: Mapping[str, str]
    idempotency_key: str = ""
    shown_price: str | None = None
    saved: pretend_bank.Instrument | None = None

    @property
    def coupon_code(self) -> str:
        return self.fields.get("coupon", "").strip()

    @property
    def uses_credit(self) -> bool:
        return self.fields.get("use_credit") == "yes"

    @property
    def code(self) -> str:
        return self.fields.get("code", "")

    def instrument(self) -> pretend_bank.Instrument:
        """Raises Invalid beside each wrong field."""
        return self.saved or pretend_bank.read_instrument(self.fields)


async def split_of(db: AsyncSession, booking: Booking) -> PaymentSplit:
    """How the booking is paid once the bank's code is right."""
    waiting = {charge.method: charge for charge in await Charges(db).in_state(booking.id, ChargeState.NEEDS_CODE)}
    coupon, credit = waiting.get(COUPON), waiting.get(CREDIT)
    return PaymentSplit(
        booking.price,
        coupon.amount if coupon else 0,
        coupon.coupon if coupon else None,
        credit.amount if credit else 0,
    )


async def quote_booking(db: AsyncSession, booking: Booking, coupon_code: str, *, use_credit: bool) -> PaymentSplit:
    """What a coupon and credit would pay of the held booking. Invalid("coupon")."""
    has_visits = partial(Bookings(db).has_visits, booking.customer_id, booking.id)
    buyer = Buyer(booking.customer_id, has_visits)
    return await quote_payment(db, buyer, booking.price, coupon_code=coupon_code, use_credit=use_credit)


def buyer_of(db: AsyncSession, by: Person, booking_id: int) -> Buyer:
    return Buyer(by.id, partial(Bookings(db).has_visits, by.id, booking_id))


async def read_payment(
    db: AsyncSession, buyer: Buyer, price: int, form: PaymentForm
) -> tuple[PaymentSplit, pretend_bank.Instrument]:
    """What coupon, credit and the instrument pay; no instrument is needed when nothing is left for it.

    Invalid beside each wrong field.
    """
    errors: dict[str, str] = {}
    split, instrument = PaymentSplit(price), None
    try:
        split = await quote_payment(db, buyer, price, coupon_code=form.coupon_code, use_credit=form.uses_credit)
    except Invalid as error:
        errors |= error.errors
    if split.covered_by:
        return split, pretend_bank.Instrument("credit" if split.credit else "coupon")
    try:
        instrument = form.instrument()
    except Invalid as error:
        errors |= error.errors
    if errors or instrument is None:
        raise Invalid(errors)
    return split, instrument


def check_rest(split: PaymentSplit, form: PaymentForm) -> None:
    """Raise Invalid("use_credit") when more would be charged than the page showed."""
    shown = form.fields.get("shown_rest", "")
    if shown.isascii() and shown.isdecimal() and len(shown) < MAX_REST_DIGITS and split.rest > int(shown):
        raise credit_changed()


def invalid_code_error() -> Invalid:
    return Invalid({"code": _("That's not the code your bank sent. Check it and try again.")})


def declined_errors(authorisation: pretend_bank.Authorisation) -> Mapping[str, str]:
    """The message beside the field of the instrument that the bank did not accept."""
    field_name = {"card": "card_number", "upi": "upi_id"}.get(authorisation.instrument.method, "method")
    if authorisation.state == "wrong_code":
        return invalid_code_error().errors
    if authorisation.state == "timed_out":
        return {field_name: _("Your bank didn't respond in time. You haven't been charged. You can try again.")}
    return {field_name: _("Your bank declined this payment. You haven't been charged. Try another payment method.")}
