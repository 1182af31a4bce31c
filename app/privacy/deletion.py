"""Delete an account (W16, W17): settle everything open, then erase all personal data, in one transaction.

What stays is money, history and ratings, without a name. Lock order: bookings, people's time, then the person's own
row. Once that is locked, no booking or acceptance in their name succeeds: the trigger bookings_refuse_blocked waits
for it and refuses.
"""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import Users
from app.accounts.session import Sessions
from app.accounts.user import Role, User
from app.bookings.cancellation import cancel_booking
from app.bookings.commitments_repository import OpenCommitments, OutstandingBooking
from app.bookings.repository import Bookings
from app.core import clock
from app.core.errors import Refused
from app.core.events import PLATFORM, Person
from app.core.i18n import N_, _
from app.core.storage import Storage
from app.exports.repository import Exports
from app.jobs.reassignment import reassign_jobs
from app.payments.repository import Charges
from app.photos.repository import Photos
from app.privacy.deletion_repository import AccountDeletion
from app.vetting import document_changes

REASSIGNMENT_REASON = N_("No longer works with Doorstep.")


@dataclass(frozen=True, slots=True)
class DeletionPreview:
    """What prevents the deletion, and what it would do. `to_pay_out` and `held` are paise that we owe them."""

    open_bookings: list[OutstandingBooking]
    unpaid_bookings: list[OutstandingBooking]
    reassigned_jobs: list[OutstandingBooking]
    to_pay_out: int
    held: int
    is_admin: bool

    @property
    def is_allowed(self) -> bool:
        return not (self.open_bookings or self.unpaid_bookings or self.is_admin)


async def preview_deletion(db: AsyncSession, me: Person) -> DeletionPreview:
    commitments = OpenCommitments(db, me.id)
    bookings = await commitments.outstanding_bookings()
    to_pay_out, held = await Charges(db).balances_of(me.id)
    return DeletionPreview(
        open_bookings=[booking for booking in bookings if not booking.due],
        unpaid_bookings=[booking for booking in bookings if booking.due],
        reassigned_jobs=await commitments.accepted_jobs(),
        to_pay_out=to_pay_out,
        held=held,
        is_admin=me.role == Role.ADMIN,
    )


async def delete_account(
    db: AsyncSession, storage: Storage, sessions: Sessions, me: Person, *, with_reviews: bool = False
) -> None:
    """Delete the account once; a second attempt is Missing. `with_reviews`: erase the comments of their reviews too.

    Refused: "admin", "blocked" (a block outlives a deletion), "bound", "again" (something began meanwhile).
    """
    if me.role == Role.ADMIN:
        raise Refused(
            _("Admins can't delete their account. Another admin must remove your admin role first."), reason="admin"
        )
    await reassign_jobs(db, me.id, REASSIGNMENT_REASON)
    await _cancel_holds(db, me)
    user = await Users(db).get(me.id, lock=True)
    await _refuse_outstanding(db, user)
    await document_changes.erase_documents(db, storage, me, me.id)
    await Photos(db).delete_files(storage, me.id)
    for name in await Exports(db).file_names_of(me.id):
        storage.delete(db, name)
    await sessions.close_all(db, me.id)
    await db.flush()
    await AccountDeletion(db, me.id).erase(clock.now(), with_reviews=with_reviews)
    user.anonymise()
    user.record("person.left", by=me)
    await db.flush()


async def _cancel_holds(db: AsyncSession, me: Person) -> None:
    """Cancel unpaid holds; all their bookings stay locked, since their addresses are erased too."""
    held = await OpenCommitments(db, me.id).lock_bookings()
    for booking in (await Bookings(db).locked(held)).values():
        lapsed = booking.hold_lapsed(clock.now())
        by, cancelled_as = (PLATFORM, "expired") if lapsed else (me, "customer")
        await cancel_booking(db, booking, by, cancelled_as, "")


async def _refuse_outstanding(db: AsyncSession, user: User) -> None:
    """Checked under the lock of the person's row, so that it stays true."""
    if await Users(db).active_block(user.id) is not None:
        raise Refused(_("Your account is blocked. You can delete it when the block has ended."), reason="blocked")
    commitments = OpenCommitments(db, user.id)
    if await commitments.outstanding_bookings():
        raise Refused(_("You still have an open booking or job. It must end first."), reason="bound")
    if await commitments.accepted_jobs() or await commitments.has_holds():
        raise Refused(_("A new booking or job just came in. Check it before you delete your account."), reason="again")
