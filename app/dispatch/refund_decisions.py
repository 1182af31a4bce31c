"""Refunds by admins (W29): asked for on a booking, confirmed by a second admin, sent again after a failure.

Each locks the booking's row first. The money: app.payments.refunds.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.repository import Bookings
from app.core.errors import Invalid
from app.core.events import Person
from app.core.money import parse_rupees
from app.dispatch.refund_repository import RefundQueue
from app.payments.refund import BorneBy, Refund
from app.payments.refunds import confirm_refund, refund_booking, retry_refund

MAX_REFUND_PAISE = 10_000_000_00


async def refund(
    db: AsyncSession, by: Person, reference: str, amount: str, borne_by: str, reason: str, *, as_credit: bool = False
) -> Refund:
    """Give money back for a booking; `amount` in rupees as typed. Invalid, Refused as refund_booking; Missing."""
    booking = await Bookings(db).by_reference(reference, lock=True)
    paise = parse_amount(amount)
    return await refund_booking(db, booking, by, paise, borne_by=BorneBy(borne_by), reason=reason, as_credit=as_credit)


async def answer_refund(db: AsyncSession, by: Person, refund_id: int, *, yes: bool) -> Refund:
    """A second admin confirms a refund, or declines it. Missing; Refused as confirm_refund."""
    found, booking = await RefundQueue(db).locked(refund_id)
    await confirm_refund(db, booking, by, found, yes=yes)
    return found


async def send_again(db: AsyncSession, by: Person, refund_id: int) -> Refund:
    """Send a refund again that failed. Missing; Refused as retry_refund."""
    found, booking = await RefundQueue(db).locked(refund_id)
    await retry_refund(db, booking, by, found)
    return found


def parse_amount(typed: str) -> int:
    """Paise. Raises Invalid("amount")."""
    try:
        return parse_rupees(typed, 1, MAX_REFUND_PAISE)
    except Invalid as error:
        raise Invalid({"amount": error.errors["price"]}) from error
