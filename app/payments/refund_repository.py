"""Refunds: of one booking, and as admins list them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import Missing
from app.core.references import RowIds
from app.payments.ledger import LedgerEntry, LedgerTransaction
from app.payments.refund import BorneBy, Refund, RefundState
from app.payments.repository import EARNING_ACCOUNTS

ROW_IDS = RowIds()


@dataclass(frozen=True, slots=True)
class RefundNotice:
    """A refund as its customer and professional read of it; `earning` is what it took of the reader's, in paise.

    None while the job is not done: what was released before is left out of its price then.
    """

    amount: int
    released: int
    reason: str
    done_at: datetime
    earning: int | None
    as_credit: bool = False


class Refunds:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def get(self, refund_id: int) -> Refund:
        """Raises Missing."""
        refund = await self._db.get(Refund, refund_id) if refund_id in ROW_IDS else None
        if refund is None:
            raise Missing
        return refund

    async def of_booking(self, booking_id: int) -> Sequence[Refund]:
        """All refunds of the booking, oldest first."""
        return (await self._db.scalars(select(Refund).where(Refund.booking_id == booking_id).order_by(Refund.id))).all()

    async def notice(self, refund_id: int, person_id: int | None) -> RefundNotice | None:
        """What a customer or professional reads of a refund; None unless it is done."""
        refund = await self._db.get(Refund, refund_id)
        if refund is None or refund.done_at is None:
            return None
        taken = select(func.sum(LedgerEntry.amount)).join(
            LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id
        )
        earning = await self._db.scalar(
            taken.where(
                LedgerTransaction.refund_id == refund.id,
                LedgerEntry.person_id == person_id,
                LedgerEntry.account.in_(EARNING_ACCOUNTS),
            )
        )
        return RefundNotice(
            refund.amount,
            refund.released,
            refund.reason,
            refund.done_at,
            None if earning is None else int(earning),
            refund.as_credit,
        )

    async def shared_with(self, booking_id: int, professional_id: int | None) -> list[RefundNotice]:
        """What refunds of the booking took of this professional's earning, oldest first."""
        taken = (
            select(func.sum(LedgerEntry.amount))
            .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
            .where(LedgerTransaction.refund_id == Refund.id, LedgerEntry.person_id == professional_id)
            .scalar_subquery()
        )
        query = select(Refund.amount, Refund.released, Refund.reason, Refund.done_at, taken.cast(BigInteger)).where(
            Refund.booking_id == booking_id,
            Refund.state == RefundState.DONE,
            Refund.borne_by == BorneBy.SHARES,
            Refund.professional_id == professional_id,
        )
        rows = await self._db.execute(query.order_by(Refund.id))
        return [
            RefundNotice(amount, released, reason, done_at, earning)
            for amount, released, reason, done_at, earning in rows
            if done_at is not None
        ]

    async def refunded(self, booking_id: int) -> int:
        """Paise that refunds of the booking gave back."""
        return await self._sum(booking_id, RefundState.DONE)

    async def waiting_for(self, booking_id: int) -> int:
        """Paise of the booking's refunds that wait for a second admin."""
        return await self._sum(booking_id, RefundState.REQUESTED)

    async def other_amounts(self, refund: Refund) -> int:
        """Paise of the booking's other refunds that are done or under way."""
        query = select(func.coalesce(func.sum(Refund.amount), 0)).where(
            Refund.booking_id == refund.booking_id, Refund.id != refund.id, Refund.state != RefundState.FAILED
        )
        return int(await self._db.scalar(query) or 0)

    async def _sum(self, booking_id: int, state: RefundState) -> int:
        query = select(func.coalesce(func.sum(Refund.amount), 0))
        return int(await self._db.scalar(query.where(Refund.booking_id == booking_id, Refund.state == state)) or 0)
