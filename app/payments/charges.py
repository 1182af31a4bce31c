"""The verbs of charges: authorise, capture, release, refund. Each posts to the ledger in the same transaction.

The caller holds the lock of the booking's row. The rules are methods of BookingMoney, without I/O.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.errors import Refused
from app.core.i18n import _
from app.payments.charge import Charge, ChargeState
from app.payments.ledger import LedgerTransaction, Line, new_transaction
from app.payments.pretend_bank import Authorisation, Instrument
from app.payments.repository import Charges
from app.payments.shares import commission_of, fee_split, rounded_share

OVERDUE_AFTER = timedelta(hours=24)
PAYOUT_HELD = timedelta(days=7)


class BookingMoney:
    """Some charges of one booking and what becomes of them. `new_charges` and `transactions` are to be written."""

    def __init__(self, booking_id: int, customer_id: int, charges: Iterable[Charge] = ()) -> None:
        self.booking_id, self.customer_id = booking_id, customer_id
        self.charges = list(charges)
        self.new_charges: list[Charge] = []
        self.transactions: list[LedgerTransaction] = []

    def in_state(self, *states: ChargeState) -> list[Charge]:
        return [charge for charge in self.charges if charge.state in states]

    def authorise(self, amount: int, purpose: str, authorisation: Authorisation) -> Charge:
        """A charge that waits for the bank's code is abandoned if it has the same purpose."""
        for waiting in self.in_state(ChargeState.NEEDS_CODE):
            if waiting.purpose == purpose:
                _set_state(waiting, ChargeState.DECLINED)
        state = ChargeState.DECLINED if authorisation.state == "wrong_code" else ChargeState(authorisation.state)
        charge = self._add_charge(amount, purpose, authorisation.instrument, state)
        if state == ChargeState.AUTHORISED:
            self._post("authorise", charge, _held(amount))
        return charge

    def confirm(self, charge: Charge) -> None:
        _set_state(charge, ChargeState.AUTHORISED)
        self._post("authorise", charge, _held(charge.amount))

    def capture(self, professional_id: int, total: int, *, held_payout: bool) -> None:
        """Capture what was authorised, up to `total` paise; the rest becomes due."""
        account, held_until = ("payout_held", clock.now() + PAYOUT_HELD) if held_payout else ("earnings", None)
        so_far = 0
        for charge in self.in_state(ChargeState.AUTHORISED):
            part = min(charge.amount, total - so_far)
            if part > 0:
                charge.captured, charge.payout_held_until = part, held_until
                shared = _shared(so_far, part, account, professional_id)
                self._post("capture", charge, [*_held(-part), ("gateway", None, part), *shared])
            self._release_remainder(charge)
            _set_state(charge, ChargeState.CAPTURED if part > 0 else ChargeState.RELEASED)
            so_far += max(part, 0)
        if so_far < total:
            purpose = "extra" if so_far else "booking"
            charge = self._add_charge(total - so_far, purpose, Instrument("after"), ChargeState.DUE)
            charge.payout_held_until = held_until
            shared = _shared(so_far, charge.amount, account, professional_id)
            self._post("receivable", charge, [("receivable", self.customer_id, charge.amount), *shared])

    def release(self) -> int:
        """Release what was authorised; return the paise released."""
        back = 0
        for charge in self.in_state(ChargeState.AUTHORISED):
            back += charge.amount
            self._release_remainder(charge)
            _set_state(charge, ChargeState.RELEASED)
        for charge in self.in_state(ChargeState.NEEDS_CODE):
            _set_state(charge, ChargeState.DECLINED)
        return back

    def take_fee(self, professional_id: int | None, fee: int) -> int:
        """Capture `fee` paise of what was authorised and release the rest; return the paise released."""
        back, left = 0, fee
        for charge in self.in_state(ChargeState.AUTHORISED):
            part = min(charge.amount, left)
            if part:
                charge.captured = part
                self._post_fee(charge, professional_id, gateway=True, held=True)
            back += charge.amount - part
            self._release_remainder(charge)
            _set_state(charge, ChargeState.CAPTURED if part else ChargeState.RELEASED)
            left -= part
        if left:
            self.owe_fee(professional_id, left)
        return back

    def owe_fee(self, professional_id: int | None, fee: int) -> None:
        """`fee` paise become due."""
        charge = self._add_charge(fee, "fee", Instrument("after"), ChargeState.DUE)
        self._post_fee(charge, professional_id, gateway=False, held=False)

    def charge_fee(self, professional_id: int | None, fee: int, by: Instrument) -> None:
        """Capture `fee` paise at once, besides what is authorised."""
        charge = self._add_charge(fee, "fee", by, ChargeState.CAPTURED, captured=fee)
        self._post_fee(charge, professional_id, gateway=True, held=False)

    def settle(self, charge: Charge, authorisation: Authorisation) -> None:
        """Pay a due charge; when the bank wants a code it stays due."""
        instrument = authorisation.instrument
        charge.method, charge.brand, charge.last4 = instrument.method, instrument.brand, instrument.last4
        if authorisation.state == "authorised":
            charge.captured = charge.amount
            _set_state(charge, ChargeState.PAID)
            receivable: Line = ("receivable", charge.customer_id, -charge.amount)
            self._post("settle", charge, [("gateway", None, charge.amount), receivable])

    def _add_charge(self, amount: int, purpose: str, by: Instrument, state: ChargeState, captured: int = 0) -> Charge:
        charge = Charge(
            booking_id=self.booking_id,
            customer_id=self.customer_id,
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
        self.charges.append(charge)
        self.new_charges.append(charge)
        return charge

    def _post(self, kind: str, charge: Charge, lines: Iterable[Line]) -> None:
        self.transactions.append(new_transaction(kind, self.booking_id, charge, lines))

    def _post_fee(self, charge: Charge, professional_id: int | None, *, gateway: bool, held: bool) -> None:
        fee = charge.captured or charge.amount
        earning, commission = fee_split(fee, to_professional=professional_id is not None)
        paid: Line = ("gateway", None, fee) if gateway else ("receivable", charge.customer_id, fee)
        lines: list[Line] = [paid, ("earnings", professional_id, -earning), ("commission", None, -commission)]
        self._post("fee", charge, [*lines, *(_held(-fee) if held else [])])

    def _release_remainder(self, charge: Charge) -> None:
        """Post the release of what was authorised and not captured."""
        if charge.amount > charge.captured:
            self._post("release", charge, _held(charge.captured - charge.amount))


async def authorise(
    db: AsyncSession, booking_id: int, customer_id: int, amount: int, purpose: str, authorisation: Authorisation
) -> Charge:
    """Record the bank's answer to `amount` paise; when authorised the amount is held, not yet captured.

    A charge of the same purpose that waits for the bank's code is abandoned.
    """
    money = await _load(db, booking_id, customer_id, ChargeState.NEEDS_CODE)
    charge = money.authorise(amount, purpose, authorisation)
    await _write(db, money)
    return charge


async def add_authorised(
    db: AsyncSession, booking_id: int, customer_id: int, amount: int, purpose: str, by: Instrument
) -> None:
    """Record that the bank authorised `amount` paise of a booking that has no charge yet."""
    await Charges(db).add_authorised(booking_id, customer_id, amount, purpose, by, _held(amount), clock.now())


async def confirm(db: AsyncSession, charge: Charge) -> None:
    """Mark the charge as authorised: the bank's code was right."""
    if charge.state != ChargeState.NEEDS_CODE:
        raise Refused(_("This payment isn't waiting for a code."), reason="state", about="charge")
    money = BookingMoney(charge.booking_id, charge.customer_id, [charge])
    money.confirm(charge)
    await _write(db, money)


async def abandon_bank_codes(db: AsyncSession, booking_ids: Collection[int]) -> None:
    """Decline the charges that wait for the bank's code, because the customer pays in another way or cancels."""
    await Charges(db).abandon_bank_codes(booking_ids, clock.now())


async def capture(
    db: AsyncSession, booking_id: int, customer_id: int, professional_id: int, total: int, *, held_payout: bool
) -> None:
    """Capture `total` paise of a finished job and post the shares; what was not authorised becomes due.

    `held_payout`: completed automatically, so the earning is paid out seven days later.
    """
    money = await _load(db, booking_id, customer_id, ChargeState.AUTHORISED)
    money.capture(professional_id, total, held_payout=held_payout)
    await _write(db, money)


async def release(db: AsyncSession, booking_id: int) -> int:
    """Release all authorised charges; return the paise released."""
    # Nothing is charged, so it does not matter whose it is.
    money = await _load(db, booking_id, 0, ChargeState.AUTHORISED, ChargeState.NEEDS_CODE)
    back = money.release()
    await _write(db, money)
    return back


async def take_fee(db: AsyncSession, booking_id: int, customer_id: int, professional_id: int | None, fee: int) -> int:
    """Charge the fee of a late cancellation or no-show: capture `fee` paise of what was authorised, release the rest.

    70 % go to the professional. What is not covered (pay after the work) becomes due. Return the paise released.
    """
    money = await _load(db, booking_id, customer_id, ChargeState.AUTHORISED)
    back = money.take_fee(professional_id, fee)
    await _write(db, money)
    return back


async def add_fee(db: AsyncSession, booking_id: int, customer_id: int, professional_id: int | None, fee: int) -> None:
    """Charge the fee of a late move by the same card or UPI; the booking's own amount stays authorised."""
    money = BookingMoney(booking_id, customer_id)
    paid_by = await Charges(db).instrument_of(booking_id)
    if paid_by is None:
        money.owe_fee(professional_id, fee)
    else:
        money.charge_fee(professional_id, fee, instrument_of(paid_by))
    await _write(db, money)


async def settle(db: AsyncSession, charge: Charge, authorisation: Authorisation) -> None:
    """Pay a due charge. If the bank requires a code it stays due, with the card stored."""
    if charge.state != ChargeState.DUE:
        raise Refused(_("This is already paid."), reason="state", about="payment")
    money = BookingMoney(charge.booking_id, charge.customer_id, [charge])
    money.settle(charge, authorisation)
    await _write(db, money)


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
    db.add(new_transaction("refund", charge.booking_id, charge, [*lines, *shared]))
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
        db.add(new_transaction("payout_free", payout.booking_id, None, lines))
    await db.flush()
    return len(held)


def instrument_of(charge: Charge) -> Instrument:
    """The instrument of a charge, for a further charge of the same booking."""
    return Instrument("upi" if charge.method == "upi" else "card", charge.brand, charge.last4)


def due_charges(charges: Sequence[Charge]) -> list[Charge]:
    return [charge for charge in charges if charge.state == ChargeState.DUE]


async def _load(db: AsyncSession, booking_id: int, customer_id: int, *states: ChargeState) -> BookingMoney:
    return BookingMoney(booking_id, customer_id, await Charges(db).in_state(booking_id, *states))


async def _write(db: AsyncSession, money: BookingMoney) -> None:
    db.add_all([*money.new_charges, *money.transactions])
    await db.flush()


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
