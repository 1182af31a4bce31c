"""The emails about one booking, and sending one of them again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.user import User
from app.bookings.booking import Booking
from app.bookings.repository import Bookings
from app.core import clock
from app.core.errors import Missing, Refused
from app.core.events import Person
from app.core.i18n import _
from app.core.outbox import Outbox
from app.core.references import RowIds
from app.notifications.mailbox import DELIVERED_FIELD

EMAIL = "email"
MAX_MAILS_LISTED = 100
ROW_IDS = RowIds()


@dataclass(frozen=True, slots=True)
class BookingMail:
    """An email about a booking. `kind` is an entry of app.notifications.kinds."""

    id: int
    kind: str
    recipient_id: int
    recipient: str
    to_customer: bool
    created_at: datetime
    sent_at: datetime | None
    parked_at: datetime | None
    is_left: bool  # the recipient's account is deleted

    @property
    def may_be_resent(self) -> bool:
        """Not while it waits to be sent, and not to a deleted account."""
        return (self.sent_at is not None or self.parked_at is not None) and not self.is_left


async def booking_mails(db: AsyncSession, booking: Booking) -> list[BookingMail]:
    """Emails to the two people of the booking, the latest first."""
    query = (
        select(
            Outbox.id,
            Outbox.kind,
            User.id,
            User.full_name,
            User.id == booking.customer_id,
            Outbox.created_at,
            Outbox.sent_at,
            Outbox.parked_at,
            User.deleted_at.is_not(None),
        )
        .join(User, User.id == Outbox.recipient_id)
        .where(*_of_booking(booking))
        .order_by(Outbox.id.desc())
        .limit(MAX_MAILS_LISTED)
    )
    return [BookingMail(*row) for row in await db.execute(query)]


async def resend_mail(db: AsyncSession, by: Person, reference: str, mail_id: int) -> Booking:
    """Send an email about the booking again, written anew as things are now. Missing; Refused("waiting", "left")."""
    booking = await Bookings(db).by_reference(reference, lock=True)
    if mail_id not in ROW_IDS:
        raise Missing
    query = select(Outbox).where(Outbox.id == mail_id, *_of_booking(booking)).with_for_update()
    mail: Outbox | None = await db.scalar(query)
    if mail is None:
        raise Missing
    person = await db.get(User, mail.recipient_id)
    if person is None or person.deleted_at is not None:
        raise Refused(_("This person's account is deleted."), reason="left", about="mail")
    if mail.parked_at is not None and mail.sent_at is None:
        mail.parked_at, mail.attempts, mail.claimed_until, mail.due_at = None, 0, None, clock.now()
    elif await _is_waiting(db, booking, mail):
        raise Refused(_("This email is about to be sent."), reason="waiting", about="mail")
    else:
        data = {name: value for name, value in mail.data.items() if name != DELIVERED_FIELD}
        db.add(
            Outbox(
                channel=EMAIL,
                priority=mail.priority,
                kind=mail.kind,
                recipient_id=mail.recipient_id,
                address=mail.address,
                data=data,
                dedupe_key=f"again:{mail.id}:{(booking.event_count or 0) + 1}",
                created_at=clock.now(),
                due_at=clock.now(),
            )
        )
    booking.record("booking.mail_resent", by=by, mail=mail.kind, recipient_id=mail.recipient_id)
    await db.flush()
    return booking


async def _is_waiting(db: AsyncSession, booking: Booking, mail: Outbox) -> bool:
    """Whether the same email to the same person waits to be sent, this one or one that was sent again."""
    waiting = select(Outbox.id).where(
        *_of_booking(booking),
        Outbox.recipient_id == mail.recipient_id,
        Outbox.kind == mail.kind,
        Outbox.sent_at.is_(None),
        Outbox.parked_at.is_(None),
    )
    return await db.scalar(waiting.limit(1)) is not None


def _of_booking(booking: Booking) -> Sequence[ColumnElement[bool]]:
    """Rows of its two people alone are read, which an index finds."""
    people = [person for person in (booking.customer_id, booking.professional_id) if person is not None]
    return (
        Outbox.channel == EMAIL,
        or_(*(Outbox.recipient_id == person for person in people)),
        Outbox.data["booking"].astext == booking.reference,
    )
