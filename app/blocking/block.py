"""Blocking somebody and what follows at once (W1–W3), unblocking (W4), and who may not be blocked (W18).

Order of locks: bookings, people's time, the row of admins, then the person's own row: from there on nobody books, pays
or accepts in their name (bookings_nobody_blocked waits for that row, then refuses).
"""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.contact_fields import words_of
from app.accounts.repository import Users
from app.accounts.session import Sessions
from app.accounts.user import Block, Role, User
from app.blocking.commitments_repository import Running
from app.blocking.reassignment import release
from app.blocking.repository import Affairs, Affected
from app.bookings.booking import Booking
from app.bookings.repository import Bookings
from app.core import clock
from app.core.errors import Invalid, Refused
from app.core.events import PLATFORM, Person
from app.core.i18n import N_, _
from app.payments import charges
from app.people.admin_roles import refuse_last_admin

LONGEST = 1_000  # characters of a reason
ROUNDS = 5  # of waiting for the row of somebody who goes on booking or accepting
JOB_TAKEN = N_("Cannot come at the moment.")
CANCELLED = N_("Cancelled by Doorstep.")
NOT_PAID = N_("Not paid in time.")


@dataclass(frozen=True, slots=True)
class Outlook:
    """What blocking this person would do now. `refund` is paise, `sessions` where they are signed in.

    Of a professional: `passed_on` bookings that wait for them are asked of others, `kept` times while customers pay.
    """

    offered_again: list[Affected]
    cancelled: list[Affected]
    going_on: list[Affected]
    given_up: int
    passed_on: int
    kept: int
    refund: int
    sessions: int

    @property
    def digest(self) -> str:
        """What an admin saw, to be told apart from what is true when the form comes."""
        seen = [one.reference for one in (*self.offered_again, *self.cancelled)]
        counts = len(self.offered_again), len(self.cancelled), self.refund, self.passed_on, len(self.going_on)
        return ".".join(map(str, (*counts, *sorted(seen))))


async def outlook(db: AsyncSession, person: User) -> Outlook:
    """Counted from the rows that blocking would change."""
    affairs = Affairs(db, person.id)
    open_ones = await affairs.open()
    waiting, kept = await affairs.waiting()
    customer = person.role == Role.CUSTOMER
    cancelled = [one for one in open_ones if customer and one.state in ("requested", "assigned")]
    return Outlook(
        offered_again=[one for one in open_ones if not customer and one.state == "assigned"],
        cancelled=cancelled,
        going_on=[one for one in open_ones if one.state == "started"],
        passed_on=waiting,
        kept=kept,
        given_up=sum(one.state == "held" for one in open_ones),
        refund=sum(one.held for one in cancelled),
        sessions=await affairs.sessions(),
    )


async def block(
    db: AsyncSession, sessions: Sessions, by: Person, person_id: int, reason: str, seen: str | None = None
) -> None:
    """From now on they may do nothing but end what has started. `seen` is the digest of the outlook that was shown.

    Invalid("reason"); Refused "oneself", "last" (W18), "already", "changed" (it would do something else by now).
    """
    reason = _reason_of(reason)
    if person_id == by.id:
        raise Refused(_("You cannot block yourself."), reason="oneself")
    person = await Users(db).get(person_id)
    if seen is not None and seen != (await outlook(db, person)).digest:
        raise Refused(_("Blocking would do something else by now. Look again, then decide."), reason="changed")
    if person.role == Role.ADMIN:
        await refuse_last_admin(db, person_id)
    person = await _alone_with(db, by, person)
    await _refuse_twice(db, person)
    db.add(Block(user_id=person.id, by_id=by.id, reason=reason, created_at=clock.now()))
    person.epoch += 1
    await sessions.close_all(db, person.id)
    person.record("person.blocked", by=by, before="active", after="blocked", personal={"reason": reason})
    await db.flush()


async def unblock(db: AsyncSession, by: Person, person_id: int, reason: str) -> None:
    """W4: nothing comes back by itself. Invalid("reason"); Refused("free") when nobody blocks them."""
    reason = _reason_of(reason)
    person = await Users(db).get(person_id, lock=True)
    lying = await Users(db).block_of(person_id)
    if lying is None:
        raise Refused(_("%(name)s is not blocked.", name=person.full_name), reason="free")
    lying.lifted_at, lying.lifted_by_id, lying.lifted_reason = clock.now(), by.id, reason
    person.record("person.unblocked", by=by, before="blocked", after="active", personal={"reason": reason})
    await db.flush()


class _Began(Exception):
    """Somebody counts on them again; leaving the savepoint lets go of their row."""


async def _alone_with(db: AsyncSession, by: Person, person: User) -> User:
    """Nobody counts on them any more and their row is locked, so that nobody can begin to.

    Who began while we waited for the row makes us let go of it and begin again: rows of bookings come first.
    """
    for _round in range(ROUNDS):
        await _let_go(db, by, person)
        try:
            async with db.begin_nested():
                locked = await Users(db).get(person.id, lock=True)
                if await _counted_on(db, locked):
                    raise _Began
                return locked
        except _Began:
            continue
    raise Refused(_("Blocking would do something else by now. Look again, then decide."), reason="changed")


async def _counted_on(db: AsyncSession, person: User) -> bool:
    if person.role == Role.PROFESSIONAL:
        return await Running(db).reserves(person.id)
    return bool(await Affairs(db, person.id).to_cancel())


async def _let_go(db: AsyncSession, by: Person, person: User) -> None:
    if person.role == Role.PROFESSIONAL:
        await release(db, person.id, JOB_TAKEN)
    elif person.role == Role.CUSTOMER:
        await _cancel_all(db, by, person)


async def _cancel_all(db: AsyncSession, by: Person, customer: User) -> None:
    """W3: with everything that was paid. What has started is finished."""
    theirs = await Affairs(db, customer.id).to_cancel()
    for booking in (await Bookings(db).locked(theirs)).values():
        if booking.state in ("held", "requested", "assigned"):
            await _cancel(db, by, booking)
    await db.flush()


async def _cancel(db: AsyncSession, by: Person, booking: Booking) -> None:
    held = booking.state == "held"
    if booking.hold_lapsed(clock.now()):
        booking.cancel(PLATFORM, "expired", NOT_PAID)
    else:
        booking.cancel(by, "platform", CANCELLED)
    if held:
        await charges.give_up_codes(db, [booking.id])
    else:
        await charges.release(db, booking.id)


async def _refuse_twice(db: AsyncSession, person: User) -> None:
    if person.left_at is not None:
        raise Refused(_("This person has left."), reason="left")
    lying = await Users(db).block_of(person.id)
    if lying is not None:
        by = await Users(db).get(lying.by_id)
        raise Refused(
            _("%(admin)s has blocked %(name)s already.", admin=by.full_name, name=person.full_name), reason="already"
        )


def _reason_of(typed: str) -> str:
    """What the person will read, word for word."""
    reason = words_of(typed)
    if not reason:
        raise Invalid({"reason": _("Please give the reason. It is read word for word.")})
    if len(reason) > LONGEST:
        raise Invalid({"reason": _("That is too long.")})
    return reason
