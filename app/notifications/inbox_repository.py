"""A user's inbox, newest first."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.repository import Bookings
from app.core import clock
from app.core.errors import Missing
from app.core.events import Person, nudge
from app.core.paging import Page, decode_cursor, page_of
from app.notifications.inbox import InboxItem
from app.notifications.notification import INBOX_TOPIC

PAGE_SIZE = 20
MESSAGE_KINDS = ("booking_message", "job_message")


class InboxRepository:
    def __init__(self, db: AsyncSession, user_id: int) -> None:
        self._db = db
        self._user_id = user_id

    async def page(self, cursor: str | None, muted_kinds: Collection[str] = ()) -> Page[InboxItem]:
        """Without the muted kinds. Raises Missing for a bad cursor."""
        own = select(InboxItem).where(InboxItem.user_id == self._user_id, InboxItem.kind.not_in(muted_kinds))
        if last := decode_cursor(cursor, int):
            own = own.where(InboxItem.id < int(last[0]))
        rows = (await self._db.scalars(own.order_by(InboxItem.id.desc()).limit(PAGE_SIZE + 1))).all()
        return page_of(rows, PAGE_SIZE, lambda item: (item.id,))

    async def bookings(self, items: Sequence[InboxItem]) -> dict[str, Booking]:
        """The bookings that the items are about, by reference."""
        references = {item.data["booking"] for item in items if "booking" in item.data}
        return await Bookings(self._db).by_references(references)

    async def read(self, notice_id: int) -> InboxItem:
        """Mark one item as read and return it. Raises Missing if it is not the user's own."""
        items = await self._read(InboxItem.id == notice_id)
        if not items:
            raise Missing
        return items[0]

    async def read_all(self) -> int:
        return len(await self._read(InboxItem.read_at.is_(None)))

    async def _read(self, condition: ColumnElement[bool]) -> Sequence[InboxItem]:
        now = clock.now()
        statement = (
            update(InboxItem)
            .where(InboxItem.user_id == self._user_id, condition)
            .values(read_at=now)
            .returning(InboxItem)
        )
        rows = (await self._db.scalars(statement)).all()
        if rows:
            nudge(self._db, f"user:{self._user_id}", INBOX_TOPIC)
        return rows


async def mark_message_lines_read(db: AsyncSession, me: Person, reference: str) -> None:
    """Mark the lines about messages of a booking as read: the reader has opened its thread."""
    statement = update(InboxItem).where(
        InboxItem.user_id == me.id,
        InboxItem.read_at.is_(None),
        InboxItem.kind.in_(MESSAGE_KINDS),
        InboxItem.data["booking"].astext == reference,
    )
    rows = await db.execute(statement.values(read_at=clock.now()).returning(InboxItem.id))
    if rows.all():
        nudge(db, f"user:{me.id}", INBOX_TOPIC)
