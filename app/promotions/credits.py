"""Credit that Doorstep adds to a customer's account, and the event that tells them."""

from collections.abc import Iterable
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import PLATFORM, Event
from app.payments.credit import grant_credit

APOLOGY_PERCENT, MAX_APOLOGY_PAISE = 10, 100_00


class CreditedBooking(Protocol):
    """What a grant needs of the entity Booking, which belongs to a higher room."""

    @property
    def id(self) -> Any: ...
    @property
    def customer_id(self) -> Any: ...
    @property
    def price(self) -> Any: ...
    @property
    def address(self) -> Any: ...
    @property
    def pincode(self) -> Any: ...
    @property
    def subject(self) -> str: ...
    def record(self, name: str, *, by: Any, nudges: Iterable[tuple[str, str]] = (), **facts: Any) -> Event: ...


def apology_for(price: int) -> int:
    """Paise of credit when no professional accepted: 10 % of the price, at most ₹100 (W26)."""
    return min(price * APOLOGY_PERCENT // 100, MAX_APOLOGY_PAISE)


async def apologise(db: AsyncSession, booking: CreditedBooking) -> int:
    """Add the apology for a booking (row locked) that was cancelled as unfilled, once; return its paise."""
    amount = apology_for(booking.price)
    if amount:
        await grant_credit(db, booking.id, "guarantee", {booking.customer_id: amount})
        record_credit(booking, [booking.customer_id], amount, "apology")
    return amount


def record_credit(booking: CreditedBooking, recipients: list[int], amount: int, reason: str) -> None:
    """`reason`: apology or referral."""
    nudges = [(f"user:{person}", booking.subject) for person in recipients]
    facts = {"recipients": recipients, "amount": amount, "credit_reason": reason}
    booking.record("booking.credit_added", by=PLATFORM, nudges=nudges, **facts)
