"""Open a case, write in it, assign and reopen it (W27). The decision: app.cases.decision.

Every change locks the row of the case's booking first, so that of two at once one is second.
"""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.contact_fields import clean_text
from app.accounts.repository import Users
from app.accounts.user import Role
from app.bookings.booking import Booking
from app.bookings.customer_decisions import end_contact, may_dispute
from app.bookings.decline import is_disputed_since, store_dispute
from app.bookings.repository import Bookings
from app.cases.case import (
    MAX_MESSAGE_LENGTH,
    MAX_MESSAGES_PER_HOUR,
    MAX_PHOTOS_PER_CASE,
    Case,
    CaseMessage,
    CaseState,
    Side,
)
from app.cases.labels import TOPICS
from app.cases.repository import BookingCases
from app.core import clock
from app.core.db import AdvisoryLock, acquire_lock
from app.core.errors import Invalid, RateLimited, Refused
from app.core.events import Person
from app.core.i18n import _, ngettext
from app.core.references import new_reference
from app.core.storage import Storage
from app.photos.photo import PhotoOwner
from app.photos.repository import NewPhotos, Photos

MAX_DISPUTE_LENGTH = 1_000  # characters of a message that are also stored as the dispute


async def ask_for_help(
    db: AsyncSession, me: Person, reference: str, topic: str, message: str, photos: NewPhotos | None = None
) -> Case:
    """Open a case of the signed-in side of the booking.

    Invalid("topic", "message"); Missing; Refused("open") about "case"; RateLimited.
    """
    bookings, side = Bookings(db), Side(me.role)
    find = bookings.for_customer if side == Side.CUSTOMER else bookings.for_professional
    await find(me, reference)  # what is not one's own is 404, whatever was sent
    errors = {} if topic in TOPICS[side] else {"topic": _("Choose what it is about.")}
    try:
        message = clean_message(message)
    except Invalid as error:
        errors |= error.errors
    if errors:
        raise Invalid(errors)
    booking = await find(me, reference, lock=True)
    await _count_message(db, me)
    if side == Side.CUSTOMER:
        await _dispute(db, me, booking, topic, message)
    return await open_case(db, me, booking, side, topic, message, photos)


async def open_case(
    db: AsyncSession,
    me: Person,
    booking: Booking,
    side: Side,
    topic: str,
    message: str,
    photos: NewPhotos | None = None,
) -> Case:
    """Open a case of the `booking`, whose row is locked, with its first message. Refused("open")."""
    case = Case(
        reference=new_reference(),
        booking_id=booking.id,
        opened_by_id=me.id,
        side=side,
        professional_id=booking.professional_id,
        topic=topic,
        state=CaseState.OPEN,
        opened_at=clock.now(),
    )
    case.start_clock(clock.now())
    await BookingCases(db).add(case)
    await _add_message(db, case, me, message, photos)
    if case.is_safety:
        end_contact(booking)
    record(booking, case, "booking.case_opened", me, both_sides(booking, case), topic=topic, side=side)
    await db.flush()
    return case


async def open_disputed(db: AsyncSession, me: Person, booking: Booking, topic: str, message: str) -> None:
    """Open the case of a dispute (W13, W14), or write in the one that is open. A listener of disputes."""
    case = await BookingCases(db).open_of(booking.id, Side.CUSTOMER)
    if case is None:
        await open_case(db, me, booking, Side.CUSTOMER, topic, message)
    else:
        await _write(db, me, booking, case, message)


async def post_message(
    db: AsyncSession, me: Person, reference: str, message: str, photos: NewPhotos | None = None
) -> Case:
    """Write in an open case that one takes part in, or send photos.

    Invalid("message", "photos"); Refused("decided"); RateLimited.
    """
    message = clean_message(message, photos)
    case, booking = await BookingCases(db).locked(reference, me)
    refuse_decided(case)
    await _count_message(db, me)
    if photos and await BookingCases(db).count_photos(case.id, me.id) + len(photos) > MAX_PHOTOS_PER_CASE:
        raise Invalid({"photos": _("You've sent %(most)s photos in this case.", most=MAX_PHOTOS_PER_CASE)})
    await _write(db, me, booking, case, message, photos)
    return case


async def assign_case(db: AsyncSession, by: Person, reference: str) -> Case:
    """Take the case: it is on the admin's own list from now on. Idempotent. Refused("decided")."""
    case, booking = await BookingCases(db).locked(reference, by)
    refuse_decided(case)
    if case.assigned_to_id != by.id:
        case.assigned_to_id = by.id
        record(booking, case, "booking.case_assigned", by, [])
        await db.flush()
    return case


async def reopen_case(db: AsyncSession, by: Person, reference: str) -> Case:
    """Open a decided case again; the words of the decision stay in the thread, and money that moved stays moved, what
    is withheld until the next decision.

    Refused "another" for the admin who decided, unless there is no other one; "open" when the case is open, or its
    side has opened another one.
    """
    case, booking = await BookingCases(db).locked(reference, by)
    if case.is_open:
        raise Refused(_("This case is open."), reason="open", about="reopening")
    if await BookingCases(db).open_of(case.booking_id, case.side) is not None:
        raise Refused(_("There is a newer open case about this booking."), reason="open", about="reopening")
    is_decider = case.decided_by_id == by.id
    if is_decider:
        await acquire_lock(db, AdvisoryLock.ADMINS)  # nobody becomes or stops being an admin meanwhile
        if await Users(db).has_admin_besides(by.id):
            raise Refused(
                _("You decided this case, so another admin may reopen it."), reason="another", about="reopening"
            )
    assert case.decided_by_id is not None  # cases_state_check
    assert case.decided_at is not None
    decision = CaseMessage(
        case_id=case.id, author_id=case.decided_by_id, text=case.reason or "–", created_at=case.decided_at
    )
    await BookingCases(db).add_message(decision)
    case.reopen(only_admin=is_decider)
    record(booking, case, "booking.case_reopened", by, both_sides(booking, case), only_admin=is_decider)
    await db.flush()
    return case


async def delete_old_photos(db: AsyncSession, storage: Storage, limit: int = 500) -> int:
    """Delete the photos of cases that were decided 180 days ago, of at most `limit` messages; return how many."""
    ids = await BookingCases(db).messages_with_old_photos(clock.now(), limit)
    return await Photos(db).delete(storage, PhotoOwner.CASE_MESSAGE, ids)


def record(booking: Booking, case: Case, name: str, by: Person, notified: list[int], **facts: Any) -> None:
    """Record the event; the open pages of the case and of the booking show it on both sides."""
    people = {booking.customer_id, case.professional_id, booking.professional_id} - {None}
    nudges = [(f"user:{person}", topic) for person in people for topic in (topic_of(case), booking.subject, "jobs")]
    booking.record(name, by=by, nudges=nudges, case=case.reference, notified=notified, **facts)


def both_sides(booking: Booking, case: Case) -> list[int]:
    """The ids of the customer and, where there is one, the professional."""
    return [person for person in (booking.customer_id, case.professional_id) if person is not None]


def topic_of(case: Case) -> str:
    """What the open pages of a case listen to."""
    return f"case-{case.reference}"


def clean_message(typed: str, photos: NewPhotos | None = None) -> str:
    """Raises Invalid("message") unless it has 1 to 2,000 characters; with photos it may be empty."""
    message = clean_text(typed)
    if not message and not photos:
        raise Invalid({"message": _("Write a message.")})
    if len(message) > MAX_MESSAGE_LENGTH:
        raise Invalid({"message": _("Use 2,000 characters or fewer.")})
    return message


def refuse_decided(case: Case) -> None:
    if not case.is_open:
        raise Refused(_("This case has been decided."), reason="decided", about="case")


async def _dispute(db: AsyncSession, me: Person, booking: Booking, topic: str, message: str) -> None:
    """What is said of an arrival or a no-show has the consequences of a dispute, whichever form it comes by."""
    words = message[:MAX_DISPUTE_LENGTH]
    if topic == "absent" and booking.may_contest_arrival(clock.now()):
        since, dispute = booking.arrived_at, booking.contest_arrival
    elif topic == "no_show_fee" and may_dispute(booking):
        since, dispute = booking.cancelled_at, booking.dispute
    else:
        return
    if not await is_disputed_since(db, booking, since):
        dispute(me, words)
        await store_dispute(db, booking, words)


async def _write(
    db: AsyncSession, me: Person, booking: Booking, case: Case, message: str, photos: NewPhotos | None = None
) -> None:
    await _add_message(db, case, me, message, photos)
    if me.role == Role.ADMIN and case.first_answer_at is None:
        case.first_answer_at = clock.now()
    is_private = case.is_safety and me.role != Role.ADMIN
    others = [person for person in both_sides(booking, case) if person != me.id]
    record(booking, case, "booking.case_message", me, [] if is_private else others)
    await db.flush()


async def _add_message(db: AsyncSession, case: Case, me: Person, text: str, photos: NewPhotos | None) -> None:
    message = CaseMessage(
        case_id=case.id,
        author_id=me.id,
        text=text,
        photo_count=len(photos) if photos else 0,
        created_at=clock.now(),
    )
    await BookingCases(db).add_message(message)
    await Photos(db).attach(PhotoOwner.CASE_MESSAGE, message.id, me.id, photos)


async def _count_message(db: AsyncSession, me: Person) -> None:
    """Raises RateLimited for more than 20 messages an hour; an admin answers as many as there are."""
    if me.role == Role.ADMIN:
        return
    await acquire_lock(db, AdvisoryLock.CASE_MESSAGES, me.id)  # messages of one person are counted in turn
    now = clock.now()
    count, first_at = await BookingCases(db).count_messages(me.id, now)
    if count < MAX_MESSAGES_PER_HOUR or first_at is None:
        return
    seconds = max(1, 3600 - int((now - first_at).total_seconds()))
    message = ngettext(
        "You've sent many messages. You can write again in %(num)s minute.",
        "You've sent many messages. You can write again in %(num)s minutes.",
        -(-seconds // 60),
    )
    raise RateLimited(message, seconds)
