"""Appeal a block, and decide the appeal (W30).

Every change locks the blocked person's row first, as blocking and unblocking do; the admins' advisory lock comes before
it. So an appeal never meets a lifted block, and of two decisions one is first.
"""

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.contact_fields import clean_reason, clean_text
from app.accounts.repository import Users
from app.blocking.appeal import MAX_APPEAL_LENGTH, Appeal, Outcome, appeal_until
from app.blocking.appeal_repository import Appeals
from app.blocking.block import unblock
from app.core import clock
from app.core.db import AdvisoryLock, acquire_lock, violated_constraint
from app.core.errors import Invalid, Refused
from app.core.events import Person
from app.core.i18n import _
from app.core.storage import Storage
from app.photos.photo import PhotoOwner
from app.photos.repository import NewPhotos, Photos


async def submit_appeal(db: AsyncSession, me: Person, message: str, photos: NewPhotos | None = None) -> Appeal:
    """Appeal the block in force. Invalid("message"); Refused "free", "already" or "late" about "appeal"."""
    message = _clean_message(message)
    person = await Users(db).get(me.id, lock=True)
    block = await Users(db).active_block(person.id)
    if block is None:
        raise Refused(_("Your account isn't blocked, so there is nothing to appeal."), reason="free", about="appeal")
    if await Appeals(db).of_block(block.id) is not None:
        raise _second_appeal()
    if clock.now() >= appeal_until(block):
        raise Refused(_("A block can be appealed for 30 days. That time has passed."), reason="late", about="appeal")
    photo_count = len(photos) if photos else 0
    appeal = Appeal(block_id=block.id, message=message, photo_count=photo_count, created_at=clock.now())
    person.record("person.appealed", by=me)
    db.add(appeal)
    try:
        await db.flush()
    except IntegrityError as clash:
        if violated_constraint(clash) != "appeals_block_id_key":
            raise
        raise _second_appeal() from clash
    await Photos(db).attach(PhotoOwner.APPEAL, appeal.id, me.id, photos)
    return appeal


async def decide_appeal(db: AsyncSession, by: Person, appeal_id: int, outcome: Outcome, reason: str) -> Appeal:
    """Lift the block, or keep it; the person reads the reason.

    Invalid("reason"); Missing; Refused "decided", or "another" when `by` blocked the person and is not the only admin.
    """
    reason = clean_reason(reason)
    appeal, block = await Appeals(db).find(appeal_id)
    _refuse_decided(appeal)
    is_blocker = by.id == block.blocked_by_id
    if is_blocker:
        await acquire_lock(db, AdvisoryLock.ADMINS)  # nobody becomes or stops being an admin meanwhile
    person = await Users(db).get(block.user_id, lock=True)
    await db.refresh(appeal)
    _refuse_decided(appeal)
    if is_blocker and await has_other_admin(db, by.id):
        raise Refused(
            _("You blocked this account, so another admin decides about the appeal."), reason="another", about="appeal"
        )
    appeal.decide(person, by, outcome, reason, only_admin=is_blocker)
    if outcome == Outcome.LIFT:
        await unblock(db, by, person.id, reason)
    await db.flush()
    return appeal


async def delete_old_photos(db: AsyncSession, storage: Storage, limit: int = 500) -> int:
    """Delete the photos of appeals that were decided 180 days ago, of at most `limit` appeals; return how many."""
    ids = await Appeals(db).with_old_photos(clock.now(), limit)
    return await Photos(db).delete(storage, PhotoOwner.APPEAL, ids)


async def has_other_admin(db: AsyncSession, admin_id: int) -> bool:
    """Whether an admin besides this one may act."""
    return await Users(db).has_admin_besides(admin_id)


def _clean_message(typed: str) -> str:
    message = clean_text(typed)
    if not message:
        raise Invalid({"message": _("Write why the block should be lifted.")})
    if len(message) > MAX_APPEAL_LENGTH:
        raise Invalid({"message": _("Use 2,000 characters or fewer.")})
    return message


def _second_appeal() -> Refused:
    return Refused(
        _("You've already appealed this block. A block can be appealed once."), reason="already", about="appeal"
    )


def _refuse_decided(appeal: Appeal) -> None:
    if appeal.is_decided:
        raise Refused(_("This appeal has been decided already."), reason="decided")
