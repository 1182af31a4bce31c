"""All that a customer's own page of a booking shows, read in a handful of queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import Pincodes
from app.bookings.booking import Booking
from app.bookings.cancellation import Cost, cost_of, may_dispute
from app.bookings.customer_repository import Comer, OwnBookings, OwnReview
from app.bookings.decline import Dispute
from app.bookings.moves import State
from app.bookings.terms import NOBODY_CAME
from app.bookings.timeline import Step, steps_of
from app.core import clock
from app.core.encryption import Vault
from app.core.events import Actor
from app.jobs.handover import is_spent, locked_until
from app.payments.charge import Charge
from app.payments.charges import still_due
from app.payments.repository import Charges


@dataclass(frozen=True, slots=True)
class Seen:
    """`phase` and `code` are of the code that is due now, digits only for these eyes. Money in paise."""

    booking: Booking
    comer: Comer | None
    phase: str | None
    code: str | None
    locked_until: datetime | None
    code_is_void: bool
    steps: list[Step]
    charges: Sequence[Charge]
    cost: Cost
    review: OwnReview | None
    place: str
    disputed: bool
    may_dispute: bool
    now: datetime

    @property
    def due(self) -> int:
        return sum(charge.amount for charge in still_due(self.charges))

    @property
    def paid_by(self) -> Charge | None:
        """The charge that says how the booking was or will be paid."""
        good = ("authorised", "captured", "paid", "released", "refunded")
        return next((charge for charge in self.charges if charge.purpose == "booking" and charge.state in good), None)

    @property
    def paid(self) -> int:
        return sum(charge.captured - charge.refunded for charge in self.charges)

    @property
    def given_back(self) -> int:
        """Of a cancelled booking: what was authorised or paid and is the customer's again."""
        settled = [charge for charge in self.charges if charge.state in ("captured", "released", "refunded", "paid")]
        held = [charge for charge in settled if charge.method != "after"]
        return sum(charge.amount - charge.captured + charge.refunded for charge in held)

    @property
    def is_lapsed(self) -> bool:
        return self.booking.hold_lapsed(self.now) or self.booking.cancelled_as == "expired"

    @property
    def asked_first(self) -> bool:
        return self.booking.asks_first(self.now) is not None

    @property
    def needs_answer(self) -> bool:
        return self.booking.needs_answer(self.now)

    @property
    def late_at(self) -> datetime:
        """From then on the customer chooses what next (W14)."""
        return self.booking.starts_at + NOBODY_CAME

    @property
    def nobody_came(self) -> bool:
        return self.booking.nobody_came(self.now)


async def place_name(db: AsyncSession, booking: Booking) -> str:
    found = await Pincodes(db).get(booking.pincode)
    return found.place if found else ""


async def seen(db: AsyncSession, me: Actor, booking: Booking, vault: Vault) -> Seen:
    now, own = clock.now(), OwnBookings(db, me)
    phase = {State.ASSIGNED: "start", State.STARTED: "finish"}.get(State(booking.state))
    code = booking.live_code(phase) if phase else None
    charges = await Charges(db).of_booking(booking.id)
    over = booking.state in (State.COMPLETED, State.CLOSED)
    comer = await own.comer(booking, booking.professional_id or booking.asks_first(now))
    disputed = booking.cancelled_as == "no_show" and await db.get(Dispute, booking.id) is not None
    return Seen(
        booking=booking,
        comer=comer,
        phase=phase,
        code=code.reveal(vault, booking.reference) if code else None,
        locked_until=locked_until(code, now),
        code_is_void=phase is not None and is_spent(code),
        steps=steps_of(booking),
        charges=charges,
        cost=cost_of(booking, charges),
        place=comer.place if comer else await place_name(db, booking),
        review=await own.review_of(booking) if over else None,
        disputed=disputed,
        may_dispute=not disputed and may_dispute(booking),
        now=now,
    )
