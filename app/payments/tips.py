"""The verbs of tips. The caller holds the lock of the booking's row."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.errors import Invalid, Refused
from app.core.events import Event, Person
from app.core.i18n import _
from app.core.money import parse_rupees
from app.payments.ledger import Line, new_transaction
from app.payments.pretend_bank import Authorisation
from app.payments.tip import MAX_TIP, MIN_TIP, TIP_PERIOD, Tip, TipState
from app.payments.tips_repository import Tips


class TippedBooking(Protocol):
    """What a tip needs of a booking, which belongs to a higher room."""

    @property
    def id(self) -> Any: ...
    @property
    def customer_id(self) -> Any: ...
    @property
    def professional_id(self) -> Any: ...
    @property
    def subject(self) -> str: ...
    def record(self, name: str, *, by: Any, nudges: Iterable[tuple[str, str]] = (), **facts: Any) -> Event: ...


def parse_tip(typed: str) -> int:
    """Paise. Raises Invalid("amount")."""
    try:
        return parse_rupees(typed, MIN_TIP, MAX_TIP)
    except Invalid as error:
        raise Invalid({"amount": error.errors["price"]}) from error


def may_tip(state: str, closed_at: datetime | None, professional_id: int | None) -> bool:
    """From completion until 7 days after the booking is closed."""
    if professional_id is None or state not in ("completed", "closed"):
        return False
    return closed_at is None or clock.now() < closed_at + TIP_PERIOD


async def ask_tip(
    db: AsyncSession, booking: TippedBooking, amount: int, *, state: str, closed_at: datetime | None
) -> Tip:
    """The tip, to be paid; until then another amount takes its place. Refused("already", "late", "state")."""
    tips, now = Tips(db), clock.now()
    tip = await tips.of_booking(booking.id, lock=True)
    if tip is not None and tip.state == TipState.PAID:
        raise Refused(_("You've already tipped for this booking. Thank you."), reason="already", about="tip")
    if state not in ("completed", "closed") or booking.professional_id is None:
        raise Refused(_("You can tip once the job is done."), reason="state", about="tip")
    if not may_tip(state, closed_at, booking.professional_id):
        raise Refused(_("Tips are possible until 7 days after the booking is closed."), reason="late", about="tip")
    if tip is None:
        tip = Tip(
            booking_id=booking.id,
            customer_id=booking.customer_id,
            professional_id=booking.professional_id,
            created_at=now,
        )
        db.add(tip)
    tip.amount, tip.state, tip.method, tip.brand, tip.last4 = amount, TipState.UNPAID, None, None, None
    await db.flush()
    return tip


async def pay_tip(db: AsyncSession, booking: TippedBooking, by: Person, tip: Tip, authorisation: Authorisation) -> None:
    """Pay it, all for the professional; when the bank wants a code it waits."""
    instrument = authorisation.instrument
    tip.method, tip.brand, tip.last4 = instrument.method, instrument.brand, instrument.last4
    if authorisation.state != "authorised":
        tip.state = TipState.NEEDS_CODE
        await db.flush()
        return
    tip.state, tip.paid_at = TipState.PAID, clock.now()
    lines: list[Line] = [("gateway", None, tip.amount), ("tips", tip.professional_id, -tip.amount)]
    db.add(new_transaction("tip", booking.id, None, lines))
    booking.record(
        "booking.tipped",
        by=by,
        nudges=[
            (f"user:{person}", topic)
            for person in (booking.customer_id, tip.professional_id)
            for topic in (booking.subject, "jobs")
        ],
        amount=tip.amount,
        professional_id=tip.professional_id,
    )
    await db.flush()
