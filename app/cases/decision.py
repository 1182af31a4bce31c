"""Decide a case: outcome, money and reason in one act (W27, W28)."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.contact_fields import clean_reason
from app.bookings.booking import Booking
from app.bookings.cancellation import cancel_booking
from app.bookings.decline import settle_dispute
from app.bookings.moves import State, StateRefused
from app.bookings.redo import create_redo
from app.cases.case import GUARANTEE_PERIOD, Case, Outcome
from app.cases.cases import both_sides, record, refuse_decided
from app.cases.repository import BookingCases
from app.core.errors import Invalid, Refused
from app.core.events import Person
from app.core.i18n import _
from app.core.money import format_rupees, parse_rupees
from app.payments import charges
from app.payments.refund import BorneBy
from app.payments.refunds import refund_booking
from app.payments.repository import Charges
from app.payments.withholding_repository import (
    Withholding,
    current_withholding,
    lock_held_payouts,
    release_payout,
    withhold_payout,
)

MAX_OUTCOMES = 2
MIN_AMOUNT, MAX_AMOUNT = 1, 1_00_00_000_00  # paise
MONEY_OUTCOMES = (Outcome.REFUND, Outcome.FEE_RETURNED)


@dataclass(frozen=True, slots=True)
class Decision:
    """`amount` paise are refunded, None where the outcome says how much; both sides read the `reason`."""

    outcomes: tuple[Outcome, ...]
    amount: int | None
    borne_by: BorneBy
    reason: str

    @property
    def right(self) -> str:
        """The admin's right that it takes (app.web.guards.ADMIN_RIGHTS)."""
        return "money" if {*self.outcomes} & {*MONEY_OUTCOMES, Outcome.PAYOUT_WITHHELD} else "support"


@dataclass(frozen=True, slots=True)
class DecisionContext:
    """What the consequences of an outcome need; `booking` has its row locked."""

    db: AsyncSession
    by: Person
    case: Case
    booking: Booking
    decision: Decision


def read_decision(outcomes: Sequence[str], amount: str, borne_by: str, reason: str) -> Decision:
    """Validate what was typed. Invalid beside each wrong field."""
    errors: dict[str, str] = {}
    chosen = tuple(dict.fromkeys(Outcome(outcome) for outcome in outcomes if outcome in tuple(Outcome)))
    if message := _outcome_error(outcomes, chosen):
        errors["outcome"] = message
    paise = None
    try:
        paise = parse_rupees(amount, MIN_AMOUNT, MAX_AMOUNT) if amount.strip() else None
    except Invalid as error:
        errors["amount"] = error.errors["price"]
    if paise is not None and not set(chosen) & set(MONEY_OUTCOMES):
        errors["amount"] = _("This outcome refunds nothing. Leave the amount empty.")
    if borne_by not in tuple(BorneBy):
        errors["borne_by"] = _("Choose who bears the refund.")
    elif borne_by == BorneBy.SHARES and Outcome.PAYOUT_WITHHELD in chosen:
        errors["borne_by"] = _("The professional's whole share is withheld, so Doorstep bears the refund.")
    try:
        reason = clean_reason(reason)
    except Invalid as error:
        errors |= error.errors
    if errors:
        raise Invalid(errors)
    return Decision(chosen, paise, BorneBy(borne_by), reason)


async def decide_case(db: AsyncSession, by: Person, reference: str, decision: Decision) -> Case:
    """Decide once; money, second visit and words are one transaction, and both sides read the same reason.

    What the decision before the case was reopened withheld is released, unless this one withholds it too.
    Invalid("amount"); Missing; Refused "decided", or why the outcome isn't possible.
    """
    if Outcome.PAYOUT_WITHHELD in decision.outcomes:
        await lock_held_payouts(db)
    case, booking = await BookingCases(db).locked(reference, by)
    refuse_decided(case)
    context = DecisionContext(db, by, case, booking, decision)
    withholding = await _own_withholding(db, case)
    released = None
    if withholding and not _is_kept(withholding, decision):
        released, withholding = await release_payout(db, booking.id, withholding), None
    refunded = 0
    for outcome in decision.outcomes:
        if outcome != Outcome.PAYOUT_WITHHELD:
            refunded += await CONSEQUENCES[outcome](context)
    withheld = None
    if Outcome.PAYOUT_WITHHELD in decision.outcomes:
        withheld, released = withholding.amount if withholding else await _withhold(context), None
    await settle_dispute(db, booking)
    case.decide(by, decision.outcomes, refunded or None, decision.borne_by, decision.reason, withheld, released)
    record(
        booking,
        case,
        "booking.case_decided",
        by,
        both_sides(booking, case),
        outcomes=list(decision.outcomes),
        amount=refunded,
        **({"withheld": withheld} if withheld else {}),
        **({"payout_released": released} if released else {}),
    )
    await db.flush()
    return case


def _outcome_error(sent: Sequence[str], chosen: Sequence[Outcome]) -> str:
    if not chosen or len(chosen) < len(sent):
        return _("Choose an outcome.")
    if len(chosen) > MAX_OUTCOMES or (Outcome.NONE in chosen and len(chosen) > 1):
        return _("Choose one outcome, or two that go together.")
    if set(MONEY_OUTCOMES) <= set(chosen):
        return _("Choose either money back or the fee: one amount is refunded.")
    return ""


async def _change_nothing(_context: DecisionContext) -> int:
    return 0


async def _refund(context: DecisionContext) -> int:
    """Of a job that is over the amount; one that has not begun is cancelled, and everything is refunded."""
    booking, decision = context.booking, context.decision
    if booking.state in (State.REQUESTED, State.ASSIGNED):
        if decision.amount is not None:
            raise Invalid({"amount": _("The job hasn't begun: it's cancelled and everything is refunded. Leave this"
                                       " empty.")})  # fmt: skip
        cancelled_as = "professional_absent" if context.case.topic == "absent" else "platform"
        return await cancel_booking(context.db, booking, context.by, cancelled_as, decision.reason)
    if booking.state in (State.HELD, State.STARTED):
        raise StateRefused(booking.state)
    if decision.amount is None:
        raise Invalid({"amount": _("Enter how much is refunded.")})
    return await _refund_amount(context, decision.amount)


async def _redo(context: DecisionContext) -> int:
    """The customer said within 14 days of completion that the work was not done right."""
    case, booking = context.case, context.booking
    if booking.completed_at is None:
        raise Refused(_("Only a job that is done can be put right by a second visit."), reason="state", about="redo")
    if case.opened_at > booking.completed_at + GUARANTEE_PERIOD:
        raise Refused(
            _("A second visit is possible when we hear of it within 14 days of the job."), reason="late", about="redo"
        )
    await create_redo(context.db, context.by, booking)
    return 0


async def _return_fee(context: DecisionContext) -> int:
    """The fee of a no-show or a late cancellation, or the part that was typed; a fee that is due is waived whole."""
    booking, amount = context.booking, context.decision.amount
    fees = [charge for charge in await Charges(context.db).of_booking(booking.id) if charge.purpose == "fee"]
    fee = booking.fee or sum(charge.amount for charge in fees)
    if not fee:
        raise Refused(_("No fee was charged for this booking."), reason="state", about="fee")
    due = charges.due_charges(fees)
    owed = sum(charge.amount for charge in due)
    if not owed:
        return await _refund_amount(context, fee if amount is None else amount)
    if amount not in (None, owed):
        raise Invalid({"amount": _("The fee of %(fee)s isn't paid yet: leave this empty, and it's waived.",
                                   fee=format_rupees(owed))})  # fmt: skip
    for charge in due:
        await charges.waive(context.db, charge)
    return owed


async def _own_withholding(db: AsyncSession, case: Case) -> Withholding | None:
    """What is withheld of the booking, unless by the decision of another of its cases."""
    withholding = await current_withholding(db, case.booking_id)
    return None if withholding and await BookingCases(db).is_withheld_by_another(case) else withholding


def _is_kept(withholding: Withholding, decision: Decision) -> bool:
    """Whether the decision leaves it as it is: what became commission is moved to pay for a second visit."""
    moves = Outcome.REDO in decision.outcomes and withholding.account != "guarantee"
    return Outcome.PAYOUT_WITHHELD in decision.outcomes and not moves


async def _withhold(context: DecisionContext) -> int:
    """What is left of the professional's share after the other outcome."""
    for_redo = Outcome.REDO in context.decision.outcomes
    return await withhold_payout(context.db, context.booking.id, context.case.professional_id, for_redo=for_redo)


async def _refund_amount(context: DecisionContext, amount: int) -> int:
    refund = await refund_booking(
        context.db,
        context.booking,
        context.by,
        amount,
        borne_by=context.decision.borne_by,
        reason=context.decision.reason,
    )
    context.case.refund_id = refund.id
    return amount


CONSEQUENCES: dict[Outcome, Callable[[DecisionContext], Awaitable[int]]] = {
    Outcome.NONE: _change_nothing,
    Outcome.REFUND: _refund,
    Outcome.REDO: _redo,
    Outcome.FEE_RETURNED: _return_fee,
}
