"""Somebody leaves (W16, W17): first everything open ends, then everything personal is forgotten, in one transaction.

What stays is money, history and stars, without a name. Order of locks: bookings, people's time, then the person's own
row: from there on nobody books or accepts in their name (bookings_nobody_blocked waits for that row, then refuses).
"""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import Users
from app.accounts.session import Sessions
from app.accounts.user import FORMER, Role, User
from app.blocking.reassignment import release
from app.bookings.repository import Bookings
from app.core import clock
from app.core.errors import Refused
from app.core.events import PLATFORM, Person
from app.core.i18n import N_, _
from app.core.storage import Storage
from app.payments import charges
from app.payments.repository import Charges
from app.privacy.deletion_repository import Bond, Leaving
from app.vetting import document_changes

WHY = N_("Does not work with Doorstep any more.")


@dataclass(frozen=True, slots=True)
class Outlook:
    """What stands in the way, and what leaving would do. `to_pay_out` and `held` are paise that we owe them."""

    running: list[Bond]
    owed: list[Bond]
    passed_on: list[Bond]
    to_pay_out: int
    held: int
    is_admin: bool

    @property
    def may_leave(self) -> bool:
        return not (self.running or self.owed or self.is_admin)


async def outlook(db: AsyncSession, me: Person) -> Outlook:
    leaving = Leaving(db, me.id)
    bonds = await leaving.bonds()
    to_pay_out, held = await Charges(db).balances_of(me.id)
    return Outlook(
        running=[bond for bond in bonds if not bond.due],
        owed=[bond for bond in bonds if bond.due],
        passed_on=await leaving.coming(),
        to_pay_out=to_pay_out,
        held=held,
        is_admin=me.role == Role.ADMIN,
    )


async def leave(
    db: AsyncSession, storage: Storage, sessions: Sessions, me: Person, *, reviews_too: bool = False
) -> None:
    """Once; sent twice, the second finds nobody (Missing). `reviews_too`: also the words of reviews they wrote.

    Refused: "admin", "blocked" (a block is not shaken off by leaving), "bound", "again" (something began meanwhile).
    """
    if me.role == Role.ADMIN:
        raise Refused(_("An admin cannot leave. Another admin must take the role away first."), reason="admin")
    await release(db, me.id, WHY)
    await _give_up_holds(db, me)
    user = await Users(db).get(me.id, lock=True)
    await _refuse_bound(db, user)
    await document_changes.erase(db, storage, me, me.id)
    for name in await Leaving(db, me.id).exported():
        storage.erase(db, name)
    await sessions.close_all(db, me.id)
    await db.flush()
    await Leaving(db, me.id).forget_all(clock.now(), words_too=reviews_too)
    _forget(user)
    user.record("person.left", by=me)
    await db.flush()


async def _give_up_holds(db: AsyncSession, me: Person) -> None:
    """Times that are kept and not paid; all their bookings stay locked, for their addresses go too."""
    held = await Leaving(db, me.id).lock_bookings()
    for booking in (await Bookings(db).locked(held)).values():
        lapsed = booking.hold_lapsed(clock.now())
        booking.cancel(PLATFORM if lapsed else me, "expired" if lapsed else "customer", "")
    await charges.give_up_codes(db, held)
    await db.flush()


async def _refuse_bound(db: AsyncSession, user: User) -> None:
    """Asked under the lock of the person's row: what is true now stays true."""
    if await Users(db).block_of(user.id) is not None:
        raise Refused(_("Your account is blocked. It can be deleted when the block has ended."), reason="blocked")
    leaving = Leaving(db, user.id)
    if await leaving.bonds():
        raise Refused(_("Something is still open. It must end first."), reason="bound")
    if await leaving.coming() or await leaving.holds():
        raise Refused(_("Something began a moment ago. Look at it, then leave."), reason="again")


def _forget(user: User) -> None:
    """No sign-in fits any more, and the e-mail address is free for a new account."""
    user.full_name, user.email, user.phone = FORMER[Role(user.role)], f"left-{user.id}", ""
    user.password_hash, user.email_verified_at = "", None
    user.epoch += 1
    user.left_at = clock.now()
