"""From a chosen slot to a paid booking, and its money when the job is done: what spans booking and charge.

Order of locks: the form's key, then the booking's row, then the service's, then people's time
(app.bookings.reservation). Whoever changes the catalogue takes none of the others.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import Addresses
from app.bookings.booking import Booking
from app.bookings.holds import Wish, hold, write
from app.bookings.moves import State, sorry
from app.bookings.price_changes import check_catalogue
from app.bookings.repository import Bookings
from app.bookings.schemas import NewBooking, place_of, start_of
from app.core import clock, idempotency
from app.core.errors import Invalid, Missing, Refused
from app.core.events import Person
from app.core.i18n import _
from app.payments import charges, pretend_bank
from app.payments.charge import Charge
from app.payments.repository import Charges

HELD, PAID = "booking", "payment"


async def wish_of(db: AsyncSession, by: Person, asked: NewBooking, *, typed: bool) -> Wish:
    """What the form asks for, whole: `typed` False means that no address was asked for, and home is meant.

    Invalid beside each field that cannot be right.
    """
    errors: dict[str, str] = {}
    starts_at: datetime | None = None
    address = pincode = ""
    try:
        starts_at = start_of(asked.start)
    except Invalid as error:
        errors |= error.errors
    try:
        address, pincode = await _where(db, by, asked, typed=typed)
    except Invalid as error:
        errors |= error.errors
    if errors or starts_at is None:
        raise Invalid(errors)
    return Wish(asked.service_id, starts_at, address, pincode, asked.note, asked.professional_id)


async def place(db: AsyncSession, by: Person, wish: Wish, key: str = "") -> str:
    """Hold the slot for seven minutes: the booking's reference. The same key and wish give the same booking.

    Refused: "taken", "overdue", "holds"; Invalid beside the field that nobody can fulfil.
    """
    made = await idempotency.made_by(db, by.id, key, HELD, asdict(wish))
    if made is not None and made.result:
        return made.result
    await refuse_overdue(db, by)
    booking = await _hold(db, by, wish)
    _done(made, booking)
    await db.flush()
    return booking.reference


async def order(db: AsyncSession, by: Person, wish: Wish, price: int, typed: Mapping[str, str]) -> Booking:
    """Kept and paid in one go, for programs: what anybody refuses leaves nothing behind. `price` in paise, as seen.

    The bank is asked before any row is locked. As place and pay; Invalid beside the fields of the payment.
    """
    instrument = pretend_bank.read(typed)
    outcome = pretend_bank.charge(instrument, price, typed.get("code", "")) if instrument.method != "after" else None
    if outcome is not None and outcome.state == "needs_code":
        raise Invalid({"code": _("Your bank asks for a code. Send the same again with it.")})
    if outcome is not None and outcome.state != "authorised":
        raise Invalid(refused_words(outcome))
    reference = await place(db, by, wish)
    if (await Bookings(db).for_customer(by, reference, lock=True)).price != price:
        raise Refused(_("The price changed while you were paying. Nothing was taken."), reason="changed")
    return await pay(db, by, reference, outcome)


async def refuse_overdue(db: AsyncSession, by: Person) -> None:
    """No new booking while a job that was to be paid after the work waits for its money (docs/rules.md, money)."""
    owed = await charges.overdue(db, by.id)
    if owed is not None:
        raise Refused(_("Please pay for your last job first. Then you can book the next."), reason="overdue")


async def overdue_reference(db: AsyncSession, by: Person) -> str | None:
    """Of the booking to be paid first."""
    owed = await charges.overdue(db, by.id)
    return await Bookings(db).reference_of(owed) if owed is not None else None


async def pay(
    db: AsyncSession, by: Person, reference: str, outcome: pretend_bank.Outcome | None, key: str = ""
) -> Booking:
    """Once: pressed twice, sent again or in two windows, one charge. `outcome` None is pay after the work.

    A bank that asks for a code leaves the booking held. Refused("lapsed"): the time was up; "retired" and "changed":
    W5 and W6.
    """
    known = outcome.instrument if outcome else pretend_bank.Instrument("after")
    form = {"reference": reference.upper(), "method": known.method, "brand": known.brand, "last4": known.last4}
    made = await idempotency.made_by(db, by.id, key, PAID, form)
    booking = await Bookings(db).for_customer(by, reference, lock=True)
    if was_paid(booking) and booking.state != State.CANCELLED:
        _done(made, booking)
        return booking
    _check_kept(booking)
    await check_catalogue(db, booking)
    if outcome is None:
        await charges.give_up_codes(db, [booking.id])
    else:
        await charges.authorise(db, booking.id, booking.customer_id, booking.price, "booking", outcome)
    if outcome is not None and outcome.state == "needs_code":
        await idempotency.forget(db, made)
    else:
        booking.pay(by, known.method)
        _done(made, booking)
    await write(db)
    return booking


async def confirm_code(db: AsyncSession, by: Person, reference: str, code: str) -> Booking:
    """The code that the bank sent. Invalid("code") when it is another."""
    booking = await Bookings(db).for_customer(by, reference, lock=True)
    if was_paid(booking) and booking.state != State.CANCELLED:
        return booking
    _check_kept(booking)
    await check_catalogue(db, booking)
    charge = await waiting(db, booking)
    if charge is None:
        raise Invalid({"method": _("Choose a way to pay.")})
    if _asked(charge, code).state != "authorised":
        raise wrong_code()
    await charges.confirm(db, charge)
    booking.pay(by, charge.method)
    await write(db)
    return booking


async def note_refusal(db: AsyncSession, booking: Booking, amount: int, outcome: pretend_bank.Outcome) -> None:
    """The bank said no, or nothing: kept for the record, moves nothing."""
    await Bookings(db).locked([booking.id])
    await charges.authorise(db, booking.id, booking.customer_id, amount, "booking", outcome)


async def settle_completion(db: AsyncSession, booking: Booking) -> None:
    """In the transaction of booking.complete(): what was authorised is captured, what was not becomes due."""
    assert booking.professional_id is not None
    await charges.capture(
        db,
        booking.id,
        booking.customer_id,
        booking.professional_id,
        booking.total,
        held_payout=booking.by_clock,
    )
    await Bookings(db).count_job(booking.professional_id)


async def settle_debt(
    db: AsyncSession, by: Person, reference: str, outcome: pretend_bank.Outcome, key: str = ""
) -> bool:
    """Pay all that is due for one booking. True when it is paid, False when the bank asks for a code first."""
    known = outcome.instrument
    form = {"reference": reference.upper(), "method": known.method, "brand": known.brand, "last4": known.last4}
    made = await idempotency.made_by(db, by.id, key, PAID, form)
    booking = await Bookings(db).for_customer(by, reference, lock=True)
    due = await Charges(db).in_state(booking.id, "due")
    for charge in due:
        await charges.settle(db, charge, outcome)
    if outcome.state == "needs_code":
        await idempotency.forget(db, made)
        return False
    if due:
        booking.settle(by, known.method, sum(charge.amount for charge in due))
    _done(made, booking)
    return True


async def settle_by_code(db: AsyncSession, by: Person, reference: str, code: str) -> None:
    """The code for a debt. Invalid("code") when it is another."""
    booking = await Bookings(db).for_customer(by, reference, lock=True)
    due = await Charges(db).in_state(booking.id, "due")
    if any(charge.method == "after" for charge in due):
        raise Invalid({"method": _("Choose a way to pay.")})
    if any(_asked(charge, code).state != "authorised" for charge in due):
        raise wrong_code()
    for charge in due:
        await charges.settle(db, charge, _asked(charge, code))
    if due:
        booking.settle(by, due[0].method, sum(charge.amount for charge in due))


async def answer_extra(db: AsyncSession, by: Person, reference: str, extra_id: int, *, approved: bool) -> Booking:
    """W15: only what the customer approves is billed. By card or UPI, the further amount is authorised at once."""
    booking = await Bookings(db).for_customer(by, reference, lock=True)
    extra = next((one for one in booking.extras if one.id == extra_id), None)
    if extra is None:
        raise Missing()
    if extra.state == ("approved" if approved else "refused"):
        return booking
    booking.answer_extra(by, extra, approved=approved)
    paid_by = await Charges(db).instrument_of(booking.id) if approved else None
    if paid_by is not None:
        outcome = pretend_bank.charge(charges.instrument_of(paid_by), extra.price)
        await charges.authorise(db, booking.id, booking.customer_id, extra.price, "extra", outcome)
    await db.flush()
    return booking


async def waiting(db: AsyncSession, booking: Booking) -> Charge | None:
    """The charge for which the bank has asked for a code."""
    asked = await Charges(db).in_state(booking.id, "needs_code")
    return asked[-1] if asked else None


async def waits_for_code(db: AsyncSession, booking: Booking) -> bool:
    """Has the bank asked for a code, for the booking or for what is due?"""
    due = await Charges(db).in_state(booking.id, "due")
    return any(charge.method != "after" for charge in due) or await waiting(db, booking) is not None


def was_paid(booking: Booking) -> bool:
    return booking.requested_at is not None


def wrong_code() -> Invalid:
    return Invalid({"code": _("That is not the code that your bank sent. Please look again.")})


def refused_words(outcome: pretend_bank.Outcome) -> Mapping[str, str]:
    """What is told beside the field when the bank does not say yes."""
    field = {"card": "card_number", "upi": "upi_id"}.get(outcome.instrument.method, "method")
    if outcome.state == "wrong_code":
        return wrong_code().errors
    if outcome.state == "timed_out":
        return {field: _("Your bank did not answer in time, and nothing was taken. You can try again.")}
    return {field: _("Your bank declined this payment, and nothing was taken. Try another way to pay.")}


# How


def _done(made: idempotency.IdempotencyKey | None, booking: Booking) -> None:
    if made is not None:
        made.result = booking.reference


def _check_kept(booking: Booking) -> None:
    """Refused unless the time is still kept for its customer."""
    if booking.hold_lapsed(clock.now()) or booking.cancelled_as == "expired":
        raise Refused(_("Your seven minutes are over, and nothing was paid."), reason="lapsed")
    if booking.state != State.HELD:
        raise Refused(sorry(booking.state), reason="state")


async def _where(db: AsyncSession, by: Person, asked: NewBooking, *, typed: bool) -> tuple[str, str]:
    book = Addresses(db, by.id)
    if asked.address_id is not None:
        try:
            saved = await book.get(asked.address_id)
        except Missing as strange:
            raise Invalid({"address_id": _("This address is not in your address book.")}) from strange
        return saved.line, saved.pincode
    if not typed and not asked.address:
        for saved in await book.all():
            if asked.pincode in ("", saved.pincode):
                return saved.line, saved.pincode
    return place_of(asked.address, asked.pincode)


async def _hold(db: AsyncSession, by: Person, wish: Wish) -> Booking:
    try:
        return await hold(db, by, wish)
    except Refused as refusal:
        if refusal.reason != "nobody":
            raise
        if wish.professional_id is None:
            raise Invalid({"pincode": refusal.message}) from refusal
        words = _("This person cannot take this job here. Anyone who is free can.")
        raise Invalid({"professional_id": words}) from refusal


def _asked(charge: Charge, code: str) -> pretend_bank.Outcome:
    """Ask the bank again about a charge that waits for its code."""
    known = charges.instrument_of(charge)
    asks = pretend_bank.Instrument(known.method, known.brand, known.last4, "asks")
    return pretend_bank.charge(asks, charge.amount, code)
