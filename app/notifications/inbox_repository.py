"""A person's own notices, newest first."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.core import clock
from app.core.errors import Missing
from app.core.events import nudge
from app.core.paging import Page, after, page_of
from app.notifications.inbox import Notice

PAGE = 20


class Notices:
    def __init__(self, db: AsyncSession, user_id: int) -> None:
        self._db = db
        self._user_id = user_id

    async def all(self, cursor: str | None, hidden: Collection[str] = ()) -> Page[Notice]:
        """Without the kinds that the person muted here. A cursor that was not ours is Missing."""
        mine = select(Notice).where(Notice.user_id == self._user_id, Notice.kind.not_in(hidden))
        if last := after(cursor, int):
            mine = mine.where(Notice.id < int(last[0]))
        rows = (await self._db.scalars(mine.order_by(Notice.id.desc()).limit(PAGE + 1))).all()
        return page_of(rows, PAGE, lambda notice: (notice.id,))

    async def bookings(self, notices: Sequence[Notice]) -> dict[str, Booking]:
        """What they are about, by reference."""
        wanted = {notice.data["booking"] for notice in notices if "booking" in notice.data}
        rows = await self._db.scalars(select(Booking).where(Booking.reference.in_(wanted)))
        return {booking.reference: booking for booking in rows}

    async def read(self, notice_id: int) -> Notice:
        """Missing when it is somebody else's."""
        found = await self._read(Notice.id == notice_id)
        if not found:
            raise Missing
        return found[0]

    async def read_all(self) -> int:
        return len(await self._read(Notice.read_at.is_(None)))

    async def _read(self, which: ColumnElement[bool]) -> Sequence[Notice]:
        now = clock.now()
        changed = update(Notice).where(Notice.user_id == self._user_id, which).values(read_at=now).returning(Notice)
        rows = (await self._db.scalars(changed)).all()
        if rows:
            nudge(self._db, f"user:{self._user_id}", "notices")
        return rows
