"""The cases of the demo town: each no-show that a customer disputed, decided a day later."""

from datetime import datetime, timedelta

from app.bookings.booking import Booking
from app.bookings.decline import Dispute
from app.cases.case import Case, CaseMessage, CaseState, Outcome, Side
from app.cases.cases import record
from app.core import clock
from app.core.events import Person
from app.payments.refund import BorneBy

DECIDED_AFTER = timedelta(hours=26)
REASON = "The professional was at the door at the agreed time, and called twice. The fee stays."


def disputed_case(
    booking: Booking, dispute: Dispute, reference: str, customer: Person, admin: Person, now: datetime
) -> tuple[Case, CaseMessage]:
    """The case of a no-show that was disputed, with the customer's words; decided if that was long enough ago."""
    case = Case(
        reference=reference,
        booking_id=booking.id,
        opened_by_id=customer.id,
        side=Side.CUSTOMER,
        professional_id=booking.professional_id,
        topic="no_show_fee",
        state=CaseState.OPEN,
        opened_at=dispute.at,
        only_admin=False,
    )
    case.start_clock(dispute.at)
    with clock.freeze(dispute.at):
        record(booking, case, "booking.case_opened", customer, [], topic=case.topic, side=case.side)
    decided_at = dispute.at + DECIDED_AFTER
    if decided_at <= now:
        with clock.freeze(decided_at):
            case.decide(admin, [Outcome.NONE], None, BorneBy.DOORSTEP, REASON)
            record(booking, case, "booking.case_decided", admin, [], outcomes=[Outcome.NONE], amount=0)
        dispute.settled_at = decided_at
    message = CaseMessage(author_id=customer.id, text=dispute.text, created_at=dispute.at)
    return case, message
