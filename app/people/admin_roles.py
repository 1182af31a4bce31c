"""Promote customers to admins, demote them, change their rights; one owner always remains (W18).

No admin demotes themselves.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import Users
from app.accounts.session import Sessions
from app.accounts.user import AdminRight, Role
from app.blocking.block import refuse_last_admin
from app.core.errors import Refused
from app.core.events import Person
from app.core.i18n import _
from app.people.admin_repository import Admins


async def promote(db: AsyncSession, sessions: Sessions, by: Person, person_id: int) -> None:
    """Promote a customer without bookings to admin; they must sign in again.

    Refused: "role", "booked", "blocked", "left", "unverified".
    """
    person = await Users(db).get(person_id, lock=True)
    if person.role != Role.CUSTOMER:
        raise Refused(_("Only a customer account can become an admin."), reason="role", about="customer")
    if person.deleted_at is not None:
        raise Refused(_("This account has been deleted."), reason="left")
    if await Users(db).active_block(person_id) is not None:
        raise Refused(_("This account is blocked."), reason="blocked")
    if person.email_verified_at is None:
        raise Refused(_("This account's email address isn't confirmed yet."), reason="unverified")
    if await Admins(db).has_booked(person_id):
        raise Refused(_("This account has bookings. Use a separate account for the admin."), reason="booked")
    await _change_role(db, sessions, by, person_id, Role.ADMIN)


async def demote(db: AsyncSession, sessions: Sessions, by: Person, person_id: int) -> None:
    """Turn an admin into a customer. Refused: "oneself", "last" (W18), "role"."""
    if person_id == by.id:
        raise Refused(_("You can't remove your own admin role. Ask another admin."), reason="oneself")
    await refuse_last_admin(db, person_id)
    person = await Users(db).get(person_id, lock=True)
    if person.role != Role.ADMIN:
        raise Refused(_("%(name)s isn't an admin.", name=person.full_name), reason="role", about="admin")
    await _change_role(db, sessions, by, person_id, Role.CUSTOMER)


async def change_right(db: AsyncSession, by: Person, person_id: int, right: str) -> None:
    """Give an admin another right. Refused: "right", "oneself", "last" (no owner would remain)."""
    if right not in tuple(AdminRight):
        raise Refused(_("Choose what this admin may do."), reason="right")
    if person_id == by.id:
        raise Refused(_("You can't change your own rights. Ask another owner."), reason="oneself", about="right")
    await refuse_last_admin(db, person_id)
    person = await Users(db).get(person_id, lock=True)
    before, person.admin_right = person.admin_right, AdminRight(right)
    if before != person.admin_right:
        person.record("person.right_changed", by=by, before=str(before), after=right)
    await db.flush()


async def _change_role(db: AsyncSession, sessions: Sessions, by: Person, person_id: int, role: Role) -> None:
    person = await Users(db).get(person_id)
    before, person.role = person.role, role
    person.epoch += 1
    await sessions.close_all(db, person_id)
    name = "person.promoted" if role == Role.ADMIN else "person.demoted"
    person.record(name, by=by, before=before, after=str(role))
    await db.flush()
