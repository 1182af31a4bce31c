"""Give money back (W29): release what is authorised, refund what was captured or paid.

The caller holds the lock of the booking's row, so two refunds at once never exceed what was taken; the constraints of
charges and the trigger refunds_match_charges say so too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.contact_fields import clean_reason
from app.accounts.repository import Users
from app.core import clock
from app.core.errors import Invalid, Refused
from app.core.events import Event, Person
from app.core.i18n import _
from app.core.money import format_rupees
from app.payments import pretend_bank
from app.payments.booking_money import BookingMoney
from app.payments.charge import CREDIT, Charge, ChargeState, bank_first
from app.payments.charges import instrument_of, load_money, write_money
from app.payments.refund import DECLINED, SECOND_ADMIN_ABOVE, BorneBy, Refund, RefundState
from app.payments.refund_repository import Refunds
from app.payments.repository import Charges, ChargeSplit
from app.payments.tax import share_job
from app.payments.tax_repository import find_tax_rule
from app.payments.withholding_repository import refuse_withheld

REFUNDABLE_STATES = (ChargeState.AUTHORISED, ChargeState.CAPTURED, ChargeState.PAID)


class RefundedBooking(Protocol):
    """What a refund needs of the entity Booking, which belongs to a higher room."""

    @property
    def id(self) -> Any: ...
    @property
    def service_id(self) -> Any: ...
    @property
    def customer_id(self) -> Any: ...
    @property
    def professional_id(self) -> Any: ...
    @property
    def subject(self) -> str: ...
    def record(self, name: str, *, by: Any, nudges: Iterable[tuple[str, str]] = (), **facts: Any) -> Event: ...


@dataclass(frozen=True, slots=True)
class RefundPreview:
    """In paise: what was taken, refunded so far, waiting for a second admin, and refundable now.

    `earning` is what the professional `professional_id` would lose of a refund of `amount` borne by shares, `tax` what
    the government would; at Doorstep's cost only `price_tax` of that.
    """

    taken: int
    refunded: int
    waiting: int
    refundable: int
    amount: int
    earning: int
    professional_id: int | None
    tax: int = 0
    price_tax: int = 0

    @property
    def commission(self) -> int:
        """What Doorstep would lose of it."""
        return self.amount - self.earning - self.tax

    @property
    def cost(self) -> int:
        """What Doorstep would lose if it bears all."""
        return self.amount - self.price_tax


async def refund_booking(
    db: AsyncSession,
    booking: RefundedBooking,
    by: Person,
    amount: int,
    *,
    borne_by: BorneBy,
    reason: str,
    as_credit: bool = False,
) -> Refund:
    """Give `amount` paise back to the customer; the caller holds the lock of the booking's row.

    To the bank that it came from first, then to their credit; `as_credit`: all of it to their credit. A coupon's part
    is not refunded. Done at once, or failed if the gateway refuses; above ₹5,000 of the booking in all it waits for a
    second admin, unless there is none. Invalid("amount", "reason", "borne_by"); Refused("nothing").
    """
    reason, borne_by = clean_reason(reason), _parse_bearer(borne_by)
    await refuse_withheld(db, booking.id, borne_by)
    money = await load_money(db, booking.id, booking.customer_id, *REFUNDABLE_STATES)
    if borne_by == BorneBy.SHARES and booking.professional_id is None and money.in_state(ChargeState.AUTHORISED):
        raise Invalid({"borne_by": _("No professional has accepted yet, so Doorstep bears it.")})
    _require_refundable(amount, _refundable(money.charges) - await Refunds(db).waiting_for(booking.id))
    refund = Refund(
        booking_id=booking.id,
        amount=amount,
        as_credit=as_credit,
        borne_by=borne_by,
        reason=reason,
        state=RefundState.REQUESTED,
        requested_at=clock.now(),
        requested_by_id=by.id,
        attempts=0,
        released=0,
        only_admin=False,
    )
    db.add(refund)
    await db.flush()
    await _send_or_wait(db, booking, refund, by, money)
    return refund


async def confirm_refund(db: AsyncSession, booking: RefundedBooking, by: Person, refund: Refund, *, yes: bool) -> None:
    """The second admin's answer; the caller holds the lock of the booking's row. Refused("decided", "another")."""
    if refund.state != RefundState.REQUESTED:
        raise Refused(_("This refund has been decided already."), reason="decided")
    if by.id == refund.requested_by_id:
        if await Users(db).has_admin_besides(by.id):
            raise Refused(
                _("You asked for this refund, so another admin confirms it."), reason="another", about="refund"
            )
        refund.only_admin = True
    refund.confirmed_at, refund.confirmed_by_id = clock.now(), by.id
    if yes:
        await refuse_withheld(db, booking.id, refund.borne_by)
        money = await load_money(db, booking.id, booking.customer_id, *REFUNDABLE_STATES)
        _require_refundable(refund.amount, _refundable(money.charges))
        await _send(db, booking, refund, by, money)
    else:
        refund.state, refund.failed_at, refund.failure = RefundState.FAILED, clock.now(), DECLINED
        _record(booking, "booking.refund_declined", by, refund)
        await db.flush()


async def retry_refund(db: AsyncSession, booking: RefundedBooking, by: Person, refund: Refund) -> None:
    """Send a failed refund again; the caller holds the lock of the booking's row. Refused("state")."""
    if not refund.may_be_retried:
        raise Refused(_("Only a refund that failed can be sent again."), reason="state", about="refund")
    await refuse_withheld(db, booking.id, refund.borne_by)
    money = await load_money(db, booking.id, booking.customer_id, *REFUNDABLE_STATES)
    waiting = await Refunds(db).waiting_for(booking.id)
    _require_refundable(refund.amount, _refundable(money.charges) - waiting)
    refund.state, refund.failed_at, refund.failure = RefundState.REQUESTED, None, None
    await _send_or_wait(db, booking, refund, by, money)


async def preview_refund(db: AsyncSession, booking: RefundedBooking, amount: int | None = None) -> RefundPreview:
    """What a refund of `amount` paise would do, of everything if it is None; nothing is written."""
    charges = await Charges(db).of_booking(booking.id)
    waiting = await Refunds(db).waiting_for(booking.id)
    refundable = max(_refundable(charges) - waiting, 0)
    refunded = await Refunds(db).refunded(booking.id)
    amount = refundable if amount is None else min(amount, refundable)
    lost, professional_id = await _lost_shares(db, booking, charges, amount)
    return RefundPreview(
        taken=_refundable(charges) + refunded,
        refunded=refunded,
        waiting=waiting,
        refundable=refundable,
        amount=amount,
        earning=lost.earning,
        professional_id=professional_id,
        tax=lost.tax,
        price_tax=lost.price_tax,
    )


async def _send_or_wait(
    db: AsyncSession, booking: RefundedBooking, refund: Refund, by: Person, money: BookingMoney
) -> None:
    """Send it, unless a second admin has to confirm it first."""
    others = await Refunds(db).other_amounts(refund)
    if others + refund.amount > SECOND_ADMIN_ABOVE and refund.confirmed_by_id is None:
        if await Users(db).has_admin_besides(refund.requested_by_id):
            _record(booking, "booking.refund_requested", by, refund)
            await db.flush()
            return
        refund.only_admin = True
    await _send(db, booking, refund, by, money)


async def _send(db: AsyncSession, booking: RefundedBooking, refund: Refund, by: Person, money: BookingMoney) -> None:
    """Have the gateway do it, and post it to the ledger; all of it, or nothing."""
    refund.state, refund.sent_at, refund.attempts = RefundState.SENT, clock.now(), refund.attempts + 1
    to_release = min(refund.amount, _held(money.charges))
    failure = ""
    if not refund.as_credit:
        failure = _gateway_failure(money.charges, refund.amount - to_release, refund.attempts)
    if failure:
        refund.state, refund.failed_at, refund.failure = RefundState.FAILED, clock.now(), failure
        _record(booking, "booking.refund_failed", by, refund)
        await db.flush()
        return
    by_doorstep = refund.borne_by == BorneBy.DOORSTEP
    splits = await _splits_of(db, money.charges)
    refund.released = money.release_part(to_release, refund.id, as_credit=refund.as_credit)
    money.refund(refund.amount - to_release, splits, refund.id, by_doorstep=by_doorstep, as_credit=refund.as_credit)
    if not by_doorstep:
        refund.professional_id = _bearer(booking, refund, splits)
    refund.state, refund.done_at = RefundState.DONE, clock.now()
    await write_money(db, money)
    _record(booking, "booking.refunded", by, refund)
    await db.flush()


def _require_refundable(amount: int, refundable: int) -> None:
    if refundable <= 0:
        raise Refused(_("There's nothing left to refund for this booking."), reason="nothing", about="refund")
    if amount <= 0:
        raise Invalid({"amount": _("Enter an amount of more than ₹0.")})
    if amount > refundable:
        raise Invalid({"amount": _("At most %(most)s can be refunded.", most=format_rupees(refundable))})


def _parse_bearer(borne_by: str) -> BorneBy:
    if borne_by not in tuple(BorneBy):
        raise Invalid({"borne_by": _("Choose who bears the refund.")})
    return BorneBy(borne_by)


def _refundable(charges: Iterable[Charge]) -> int:
    return sum(charge.refundable for charge in charges)


def _held(charges: Iterable[Charge]) -> int:
    return sum(charge.held for charge in bank_first(charges))


def _gateway_failure(charges: Iterable[Charge], amount: int, attempt: int) -> str:
    """Why the gateway refuses to refund `amount` paise of what was captured or paid; "" if it does not."""
    left = amount
    for charge in bank_first(charges):
        if left and charge.method != CREDIT and charge.state != ChargeState.AUTHORISED and charge.refundable:
            left -= min(left, charge.refundable)
            if failure := pretend_bank.refund_failure(instrument_of(charge), attempt):
                return failure
    return ""


async def _splits_of(db: AsyncSession, charges: Iterable[Charge]) -> dict[int, ChargeSplit]:
    return {
        charge.id: await Charges(db).split_of(charge) for charge in charges if charge.state != ChargeState.AUTHORISED
    }


@dataclass(slots=True)
class LostShares:
    """Paise that a refund takes of an earning, and of taxes; `price_tax` of them at Doorstep's cost too."""

    earning: int = 0
    tax: int = 0
    price_tax: int = 0


async def _lost_shares(
    db: AsyncSession, booking: RefundedBooking, charges: Sequence[Charge], amount: int
) -> tuple[LostShares, int | None]:
    """(what a refund of `amount` paise takes, whose earning): of what is held as the capture would share it."""
    held, lost, professional_id = min(_held(charges), amount), LostShares(), booking.professional_id
    if held and professional_id is not None:
        rule = await find_tax_rule(db, booking.service_id, professional_id)
        total = sum(charge.held for charge in charges)
        shares = share_job(total, rule) - share_job(total - held, rule) if total > held else share_job(held, rule)
        lost = LostShares(shares.earning, held - shares.earning - shares.commission, shares.tax)
    left = amount - held
    for charge in bank_first(charges):
        part = 0 if charge.held else min(charge.refundable, left)
        if part:
            split = await Charges(db).split_of(charge)
            lost.earning += split.earning_of(part, charge.captured)
            lost.tax += sum(taken for _account, _person, taken in split.taxes_of(part, charge, by_doorstep=False))
            lost.price_tax += sum(taken for _account, _person, taken in split.taxes_of(part, charge, by_doorstep=True))
            professional_id = professional_id or split.professional_id
            left -= part
    return lost, professional_id


def _bearer(booking: RefundedBooking, refund: Refund, splits: Mapping[int, ChargeSplit]) -> int | None:
    """Whose earning bears a part: of what was refunded its professional, of what was released the assigned one."""
    if refund.released < refund.amount:
        return next((split.professional_id for split in splits.values() if split.professional_id), None)
    professional_id: int | None = booking.professional_id
    return professional_id


def _record(booking: RefundedBooking, name: str, by: Person, refund: Refund) -> None:
    """Record the event; the reason is in the refund's row alone, where it can be erased."""
    people = {booking.customer_id, refund.professional_id or booking.professional_id} - {None}
    booking.record(
        name,
        by=by,
        nudges=[(f"user:{person}", topic) for person in people for topic in (booking.subject, "jobs")],
        refund_id=refund.id,
        amount=refund.amount,
        borne_by=str(refund.borne_by),
        as_credit=refund.as_credit,
        only_admin=refund.only_admin,
        **({"professional_id": refund.professional_id} if refund.professional_id else {}),
    )
