"""The verbs of charges: authorise, capture, release, waive. Each posts to the ledger in the same transaction.

The caller holds the lock of the booking's row. The rules are methods of app.payments.booking_money.BookingMoney.
Refunds by admins: app.payments.refunds.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.errors import Refused
from app.core.i18n import _
from app.payments.booking_money import BookingMoney, held_lines
from app.payments.charge import Charge, ChargeState
from app.payments.ledger import LedgerTransaction, Line, new_transaction
from app.payments.pretend_bank import Authorisation, Instrument
from app.payments.repository import Charges, ChargeSplit
from app.payments.split import NOTHING_BESIDES, PaymentSplit
from app.payments.tax import TaxRule
from app.payments.tip import Tip
from app.payments.withholding_repository import is_payout_withheld

OVERDUE_AFTER = timedelta(hours=24)
POSTED = "posted_transactions"  # key of a session's `info`
INVOICED_KINDS = frozenset({"capture", "receivable", "fee", "refund"})


@dataclass(frozen=True, slots=True)
class Posted:
    """A transaction that a session wrote, and the tax rule by which it was shared."""

    transaction: LedgerTransaction
    tax: TaxRule | None


async def authorise(
    db: AsyncSession,
    booking_id: int,
    customer_id: int,
    amount: int,
    purpose: str,
    authorisation: Authorisation,
    besides: PaymentSplit = NOTHING_BESIDES,
) -> Charge:
    """Record the bank's answer to `amount` paise; when authorised the amount is held, not yet captured.

    A charge of the same purpose that waits for the bank's code is abandoned. `besides`: what a coupon and credit pay.
    """
    money = await load_money(db, booking_id, customer_id, ChargeState.NEEDS_CODE)
    charge = money.authorise(amount, purpose, authorisation, besides)
    await write_money(db, money)
    return charge


async def promise(db: AsyncSession, booking_id: int, customer_id: int, split: PaymentSplit) -> None:
    """Reserve the parts that a coupon and credit pay; the rest is zero, or is charged after the job."""
    money = BookingMoney(booking_id, customer_id)
    money.promise(split)
    await write_money(db, money)


async def add_authorised(
    db: AsyncSession, booking_id: int, customer_id: int, amount: int, purpose: str, by: Instrument
) -> None:
    """Record that the bank authorised `amount` paise of a booking that has no charge yet."""
    await Charges(db).add_authorised(booking_id, customer_id, amount, purpose, by, held_lines(amount), clock.now())


async def confirm(db: AsyncSession, charge: Charge) -> None:
    """Mark the charge as authorised, and what a coupon and credit pay besides: the bank's code was right."""
    if charge.state != ChargeState.NEEDS_CODE:
        raise Refused(_("This payment isn't waiting for a code."), reason="state", about="charge")
    money = await load_money(db, charge.booking_id, charge.customer_id, ChargeState.NEEDS_CODE)
    for waiting in money.charges:
        if waiting.purpose == charge.purpose:
            money.confirm(waiting)
    await write_money(db, money)


async def abandon_bank_codes(db: AsyncSession, booking_ids: Collection[int]) -> None:
    """Decline the charges that wait for the bank's code, because the customer pays in another way or cancels."""
    await Charges(db).abandon_bank_codes(booking_ids, clock.now())


async def capture(
    db: AsyncSession,
    booking_id: int,
    customer_id: int,
    professional_id: int,
    total: int,
    *,
    held_payout: bool,
    tax: TaxRule | None = None,
) -> None:
    """Capture `total` paise of a finished job and post the shares; what was not authorised becomes due.

    `held_payout`: completed automatically, so the earning is paid out seven days later. What refunds released before
    is not captured; where Doorstep bears it, the professional gets its share all the same.
    """
    money = await load_money(db, booking_id, customer_id, ChargeState.AUTHORISED, tax=tax)
    has_released = any(charge.released for charge in money.charges)
    released = await Charges(db).released_by_refunds(booking_id) if has_released else ()
    money.capture(professional_id, total, held_payout=held_payout, released=released)
    await write_money(db, money)


async def release(db: AsyncSession, booking_id: int, *, as_credit: bool = False) -> int:
    """Release all authorised charges, with `as_credit` as credit; return the paise released for the customer."""
    # Nothing is charged, so it does not matter whose it is.
    money = await load_money(db, booking_id, 0, ChargeState.AUTHORISED, ChargeState.NEEDS_CODE)
    back = money.release(as_credit=as_credit)
    await write_money(db, money)
    return back


async def take_fee(
    db: AsyncSession,
    booking_id: int,
    customer_id: int,
    professional_id: int | None,
    fee: int,
    tax: TaxRule | None = None,
    *,
    as_credit: bool = False,
) -> int:
    """Charge the fee of a late cancellation or no-show: capture `fee` paise of what was authorised, release the rest.

    From credit first, so that a bank gets back as much as possible. 70 % go to the professional. What is not covered
    (pay after the work) becomes due. Return the paise released for the customer.
    """
    money = await load_money(db, booking_id, customer_id, ChargeState.AUTHORISED, tax=tax)
    back = money.take_fee(professional_id, fee, as_credit=as_credit)
    await write_money(db, money)
    return back


async def add_fee(
    db: AsyncSession,
    booking_id: int,
    customer_id: int,
    professional_id: int | None,
    fee: int,
    tax: TaxRule | None = None,
) -> None:
    """Charge the fee of a late move by the same card or UPI; the booking's own amount stays authorised."""
    money = BookingMoney(booking_id, customer_id, tax=tax)
    paid_by = await Charges(db).instrument_of(booking_id)
    if paid_by is None:
        money.owe_fee(professional_id, fee)
    else:
        money.charge_fee(professional_id, fee, instrument_of(paid_by))
    await write_money(db, money)


async def settle(db: AsyncSession, charge: Charge, authorisation: Authorisation) -> None:
    """Pay a due charge. If the bank requires a code it stays due, with the card stored."""
    if charge.state != ChargeState.DUE:
        raise Refused(_("This is already paid."), reason="state", about="payment")
    money = BookingMoney(charge.booking_id, charge.customer_id, [charge])
    money.settle(charge, authorisation)
    await write_money(db, money)


async def waive(db: AsyncSession, charge: Charge) -> None:
    """Waive a due charge: it is owed no longer. Refused("state")."""
    if charge.state != ChargeState.DUE:
        raise Refused(_("Nothing is due any more."), reason="state", about="due")
    money = BookingMoney(charge.booking_id, charge.customer_id, [charge])
    split = await Charges(db).split_of(charge)
    if await is_payout_withheld(db, charge.booking_id):
        split = ChargeSplit(0, split.earnings + split.commission, None, taxes=split.taxes)
    money.waive(charge, split)
    await write_money(db, money)


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


def instrument_of(charge: Charge | Tip) -> Instrument:
    """The instrument of a charge, for a further charge of the same booking."""
    return Instrument("upi" if charge.method == "upi" else "card", charge.brand, charge.last4)


def due_charges(charges: Sequence[Charge]) -> list[Charge]:
    return [charge for charge in charges if charge.state == ChargeState.DUE]


async def load_money(
    db: AsyncSession, booking_id: int, customer_id: int, *states: ChargeState, tax: TaxRule | None = None
) -> BookingMoney:
    """The booking's charges in these states, row-locked."""
    return BookingMoney(booking_id, customer_id, await Charges(db).in_state(booking_id, *states), tax)


async def write_money(db: AsyncSession, money: BookingMoney) -> None:
    """Write new charges and ledger transactions, and note those of this session that invoices are issued for."""
    db.add_all([*money.new_charges, *money.transactions])
    await db.flush()
    posted = [Posted(entry, money.tax) for entry in money.transactions if entry.kind in INVOICED_KINDS]
    db.info.setdefault(POSTED, []).extend(posted)


def pop_posted(db: AsyncSession) -> list[Posted]:
    """The transactions that this session wrote since the last call and that invoices are issued for."""
    posted: list[Posted] = db.info.pop(POSTED, [])
    return posted
