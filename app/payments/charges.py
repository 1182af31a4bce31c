"""The verbs of charges: authorise, capture, release, refund. Each posts to the ledger in the same transaction.

The caller holds the lock of the booking's row.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.errors import Refused
from app.core.i18n import _
from app.payments.charge import Charge, ChargeState
from app.payments.ledger import Line, post_transaction
from app.payments.pretend_bank import Authorisation, Instrument
from app.payments.repository import Charges
from app.payments.shares import commission_of, fee_split, rounded_share

OVERDUE_AFTER = timedelta(hours=24)
PAYOUT_HELD = timedelta(days=7)


async def authorise(
    db: AsyncSession, booking_id: int, customer_id: int, amount: int, purpose: str, authorisation: Authorisation
) -> Charge:
    """Record the bank's answer to `amount` paise; when authorised the amount is held, not yet captured.

    A charge of the same purpose that waits for the bank's code is abandoned.
    """
    for waiting in await Charges(db).in_state(booking_id, ChargeState.NEEDS_CODE):
        if waiting.purpose == purpose:
            _set_state(waiting, ChargeState.DECLINED)
    state = ChargeState.DECLINED if authorisation.state == "wrong_code" else ChargeState(authorisation.state)
    charge = await _add_charge(db, booking_id, customer_id, amount, purpose, authorisation.instrument, state)
    if state == ChargeState.AUTHORISED:
        post_transaction(db, "authorise", booking_id, charge.id, _held(amount))
    return charge


async def add_authorised(
    db: AsyncSession, booking_id: int, customer_id: int, amount: int, purpose: str, by: Instrument
) -> None:
    """Record that the bank authorised `amount` paise of a booking that has no charge yet."""
    await Charges(db).add_authorised(booking_id, customer_id, amount, purpose, by, _held(amount), clock.now())


async def confirm(db: AsyncSession, charge: Charge) -> None:
    """Mark the charge as authorised: the bank's code was right."""
    if charge.state != ChargeState.NEEDS_CODE:
        raise Refused(_("This payment isn't waiting for a code."), reason="state")
    _set_state(charge, ChargeState.AUTHORISED)
    post_transaction(db, "authorise", charge.booking_id, charge.id, _held(charge.amount))


async def abandon_bank_codes(db: AsyncSession, booking_ids: Collection[int]) -> None:
    """Decline the charges that wait for the bank's code, because the customer pays in another way or cancels."""
    await Charges(db).abandon_bank_codes(booking_ids, clock.now())


async def capture(
    db: AsyncSession, booking_id: int, customer_id: int, professional_id: int, total: int, *, held_payout: bool
) -> None:
    """Capture `total` paise of a finished job and post the shares; what was not authorised becomes due.

    `held_payout`: completed automatically, so the earning is paid out seven days later.
    """
    account, held_until = ("payout_held", clock.now() + PAYOUT_HELD) if held_payout else ("earnings", None)
    so_far = 0
    for charge in await Charges(db).in_state(booking_id, ChargeState.AUTHORISED):
        part = min(charge.amount, total - so_far)
        if part > 0:
            charge.captured, charge.payout_held_until = part, held_until
            shared = _shared(so_far, part, account, professional_id)
            post_transaction(db, "capture", booking_id, charge.id, [*_held(-part), ("gateway", None, part), *shared])
        _release_remainder(db, charge)
        _set_state(charge, ChargeState.CAPTURED if part > 0 else ChargeState.RELEASED)
        so_far += max(part, 0)
    if so_far < total:
        purpose = "extra" if so_far else "booking"
        charge = await _add_charge(
            db, booking_id, customer_id, total - so_far, purpose, Instrument("after"), ChargeState.DUE
        )
        charge.payout_held_until = held_until
        shared = _shared(so_far, charge.amount, account, professional_id)
        post_transaction(db, "receivable", booking_id, charge.id, [("receivable", customer_id, charge.amount), *shared])
    await db.flush()


async def release(db: AsyncSession, booking_id: int) -> int:
    """Release all authorised charges; return the paise released."""
    back = 0
    for charge in await Charges(db).in_state(booking_id, ChargeState.AUTHORISED, ChargeState.NEEDS_CODE):
        if charge.state == ChargeState.AUTHORISED:
            back += charge.amount
            _release_remainder(db, charge)
            _set_state(charge, ChargeState.RELEASED)
        else:
            _set_state(charge, ChargeState.DECLINED)
    await db.flush()
    return back


async def take_fee(db: AsyncSession, booking_id: int, customer_id: int, professional_id: int | None, fee: int) -> int:
    """Charge the fee of a late cancellation or no-show: capture `fee` paise of what was authorised, release the rest.

    70 % go to the professional. What is not covered (pay after the work) becomes due. Return the paise released.
    """
    back, left = 0, fee
    for charge in await Charges(db).in_state(booking_id, ChargeState.AUTHORISED):
        part = min(charge.amount, left)
        if part:
            charge.captured = part
            _post_fee(db, charge, professional_id, gateway=True, held=True)
        back += charge.amount - part
        _release_remainder(db, charge)
        _set_state(charge, ChargeState.CAPTURED if part else ChargeState.RELEASED)
        left -= part
    if left:
        await _due_fee(db, booking_id, customer_id, professional_id, left)
    await db.flush()
    return back


async def add_fee(db: AsyncSession, booking_id: int, customer_id: int, professional_id: int | None, fee: int) -> None:
    """Charge the fee of a late move by the same card or UPI; the booking's own amount stays authorised."""
    paid_by = await Charges(db).instrument_of(booking_id)
    if paid_by is None:
        await _due_fee(db, booking_id, customer_id, professional_id, fee)
    else:
        charge = await _add_charge(
            db, booking_id, customer_id, fee, "fee", instrument_of(paid_by), ChargeState.CAPTURED, captured=fee
        )
        _post_fee(db, charge, professional_id, gateway=True, held=False)
    await db.flush()


async def settle(db: AsyncSession, charge: Charge, authorisation: Authorisation) -> None:
    """Pay a due charge. If the bank requires a code it stays due, with the card stored."""
    if charge.state != ChargeState.DUE:
        raise Refused(_("This is already paid."), reason="state", about="payment")
    instrument = authorisation.instrument
    charge.method, charge.brand, charge.last4 = instrument.method, instrument.brand, instrument.last4
    if authorisation.state == "authorised":
        charge.captured = charge.amount
        _set_state(charge, ChargeState.PAID)
        lines: list[Line] = [("gateway", None, charge.amount), ("receivable", charge.customer_id, -charge.amount)]
        post_transaction(db, "settle", charge.booking_id, charge.id, lines)
    await db.flush()


async def refund(db: AsyncSession, charge: Charge, amount: int) -> None:
    """Refund `amount` paise of a captured or paid charge, from both shares; a due charge is waived whole."""
    split = await Charges(db).split_of(charge)
    if charge.state == ChargeState.DUE:
        lines: list[Line] = [("receivable", charge.customer_id, -charge.amount)]
        earning, back = split.earnings, charge.amount
        _set_state(charge, ChargeState.RELEASED)
    elif charge.state in (ChargeState.CAPTURED, ChargeState.PAID) and 0 < amount <= charge.captured - charge.refunded:
        before, back = charge.refunded, amount
        charge.refunded += amount
        earning = _refunded_earning(split.earnings, charge.refunded, charge) - _refunded_earning(
            split.earnings, before, charge
        )
        lines = [("gateway", None, -amount)]
        if charge.refunded == charge.captured:
            _set_state(charge, ChargeState.REFUNDED)
    else:
        raise Refused(_("That's more than was paid. Enter a smaller amount."), reason="amount")
    shared: list[Line] = [("earnings", split.professional_id, earning), ("commission", None, back - earning)]
    post_transaction(db, "refund", charge.booking_id, charge.id, [*lines, *shared])
    await db.flush()


async def overdue_booking(db: AsyncSession, customer_id: int) -> int | None:
    """The id of the booking whose payment has been due for a day; None when there is none."""
    return await Charges(db).oldest_due(customer_id, clock.now() - OVERDUE_AFTER)


async def release_held_payouts(db: AsyncSession) -> int:
    """Release the held earnings of jobs completed automatically seven days ago; return how many."""
    held = await Charges(db).end_held_payouts(clock.now())
    for payout in held:
        lines: list[Line] = [
            ("payout_held", payout.professional_id, payout.amount),
            ("earnings", payout.professional_id, -payout.amount),
        ]
        post_transaction(db, "payout_free", payout.booking_id, None, lines)
    await db.flush()
    return len(held)


def instrument_of(charge: Charge) -> Instrument:
    """The instrument of a charge, for a further charge of the same booking."""
    return Instrument("upi" if charge.method == "upi" else "card", charge.brand, charge.last4)


def due_charges(charges: Sequence[Charge]) -> list[Charge]:
    return [charge for charge in charges if charge.state == ChargeState.DUE]


async def _add_charge(
    db: AsyncSession,
    booking_id: int,
    customer_id: int,
    amount: int,
    purpose: str,
    by: Instrument,
    state: ChargeState,
    captured: int = 0,
) -> Charge:
    charge = Charge(
        booking_id=booking_id,
        customer_id=customer_id,
        purpose=purpose,
        method=by.method,
        brand=by.brand,
        last4=by.last4,
        amount=amount,
        captured=captured,
        refunded=0,
        state=state,
        created_at=clock.now(),
        updated_at=clock.now(),
    )
    db.add(charge)
    await db.flush()
    return charge


async def _due_fee(db: AsyncSession, booking_id: int, customer_id: int, professional_id: int | None, fee: int) -> None:
    charge = await _add_charge(db, booking_id, customer_id, fee, "fee", Instrument("after"), ChargeState.DUE)
    _post_fee(db, charge, professional_id, gateway=False, held=False)


def _post_fee(db: AsyncSession, charge: Charge, professional_id: int | None, *, gateway: bool, held: bool) -> None:
    fee = charge.captured or charge.amount
    earning, commission = fee_split(fee, to_professional=professional_id is not None)
    paid: Line = ("gateway", None, fee) if gateway else ("receivable", charge.customer_id, fee)
    lines: list[Line] = [paid, ("earnings", professional_id, -earning), ("commission", None, -commission)]
    post_transaction(db, "fee", charge.booking_id, charge.id, [*lines, *(_held(-fee) if held else [])])


def _release_remainder(db: AsyncSession, charge: Charge) -> None:
    """Post the release of what was authorised and not captured."""
    if charge.amount > charge.captured:
        post_transaction(db, "release", charge.booking_id, charge.id, _held(charge.captured - charge.amount))


def _held(amount: int) -> list[Line]:
    return [("hold", None, amount), ("hold_contra", None, -amount)]


def _shared(so_far: int, part: int, account: str, professional_id: int) -> list[Line]:
    """The shares of `part` after `so_far` paise, such that the shares of all parts add up to those of the sum."""
    commission = commission_of(so_far + part) - commission_of(so_far)
    return [(account, professional_id, commission - part), ("commission", None, -commission)]


def _refunded_earning(earnings: int, refunded: int, charge: Charge) -> int:
    return rounded_share(earnings, refunded, charge.captured)


def _set_state(charge: Charge, state: ChargeState) -> None:
    charge.state, charge.updated_at = state, clock.now()
