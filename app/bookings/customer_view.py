"""The data of a customer's booking page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.names import public_name
from app.accounts.repository import Pincodes
from app.bookings.booking import Booking
from app.bookings.calendar import google_url
from app.bookings.cancellation import CancellationCost, cancellation_cost
from app.bookings.code import entry_locked_until, is_spent
from app.bookings.customer_decisions import may_dispute
from app.bookings.customer_repository import AssignedProfessional, CustomerBooking
from app.bookings.deadlines import PROFESSIONAL_ABSENCE_WAIT
from app.bookings.moves import State
from app.bookings.timeline import Step, TimelineEvent, admin_messages, last_reopening, timeline_steps
from app.core import clock
from app.core.addresses import format_address, with_details
from app.core.encryption import Encryption
from app.core.events import Person
from app.payments.charge import COUPON, CREDIT, ChargeLine, ChargeState


@dataclass(frozen=True, slots=True)
class BookingPageData:
    """`phase` and `code` are of the current code, whose digits only the customer may see. Money in paise."""

    booking: CustomerBooking
    professional: AssignedProfessional | None
    phase: str | None
    code: str | None
    locked_until: datetime | None
    code_is_void: bool
    steps: list[Step]
    reopening: TimelineEvent | None
    admin_messages: Sequence[TimelineEvent]
    charges: Sequence[ChargeLine]
    cost: CancellationCost
    place: str
    disputed: bool
    is_arrival_contested: bool
    may_dispute: bool
    usual_minutes: int | None
    now: datetime

    @property
    def due(self) -> int:
        return sum(charge.amount for charge in self.charges if charge.state == ChargeState.DUE)

    @property
    def paid_by(self) -> ChargeLine | None:
        """The charge that says how the booking was or will be paid."""
        settled = (
            ChargeState.AUTHORISED,
            ChargeState.CAPTURED,
            ChargeState.PAID,
            ChargeState.RELEASED,
            ChargeState.REFUNDED,
        )
        paid = [charge for charge in self.charges if charge.purpose == "booking" and charge.state in settled]
        return next((charge for charge in paid if charge.method not in (CREDIT, COUPON)), paid[0] if paid else None)

    @property
    def own_charges(self) -> list[ChargeLine]:
        """What the customer pays themselves: all but the coupon."""
        return [charge for charge in self.charges if charge.method != COUPON]

    @property
    def promoted(self) -> list[ChargeLine]:
        """What a coupon and credit pay, or paid."""
        live = (ChargeState.AUTHORISED, ChargeState.CAPTURED, ChargeState.REFUNDED)
        return [charge for charge in self.charges if charge.method in (CREDIT, COUPON) and charge.state in live]

    @property
    def paid(self) -> int:
        return sum(charge.captured - charge.refunded for charge in self.own_charges)

    @property
    def paid_by_bank(self) -> int:
        return sum(charge.captured - charge.refunded for charge in self.own_charges if charge.method != CREDIT)

    @property
    def refunded(self) -> int:
        """Of a cancelled booking: the paise that were authorised or paid and went back to the customer."""
        ended = ("captured", "released", "refunded", "paid")
        held = [charge for charge in self.own_charges if charge.state in ended and charge.method != "after"]
        return sum(charge.amount - charge.captured + charge.refunded for charge in held)

    @property
    def who_reopened(self) -> str:
        """The public name of the professional who gave up the job or can't come; "" when it is not reopened."""
        return public_name(self.reopening.professional) if self.reopening and self.reopening.professional else ""

    @property
    def google_url(self) -> str:
        """The link that adds the visit to Google Calendar."""
        visit, pincode = self.booking.visit, self.booking.pincode
        line = with_details(self.booking.address, visit.floor, visit.landmark)
        location = format_address(line, self.place, pincode)
        return google_url(self.booking.service_name, self.booking.starts_at, self.booking.ends_at, location)

    @property
    def is_lapsed(self) -> bool:
        return self.booking.hold_lapsed(self.now) or self.booking.cancelled_as == "expired"

    @property
    def is_priority_offer(self) -> bool:
        return self.booking.priority_professional_id(self.now) is not None

    @property
    def needs_answer(self) -> bool:
        return self.booking.needs_answer(self.now)

    @property
    def late_at(self) -> datetime:
        """From when the customer may choose what to do about an absent professional (W14)."""
        return self.booking.starts_at + PROFESSIONAL_ABSENCE_WAIT

    @property
    def may_contest_arrival(self) -> bool:
        """Once: what an admin decided stays."""
        booking = self.booking
        return booking.may_contest_arrival(self.now) and not booking.is_disputed_since(booking.arrived_at)

    @property
    def professional_is_absent(self) -> bool:
        return self.booking.professional_is_absent(self.now)


async def place_name(db: AsyncSession, booking: Booking) -> str:
    pincode = await Pincodes(db).get(booking.pincode)
    return pincode.place if pincode else ""


def booking_page(
    booking: CustomerBooking, encryption: Encryption, me: Person, usual_minutes: int | None = None
) -> BookingPageData:
    """`usual_minutes`: how long accepting usually takes, of a booking that waits for it (W25)."""
    now, code = clock.now(), booking.code
    phase = {State.ASSIGNED: "start", State.STARTED: "finish"}.get(booking.state)
    disputed = booking.cancelled_as == "no_show" and booking.is_disputed_since(booking.cancelled_at)
    return BookingPageData(
        booking=booking,
        professional=booking.professional,
        phase=phase,
        code=code.reveal(encryption, booking.reference) if code else None,
        locked_until=entry_locked_until(code, now),
        code_is_void=phase is not None and is_spent(code),
        steps=timeline_steps(booking, booking.events, me),
        reopening=last_reopening(booking, booking.events),
        admin_messages=admin_messages(booking.events, me),
        charges=booking.charges,
        cost=cancellation_cost(booking, booking.charges),
        place=booking.place,
        disputed=disputed,
        is_arrival_contested=booking.may_contest_arrival(now)
        and booking.is_disputed_since(booking.arrived_at)
        and booking.dispute_settled_at is None,
        may_dispute=not disputed and may_dispute(booking),
        usual_minutes=usual_minutes,
        now=now,
    )
