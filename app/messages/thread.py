"""Write to the other side of a booking, mark what they wrote as read, and show or hide the own phone."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.contact_fields import clean_text
from app.bookings.booking import Booking
from app.bookings.moves import State
from app.bookings.repository import Bookings
from app.core import clock
from app.core.errors import Invalid, Refused
from app.core.events import Person, nudge
from app.core.i18n import _
from app.core.storage import Storage
from app.messages.message import MAX_PHOTOS_PER_BOOKING, MAX_TEXT_LENGTH, BookingMessage
from app.messages.repository import Messages
from app.photos.photo import PhotoOwner
from app.photos.photo_upload import ScannedPhoto
from app.photos.repository import NewPhotos, Photos

MESSAGE_SENT = "booking.message_sent"
ReadListener = Callable[[AsyncSession, Person, str], Awaitable[None]]
_read_listeners: list[ReadListener] = []


def register_read_listener(listener: ReadListener) -> None:
    """Call `listener` when someone has read new messages of a booking, in that transaction."""
    if listener not in _read_listeners:
        _read_listeners.append(listener)


async def find_booking(db: AsyncSession, me: Person, reference: str, *, lock: bool = False) -> Booking:
    """The customer's own booking, or the job assigned to the professional. Raises Missing."""
    bookings = Bookings(db)
    find = bookings.for_customer if me.role == "customer" else bookings.for_professional
    return await find(me, reference, lock=lock)


def thread_of(me: Person) -> int | None:
    """A professional reads what was written while the job was theirs; the customer reads all of it."""
    return None if me.role == "customer" else me.id


def may_write(booking: Booking, now: datetime) -> bool:
    """From acceptance until 24 h after the job."""
    return booking.contact_open(now)


async def send_message(
    db: AsyncSession, storage: Storage, me: Person, reference: str, text: str, photos: Sequence[ScannedPhoto] = ()
) -> BookingMessage:
    """Write to the other side; the photos were scanned before the transaction, and their files stay if it commits.

    Invalid("text", "photos"); Missing; Refused "state" about "requested", or "late" about "messages".
    """
    text = _clean(text, photos)
    booking = await find_booking(db, me, reference, lock=True)
    _require_open(booking)
    assert booking.professional_id is not None
    messages, now = Messages(db), clock.now()
    if photos and await messages.count_photos(booking.id, me.id) + len(photos) > MAX_PHOTOS_PER_BOOKING:
        raise Invalid({"photos": _("You've sent %(most)s photos for this booking.", most=MAX_PHOTOS_PER_BOOKING)})
    is_notified = await messages.has_recent_unread(booking.id, booking.professional_id, me.id, now)
    message = BookingMessage(
        booking_id=booking.id,
        professional_id=booking.professional_id,
        author_id=me.id,
        text=text,
        photo_count=len(photos),
        created_at=now,
    )
    db.add(message)
    await db.flush()
    await Photos(db).attach(PhotoOwner.MESSAGE, message.id, me.id, NewPhotos(storage, photos))
    booking.record(MESSAGE_SENT, by=me, nudges=_nudges(booking), announced=not is_notified, photos=len(photos))
    await db.flush()
    return message


async def mark_read(db: AsyncSession, me: Person, booking: Booking) -> None:
    """Mark what the other side wrote as read; the open pages of both follow, and what listens to it."""
    if await Messages(db).mark_read(booking.id, thread_of(me), me.id, clock.now()):
        for listener in _read_listeners:
            await listener(db, me, booking.reference)
        for audience, topic in _nudges(booking):
            nudge(db, audience, topic)


async def share_phone(db: AsyncSession, me: Person, reference: str, *, shared: bool) -> Booking:
    """Show the own phone to the other side of this booking, or hide it. Missing; Refused as for a message."""
    booking = await find_booking(db, me, reference, lock=True)
    _require_open(booking)
    if await is_phone_shared(db, me, booking) != shared:
        booking.choose_phone_sharing(me, shared=shared)
        name = "booking.phone_shared" if shared else "booking.phone_hidden"
        booking.record(name, by=me, nudges=_nudges(booking))
        await db.flush()
    return booking


async def is_phone_shared(db: AsyncSession, me: Person, booking: Booking) -> bool:
    """Whether the other side sees the phone of `me`, while contact is open."""
    chosen = booking.customer_shares_phone if me.role == "customer" else booking.professional_shares_phone
    return await Messages(db).shares_phone(me.id) if chosen is None else chosen


async def delete_old_messages(db: AsyncSession, storage: Storage, limit: int = 500) -> int:
    """Delete messages and photos 180 days after the job; at most `limit`, return how many."""
    ids = await Messages(db).old(clock.now(), limit)
    await Photos(db).delete(storage, PhotoOwner.MESSAGE, ids)
    return await Messages(db).delete(ids)


def _clean(typed: str, photos: Sequence[ScannedPhoto]) -> str:
    text = clean_text(typed)
    if not text and not photos:
        raise Invalid({"text": _("Write a message, or add a photo.")})
    if len(text) > MAX_TEXT_LENGTH:
        raise Invalid({"text": _("Use 2,000 characters or fewer.")})
    return text


def _require_open(booking: Booking) -> None:
    if may_write(booking, clock.now()):
        return
    if booking.state in (State.HELD, State.REQUESTED):
        message = _("You can write to each other once a professional has accepted.")
        raise Refused(message, reason="state", about="requested")
    message = _("Messages end 24 hours after the job. You can still read them.")
    raise Refused(message, reason="late", about="messages")


def _nudges(booking: Booking) -> list[tuple[str, str]]:
    people = [booking.customer_id, booking.professional_id]
    return [(f"user:{person}", booking.subject) for person in people if person is not None]
