"""Block a person and apply the consequences (W1–W3), unblock them (W4), and protect the last admin (W18).

Lock order: bookings, people's time, the admins' advisory lock, then the person's own row. Once that row is locked,
no booking, payment or acceptance in their name succeeds: the trigger bookings_refuse_blocked waits for it and refuses.
"""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.contact_fields import clean_reason
from app.accounts.repository import OwnSessions, Users
from app.accounts.session import Sessions
from app.accounts.user import Role, User
from app.blocking.appeal import Outcome
from app.blocking.appeal_repository import Appeals
from app.bookings.booking import Booking
from app.bookings.cancellation import cancel_booking
from app.bookings.commitments_repository import CANCELLABLE, AffectedBooking, OpenCommitments
from app.bookings.moves import State
from app.bookings.repository import Bookings
from app.core import clock
from app.core.db import AdvisoryLock, acquire_lock
from app.core.errors import Refused
from app.core.events import PLATFORM, Person
from app.core.i18n import N_, _
from app.jobs.reassignment import reassign_jobs

MAX_LOCK_ATTEMPTS = 5  # of locking a person who keeps getting new bookings
REASSIGNED_REASON = N_("No longer available.")
CANCELLED_REASON = N_("Cancelled by Doorstep.")
NOT_PAID_REASON = N_("Not paid in time.")


@dataclass(frozen=True, slots=True)
class BlockImpact:
    """The effects of blocking this user now. `refund` in paise, `sessions` is the number of active sessions.

    For a professional: `requests` of customers go to others, `holds` are times reserved while customers pay.
    """

    reassigned: list[AffectedBooking]
    cancelled: list[AffectedBooking]
    in_progress: list[AffectedBooking]
    dropped_holds: int
    requests: int
    holds: int
    refund: int
    sessions: int

    @property
    def version(self) -> str:
        """Identifies what the admin saw, to detect a change before the form is submitted."""
        references = [booking.reference for booking in (*self.reassigned, *self.cancelled)]
        counts = len(self.reassigned), len(self.cancelled), self.refund, self.requests, len(self.in_progress)
        return ".".join(map(str, (*counts, *sorted(references))))


async def block_impact(db: AsyncSession, person: User) -> BlockImpact:
    """Preview the consequences of a block from the rows it would change."""
    commitments = OpenCommitments(db, person.id)
    bookings = await commitments.open_bookings()
    requests, holds = await commitments.awaited_bookings()
    is_customer = person.role == Role.CUSTOMER
    cancelled = [booking for booking in bookings if is_customer and booking.state in (State.REQUESTED, State.ASSIGNED)]
    return BlockImpact(
        reassigned=[booking for booking in bookings if not is_customer and booking.state == State.ASSIGNED],
        cancelled=cancelled,
        in_progress=[booking for booking in bookings if booking.state == State.STARTED],
        requests=requests,
        holds=holds,
        dropped_holds=sum(booking.state == State.HELD for booking in bookings),
        refund=sum(booking.authorised for booking in cancelled),
        sessions=await OwnSessions(db, person.id).count(),
    )


async def block(
    db: AsyncSession, sessions: Sessions, by: Person, person_id: int, reason: str, version: str | None = None
) -> None:
    """Block the person; they may only finish started jobs. `version` identifies the impact that the admin saw.

    Invalid("reason"); Refused "oneself", "last" (W18), "already", "left", "changed" (the impact differs by now).
    """
    reason = clean_reason(reason)
    if person_id == by.id:
        raise Refused(_("You can't block yourself."), reason="oneself")
    person = await Users(db).get(person_id)
    if version is not None and version != (await block_impact(db, person)).version:
        raise Refused(_("Things have changed since you opened this page. Check again, then decide."), reason="changed")
    if person.role == Role.ADMIN:
        await refuse_last_admin(db, person_id)
    person = await _lock_without_commitments(db, by, person)
    await _refuse_second_block(db, person)
    Users(db).add_block(person, by.id, reason)
    person.epoch += 1
    await sessions.close_all(db, person.id)
    person.record("person.blocked", by=by, before="active", after="blocked", personal={"reason": reason})
    await db.flush()


async def unblock(db: AsyncSession, by: Person, person_id: int, reason: str) -> None:
    """Lift the block; cancelled bookings and reassigned jobs stay as they are (W4). A waiting appeal is decided by it.

    Invalid("reason"); Refused("free") when the person is not blocked.
    """
    reason = clean_reason(reason)
    person = await Users(db).get(person_id, lock=True)
    active_block = await Users(db).active_block(person_id)
    if active_block is None:
        raise Refused(_("%(name)s isn't blocked.", name=person.full_name), reason="free")
    appeal = await Appeals(db).waiting_of(active_block.id)
    if appeal is not None:
        appeal.decide(person, by, Outcome.LIFT, reason)
    active_block.lift(by.id, reason)
    person.record("person.unblocked", by=by, before="blocked", after="active", personal={"reason": reason})
    await db.flush()


async def refuse_last_admin(db: AsyncSession, person_id: int) -> None:
    """Refused("last") when no other owner may act (W18); serialises such changes until the transaction ends."""
    # One transaction at a time blocks or demotes an admin, or changes a right.
    await acquire_lock(db, AdvisoryLock.ADMINS)
    if not [owner for owner in await Users(db).owner_ids() if owner != person_id]:
        raise Refused(_("This is the last active admin. Make another admin first."), reason="last")


async def _lock_without_commitments(db: AsyncSession, by: Person, person: User) -> User:
    """Cancel or reassign open bookings, then lock the user row; release it and retry if new ones appeared."""
    for _attempt in range(MAX_LOCK_ATTEMPTS):
        await _resolve_commitments(db, by, person)
        async with db.begin_nested() as savepoint:
            locked = await Users(db).get(person.id, lock=True)
            if not await _has_commitments(db, locked):
                return locked
            await savepoint.rollback()  # bookings are locked before people: let go of the person's row
    raise Refused(_("Things have changed since you opened this page. Check again, then decide."), reason="changed")


async def _resolve_commitments(db: AsyncSession, by: Person, person: User) -> None:
    if person.role == Role.PROFESSIONAL:
        await reassign_jobs(db, person.id, REASSIGNED_REASON)
    elif person.role == Role.CUSTOMER:
        await _cancel_bookings(db, by, person)


async def _has_commitments(db: AsyncSession, person: User) -> bool:
    if person.role == Role.PROFESSIONAL:
        return await OpenCommitments(db, person.id).has_reservations()
    return bool(await OpenCommitments(db, person.id).cancellable_bookings())


async def _cancel_bookings(db: AsyncSession, by: Person, customer: User) -> None:
    """W3: with everything that was paid. Started jobs are finished."""
    booking_ids = await OpenCommitments(db, customer.id).cancellable_bookings()
    for booking in (await Bookings(db).locked(booking_ids)).values():
        if booking.state in CANCELLABLE:
            await _cancel(db, by, booking)
    await db.flush()


async def _cancel(db: AsyncSession, by: Person, booking: Booking) -> None:
    if booking.hold_lapsed(clock.now()):
        await cancel_booking(db, booking, PLATFORM, "expired", NOT_PAID_REASON)
    else:
        await cancel_booking(db, booking, by, "platform", CANCELLED_REASON)


async def _refuse_second_block(db: AsyncSession, person: User) -> None:
    if person.deleted_at is not None:
        raise Refused(_("This account has been deleted."), reason="left")
    active_block = await Users(db).active_block(person.id)
    if active_block is not None:
        by = await Users(db).get(active_block.blocked_by_id)
        raise Refused(
            _("%(admin)s already blocked %(name)s.", admin=by.full_name, name=person.full_name), reason="already"
        )
