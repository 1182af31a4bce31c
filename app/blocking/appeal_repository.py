"""Appeals: of one block, and as admins list them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.accounts.user import Block, Role, User
from app.blocking.appeal import ANSWER_PERIOD, APPEAL_RETENTION, Appeal
from app.core.errors import Missing
from app.core.events import Person
from app.core.paging import AnyRow, CountedPage, Query, Sort, fetch_page
from app.core.references import RowIds
from app.photos.photo import PHOTO_RETENTION, Photo, PhotoOwner
from app.photos.repository import PhotoLine, Photos

STATES = ("", "decided")  # of the admin's list: waiting, decided
ROW_IDS = RowIds()
_person, _blocker, _decider = aliased(User), aliased(User), aliased(User)
SELECT_APPEALS: Query = (
    select(
        Appeal.id,
        Appeal.message,
        Appeal.photo_count,
        Appeal.created_at,
        (Appeal.created_at + ANSWER_PERIOD).label("answer_due_at"),
        Appeal.decided_at,
        Appeal.outcome,
        Appeal.reason,
        Appeal.only_admin,
        Block.user_id,
        Block.reason.label("block_reason"),
        Block.created_at.label("blocked_at"),
        Block.blocked_by_id,
        _person.full_name.label("person"),
        _person.role,
        _blocker.full_name.label("blocked_by"),
        _decider.full_name.label("decided_by"),
    )
    .join(Block, Block.id == Appeal.block_id)
    .join(_person, _person.id == Block.user_id)
    .join(_blocker, _blocker.id == Block.blocked_by_id)
    .outerjoin(_decider, _decider.id == Appeal.decided_by_id)
)


class Appeals:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def of_block(self, block_id: int) -> Appeal | None:
        found: Appeal | None = await self._db.scalar(select(Appeal).where(Appeal.block_id == block_id))
        return found

    async def waiting_of(self, block_id: int) -> Appeal | None:
        """The appeal of the block that is not decided yet."""
        query = select(Appeal).where(Appeal.block_id == block_id, Appeal.decided_at.is_(None))
        found: Appeal | None = await self._db.scalar(query)
        return found

    async def find(self, appeal_id: int) -> tuple[Appeal, Block]:
        """The appeal and its block. Raises Missing."""
        if appeal_id not in ROW_IDS:
            raise Missing
        query = select(Appeal, Block).join(Block, Block.id == Appeal.block_id).where(Appeal.id == appeal_id)
        row = (await self._db.execute(query)).one_or_none()
        if row is None:
            raise Missing
        return row[0], row[1]

    async def row(self, appeal_id: int) -> AnyRow:
        """One appeal as admins read it. Raises Missing."""
        row = None
        if appeal_id in ROW_IDS:
            row = (await self._db.execute(SELECT_APPEALS.where(Appeal.id == appeal_id))).one_or_none()
        if row is None:
            raise Missing
        return row

    async def page(self, state: str, after: str) -> CountedPage:
        """Waiting ones, oldest first; decided ones, latest first."""
        query = SELECT_APPEALS.where(_in_state(state))
        sort = Sort(Appeal.created_at, datetime)
        return await fetch_page(self._db, query, key=Appeal.id, sort=sort, descending=state == "decided", after=after)

    async def first(self, state: str, since: datetime | None, last: int | None, limit: int) -> Sequence[AnyRow]:
        """Up to `limit` rows by their time, oldest first, after the row `last` of the time `since`."""
        query = SELECT_APPEALS.where(_in_state(state))
        if since is not None and last is not None:
            query = query.where((Appeal.created_at > since) | ((Appeal.created_at == since) & (Appeal.id > last)))
        return (await self._db.execute(query.order_by(Appeal.created_at, Appeal.id).limit(limit))).all()

    async def photos(self, appeal: Appeal | AnyRow | None) -> Sequence[PhotoLine]:
        """The photos of an appeal, which are deleted 180 days after its decision."""
        if appeal is None or not appeal.photo_count:
            return ()
        return (await Photos(self._db).of(PhotoOwner.APPEAL, [appeal.id])).get(appeal.id, ())

    async def photo_for(self, me: Person, photo_id: int) -> str:
        """Where a photo is stored. Missing for everyone but who appealed and admins."""
        query = (
            select(Photo.stored_as)
            .where(Photo.id == photo_id, Photo.appeal_id.is_not(None))
            .where((Photo.uploader_id == me.id) | literal(me.role == Role.ADMIN))
        )
        found: str | None = await self._db.scalar(query) if photo_id in ROW_IDS else None
        if found is None:
            raise Missing
        return found

    async def with_old_photos(self, now: datetime, limit: int) -> list[int]:
        """Up to `limit` appeals with photos that were decided 180 days ago."""
        query = (
            select(Photo.appeal_id)
            .join(Appeal, Appeal.id == Photo.appeal_id)
            .where(Appeal.decided_at < now - PHOTO_RETENTION)
            .distinct()
            .limit(limit)
        )
        return [number for number in await self._db.scalars(query) if number is not None]

    async def counts(self) -> dict[str, int]:
        """Number of appeals by state."""
        counts = {}
        for state in STATES:
            counts[state] = await self._db.scalar(select(func.count(Appeal.id)).where(_in_state(state))) or 0
        return counts


async def prune(db: AsyncSession, now: datetime) -> int:
    """Delete appeals that were decided three years ago."""
    old = delete(Appeal).where(Appeal.decided_at < now - APPEAL_RETENTION).returning(Appeal.id)
    return len((await db.scalars(old)).all())


def _in_state(state: str) -> ColumnElement[bool]:
    return Appeal.decided_at.is_not(None) if state == "decided" else Appeal.decided_at.is_(None)
