"""Withhold what a booking brought its professional, by the decision of a case (W28), and release it again.

A booking's share is withheld once at a time: it is withheld again only after it was released.
"""

from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import AdvisoryLock, acquire_lock
from app.core.errors import Refused
from app.core.i18n import _
from app.payments.charge import Charge
from app.payments.ledger import WITHHOLDING_KINDS, LedgerEntry, LedgerTransaction, Line, new_transaction
from app.payments.refund import BorneBy, Refund, RefundState
from app.payments.repository import EARNING_ACCOUNTS


@dataclass(frozen=True, slots=True)
class Withholding:
    """`amount` paise of `professional_id` that `account` got; `repetition` counts from 0, for each booking."""

    repetition: int
    professional_id: int
    amount: int
    account: str


async def lock_held_payouts(db: AsyncSession) -> None:
    """No held payout is released until this transaction ends. Before the booking's row is locked, as the release is."""
    await acquire_lock(db, AdvisoryLock.HELD_PAYOUTS)


async def withhold_payout(db: AsyncSession, booking_id: int, professional_id: int | None, *, for_redo: bool) -> int:
    """Take back all that the booking brought the professional; return the paise. The caller holds both locks.

    It is Doorstep's commission then, or pays for the second visit. What was paid out already is set off against later
    payouts. Refused("nothing") about "withholding", Refused("waiting") about "payout".
    """
    if professional_id is None or await is_payout_withheld(db, booking_id):
        raise _nothing_to_withhold()
    waiting = select(Refund.id).where(
        Refund.booking_id == booking_id, Refund.state == RefundState.REQUESTED, Refund.borne_by == BorneBy.SHARES
    )
    if await db.scalar(waiting.limit(1)) is not None:
        raise Refused(
            _("A refund that the professional would bear a part of waits for a second admin. Decide about it first."),
            reason="waiting",
            about="payout",
        )
    query = (
        select(LedgerEntry.account, func.sum(LedgerEntry.amount))
        .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
        .where(
            LedgerTransaction.booking_id == booking_id,
            LedgerEntry.person_id == professional_id,
            LedgerEntry.account.in_(EARNING_ACCOUNTS),
        )
        .group_by(LedgerEntry.account)
        .order_by(LedgerEntry.account)
    )
    balances = [(account, -int(amount)) for account, amount in await db.execute(query)]
    earned = sum(amount for _account, amount in balances)
    if earned <= 0:
        raise _nothing_to_withhold()
    lines: list[Line] = [(account, professional_id, amount) for account, amount in balances]
    lines.append(("guarantee" if for_redo else "commission", None, -earned))
    repetition = await _count(db, booking_id, "withheld")
    db.add(new_transaction("withheld", booking_id, None, lines, repetition=repetition))
    held = update(Charge).where(Charge.booking_id == booking_id, Charge.payout_held_until.is_not(None))
    await db.execute(held.values(payout_held_until=None))
    await db.flush()
    return earned


async def release_payout(db: AsyncSession, booking_id: int, withholding: Withholding) -> int:
    """Give the professional what is withheld, for the next payout; return the paise. The caller holds the lock."""
    amount = withholding.amount
    lines: list[Line] = [(withholding.account, None, amount), ("earnings", withholding.professional_id, -amount)]
    db.add(new_transaction("withholding_released", booking_id, None, lines, repetition=withholding.repetition))
    await db.flush()
    return amount


async def current_withholding(db: AsyncSession, booking_id: int) -> Withholding | None:
    """What is withheld of the booking and was not released."""
    if not await is_payout_withheld(db, booking_id):
        return None
    repetition = await _count(db, booking_id, "withheld") - 1
    query = (
        select(LedgerEntry)
        .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
        .where(
            LedgerTransaction.booking_id == booking_id,
            LedgerTransaction.kind == "withheld",
            LedgerTransaction.repetition == repetition,
        )
    )
    entries = (await db.scalars(query)).all()
    paid_by = next(entry for entry in entries if entry.person_id is not None)
    account = next(entry for entry in entries if entry.person_id is None)
    assert paid_by.person_id is not None
    return Withholding(repetition, paid_by.person_id, -account.amount, account.account)


async def is_payout_withheld(db: AsyncSession, booking_id: int) -> bool:
    withheld, released = [await _count(db, booking_id, kind) for kind in WITHHOLDING_KINDS]
    return withheld > released


async def _count(db: AsyncSession, booking_id: int, kind: str) -> int:
    query = select(func.count(LedgerTransaction.id)).where(
        LedgerTransaction.booking_id == booking_id, LedgerTransaction.kind == kind
    )
    return await db.scalar(query) or 0


async def refuse_withheld(db: AsyncSession, booking_id: int, borne_by: BorneBy) -> None:
    """A share is taken back once: Refused("state") about "withheld" for a refund borne by a share that was withheld."""
    if borne_by == BorneBy.SHARES and await is_payout_withheld(db, booking_id):
        raise Refused(
            _("The professional's share of this booking was withheld, so Doorstep bears its refunds."),
            reason="state",
            about="withheld",
        )


def _nothing_to_withhold() -> Refused:
    return Refused(
        _("The professional has earned nothing with this booking that could be withheld."),
        reason="nothing",
        about="withholding",
    )
