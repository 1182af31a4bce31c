"""What is asked of a customer's card, and what becomes of it; every step stands in the ledger, in the same transaction.

Each verb expects that the caller holds the lock of the booking's row.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.errors import Refused
from app.core.i18n import _
from app.payments.charge import Charge
from app.payments.ledger import Line, post
from app.payments.pretend_bank import Instrument, Outcome
from app.payments.repository import Charges
from app.payments.shares import commission_of, fee_split, rounded_share

OVERDUE_AFTER = timedelta(hours=24)
PAYOUT_HELD = timedelta(days=7)


async def authorise(
    db: AsyncSession, booking_id: int, customer_id: int, amount: int, purpose: str, outcome: Outcome
) -> Charge:
    """Write down what the bank said to `amount` paise; with its yes the amount is held, not yet ours.

    A charge that waits for its code is given up when another way of paying is chosen.
    """
    for waiting in await Charges(db).in_state(booking_id, "needs_code"):
        if waiting.purpose == purpose:
            _to(waiting, "declined")
    state = "declined" if outcome.state == "wrong_code" else outcome.state
    charge = await _new(db, booking_id, customer_id, amount, purpose, outcome.instrument, state)
    if state == "authorised":
        post(db, "authorise", booking_id, charge.id, _held(amount))
    return charge


async def confirm(db: AsyncSession, charge: Charge) -> None:
    """The code that the bank asked for was right."""
    if charge.state != "needs_code":
        raise Refused(_("This payment does not wait for a code."), reason="state")
    _to(charge, "authorised")
    post(db, "authorise", charge.booking_id, charge.id, _held(charge.amount))


async def give_up_codes(db: AsyncSession, booking_ids: Collection[int]) -> None:
    """The customer pays in another way, or not at all: the bank's code is awaited no longer."""
    await Charges(db).give_up_codes(booking_ids, clock.now())


async def capture(
    db: AsyncSession, booking_id: int, customer_id: int, professional_id: int, total: int, *, held_payout: bool
) -> None:
    """The job is done: `total` paise become ours and the professional's, what was not authorised becomes due.

    `held_payout`: completed by the clock, so the earning is kept back for seven days.
    """
    account = "payout_held" if held_payout else "earnings"
    so_far = 0
    for charge in await Charges(db).in_state(booking_id, "authorised"):
        part = min(charge.amount, total - so_far)
        if part > 0:
            charge.captured = part
            shared = _shared(so_far, part, account, professional_id)
            post(db, "capture", booking_id, charge.id, [*_held(-part), ("gateway", None, part), *shared])
        _let_go(db, charge)
        _to(charge, "captured" if part > 0 else "released")
        so_far += max(part, 0)
    if so_far < total:
        purpose = "extra" if so_far else "booking"
        charge = await _new(db, booking_id, customer_id, total - so_far, purpose, Instrument("after"), "due")
        shared = _shared(so_far, charge.amount, account, professional_id)
        post(db, "receivable", booking_id, charge.id, [("receivable", customer_id, charge.amount), *shared])
    await db.flush()


async def release(db: AsyncSession, booking_id: int) -> int:
    """Nothing is owed: whatever was authorised goes back. The paise that did."""
    back = 0
    for charge in await Charges(db).in_state(booking_id, "authorised", "needs_code"):
        if charge.state == "authorised":
            back += charge.amount
            _let_go(db, charge)
            _to(charge, "released")
        else:
            _to(charge, "declined")
    await db.flush()
    return back


async def take_fee(db: AsyncSession, booking_id: int, customer_id: int, professional_id: int | None, fee: int) -> int:
    """Cancelled late, or nobody at the door: `fee` paise of what was authorised are kept, the rest goes back.

    70 % of it is the professional's. Pay after service: the fee is due. The paise given back.
    """
    back, left = 0, fee
    for charge in await Charges(db).in_state(booking_id, "authorised"):
        part = min(charge.amount, left)
        if part:
            charge.captured = part
            _post_fee(db, charge, professional_id, gateway=True, held=True)
        back += charge.amount - part
        _let_go(db, charge)
        _to(charge, "captured" if part else "released")
        left -= part
    if left:
        await _due_fee(db, booking_id, customer_id, professional_id, left)
    await db.flush()
    return back


async def add_fee(db: AsyncSession, booking_id: int, customer_id: int, professional_id: int | None, fee: int) -> None:
    """Moved late: `fee` paise more, by the same card or UPI, while the booking's own amount stays authorised."""
    paid_by = await Charges(db).instrument_of(booking_id)
    if paid_by is None:
        await _due_fee(db, booking_id, customer_id, professional_id, fee)
    else:
        charge = await _new(db, booking_id, customer_id, fee, "fee", instrument_of(paid_by), "captured", captured=fee)
        _post_fee(db, charge, professional_id, gateway=True, held=False)
    await db.flush()


async def settle(db: AsyncSession, charge: Charge, outcome: Outcome) -> None:
    """A due charge, paid. A bank that wants a code first leaves it due, and remembers the card."""
    if charge.state != "due":
        raise Refused(_("This is paid already."), reason="state")
    known = outcome.instrument
    charge.method, charge.brand, charge.last4 = known.method, known.brand, known.last4
    if outcome.state == "authorised":
        charge.captured = charge.amount
        _to(charge, "paid")
        lines: list[Line] = [("gateway", None, charge.amount), ("receivable", charge.customer_id, -charge.amount)]
        post(db, "settle", charge.booking_id, charge.id, lines)
    await db.flush()


async def refund(db: AsyncSession, charge: Charge, amount: int) -> None:
    """Give back `amount` paise of a captured or paid charge, taken from both shares as they were made.

    Of a due one, all of it is waived.
    """
    split = await Charges(db).split_of(charge.id)
    if charge.state == "due":
        lines: list[Line] = [("receivable", charge.customer_id, -charge.amount)]
        theirs, back = split.earnings, charge.amount
        _to(charge, "released")
    elif charge.state in ("captured", "paid") and 0 < amount <= charge.captured - charge.refunded:
        before, back = charge.refunded, amount
        charge.refunded += amount
        theirs = _taken_back(split.earnings, charge.refunded, charge) - _taken_back(split.earnings, before, charge)
        lines = [("gateway", None, -amount)]
        if charge.refunded == charge.captured:
            _to(charge, "refunded")
    else:
        raise Refused(_("That is more than was paid."), reason="amount")
    shared: list[Line] = [("earnings", split.professional_id, theirs), ("commission", None, back - theirs)]
    post(db, "refund", charge.booking_id, charge.id, [*lines, *shared])
    await db.flush()


async def overdue(db: AsyncSession, customer_id: int) -> int | None:
    """The id of the booking whose work was done a day ago and is not paid yet; None when nothing is."""
    charge = await Charges(db).oldest_due(customer_id, clock.now() - OVERDUE_AFTER)
    return charge.booking_id if charge else None


async def free_payouts(db: AsyncSession) -> int:
    """Earnings of jobs completed by the clock, seven days later: from now on to be paid out. How many."""
    held = await Charges(db).held_payouts(clock.now() - PAYOUT_HELD)
    for one in held:
        lines: list[Line] = [
            ("payout_held", one.professional_id, one.amount),
            ("earnings", one.professional_id, -one.amount),
        ]
        post(db, "payout_free", one.booking_id, None, lines)
    await db.flush()
    return len(held)


def instrument_of(charge: Charge) -> Instrument:
    """The way a charge was paid, to be asked again for the same booking."""
    return Instrument("upi" if charge.method == "upi" else "card", charge.brand, charge.last4)


def still_due(charges: Sequence[Charge]) -> list[Charge]:
    return [charge for charge in charges if charge.state == "due"]


# How


async def _new(
    db: AsyncSession,
    booking_id: int,
    customer_id: int,
    amount: int,
    purpose: str,
    by: Instrument,
    state: str,
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
    charge = await _new(db, booking_id, customer_id, fee, "fee", Instrument("after"), "due")
    _post_fee(db, charge, professional_id, gateway=False, held=False)


def _post_fee(db: AsyncSession, charge: Charge, professional_id: int | None, *, gateway: bool, held: bool) -> None:
    fee = charge.captured or charge.amount
    theirs, ours = fee_split(fee, to_professional=professional_id is not None)
    paid: Line = ("gateway", None, fee) if gateway else ("receivable", charge.customer_id, fee)
    lines: list[Line] = [paid, ("earnings", professional_id, -theirs), ("commission", None, -ours)]
    post(db, "fee", charge.booking_id, charge.id, [*lines, *(_held(-fee) if held else [])])


def _let_go(db: AsyncSession, charge: Charge) -> None:
    """What of an authorised charge was not captured."""
    if charge.amount > charge.captured:
        post(db, "release", charge.booking_id, charge.id, _held(charge.captured - charge.amount))


def _held(amount: int) -> list[Line]:
    return [("hold", None, amount), ("hold_contra", None, -amount)]


def _shared(so_far: int, part: int, account: str, professional_id: int) -> list[Line]:
    """The shares of `part`, so that the shares of all parts are exactly those of their sum."""
    ours = commission_of(so_far + part) - commission_of(so_far)
    return [(account, professional_id, ours - part), ("commission", None, -ours)]


def _taken_back(earnings: int, refunded: int, charge: Charge) -> int:
    return rounded_share(earnings, refunded, charge.captured)


def _to(charge: Charge, state: str) -> None:
    charge.state, charge.updated_at = state, clock.now()
