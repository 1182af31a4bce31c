"""SQL of messages: a booking's thread, unread ones, photos and what is old."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from asyncpg import Record
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.names import greeting_name
from app.core.errors import Missing
from app.core.events import Person
from app.core.references import RowIds
from app.core.sql import execute, fetch, fetch_row, fetch_value
from app.messages.message import MESSAGE_RETENTION
from app.photos.repository import PhotoLine

THREAD_LENGTH = 100  # messages of one page
QUIET_PERIOD = timedelta(minutes=15)  # in which further messages to someone who has not looked send no notification
ROW_IDS = RowIds()

# The thread of booking $1: of professional $2 alone, or of all who had the job.
OF_THREAD = "m.booking_id = $1 AND ($2::bigint IS NULL OR m.professional_id = $2)"
SELECT_THREAD = f"""
    SELECT m.id, m.author_id, u.full_name, m.author_id = m.professional_id AS by_professional,
           m.text, m.created_at, m.read_at,
           ARRAY(SELECT ROW(p.id, p.width, p.height) FROM photos p
                  WHERE p.message_id = m.id ORDER BY p.position) AS photos
      FROM booking_messages m JOIN users u ON u.id = m.author_id
     WHERE {OF_THREAD} AND ($3::bigint IS NULL OR m.id < $3)
     ORDER BY m.id DESC LIMIT $4
"""
# Locked in order: two windows of one reader mark the same messages at once.
MARK_READ = f"""
    UPDATE booking_messages SET read_at = greatest($4, created_at)
     WHERE id IN (SELECT m.id FROM booking_messages m
                   WHERE {OF_THREAD} AND m.author_id <> $3 AND m.read_at IS NULL
                   ORDER BY m.id FOR UPDATE SKIP LOCKED)
"""
COUNT = f"""
    SELECT count(*) AS all, count(*) FILTER (WHERE m.read_at IS NULL AND m.author_id <> $3) AS unread
      FROM booking_messages m WHERE {OF_THREAD}
"""
# Of a booking `b`, for its customer: how many messages are unread, and whether there are any (app.listeners).
UNREAD_OF_CUSTOMER = """
    (SELECT ROW(count(*) FILTER (WHERE m.read_at IS NULL AND m.author_id = m.professional_id), count(*) > 0)
       FROM booking_messages m WHERE m.booking_id = b.id)
"""
HAS_RECENT_UNREAD = f"""
    SELECT EXISTS (SELECT FROM booking_messages m
                    WHERE {OF_THREAD} AND m.author_id = $3 AND m.read_at IS NULL AND m.created_at > $4)
"""
HAS_UNREAD = """
    SELECT EXISTS (SELECT FROM booking_messages WHERE booking_id = $1 AND author_id <> $2 AND read_at IS NULL)
"""
COUNT_PHOTOS = """
    SELECT coalesce(sum(photo_count), 0)::bigint FROM booking_messages WHERE booking_id = $1 AND author_id = $2
"""
# A photo is there for both sides of its thread, and for admins.
FIND_PHOTO = """
    SELECT p.stored_as
      FROM photos p
      JOIN booking_messages m ON m.id = p.message_id
      JOIN bookings b ON b.id = m.booking_id
     WHERE p.id = $1
       AND ($3 = 'admin' OR b.customer_id = $2 OR (b.professional_id = $2 AND m.professional_id = $2))
"""
SHARES_PHONE = "SELECT share_phone FROM users WHERE id = $1"
OLD_MESSAGES = """
    SELECT m.id FROM booking_messages m JOIN bookings b ON b.id = m.booking_id
     WHERE coalesce(b.completed_at, b.cancelled_at) < $1
     ORDER BY m.id LIMIT $2 FOR UPDATE OF m SKIP LOCKED
"""
DELETE_MESSAGES = "DELETE FROM booking_messages WHERE id = ANY($1::bigint[])"


@dataclass(frozen=True, slots=True)
class MessageLine:
    """A message as a reader of the thread sees it."""

    id: int
    author_id: int
    full_name: str
    by_professional: bool
    text: str
    created_at: datetime
    read_at: datetime | None
    photos: list[PhotoLine]

    @property
    def first_name(self) -> str:
        return greeting_name(self.full_name)


@dataclass(frozen=True, slots=True)
class Thread:
    """Messages from oldest to newest; `earlier` is where the ones before them end, None when there are none."""

    messages: list[MessageLine]
    earlier: int | None


@dataclass(frozen=True, slots=True)
class MessageCounts:
    all: int
    unread: int


class Messages:
    """`professional_id` limits a thread to what was written while the job was theirs; None for all of a booking."""

    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def thread(
        self, booking_id: int, professional_id: int | None = None, before: int | None = None, limit: int = THREAD_LENGTH
    ) -> Thread:
        found = await fetch(self._db, SELECT_THREAD, booking_id, professional_id, before, limit + 1)
        lines = [_line(row) for row in reversed(found[:limit])]
        return Thread(lines, lines[0].id if len(found) > limit else None)

    async def counts(self, booking_id: int, professional_id: int | None, reader_id: int) -> MessageCounts:
        row = await fetch_row(self._db, COUNT, booking_id, professional_id, reader_id)
        return MessageCounts(*row) if row else MessageCounts(0, 0)

    async def mark_read(self, booking_id: int, professional_id: int | None, reader_id: int, now: datetime) -> int:
        """Mark what the other side wrote as read; return how many were new."""
        return await execute(self._db, MARK_READ, booking_id, professional_id, reader_id, now)

    async def has_recent_unread(self, booking_id: int, professional_id: int, author_id: int, now: datetime) -> bool:
        """Whether the other side was notified a moment ago and has not looked since."""
        since = now - QUIET_PERIOD
        return bool(await fetch_value(self._db, HAS_RECENT_UNREAD, booking_id, professional_id, author_id, since))

    async def has_unread(self, booking_id: int, reader_id: int) -> bool:
        """Whether the other side wrote what this person has not read yet."""
        return bool(await fetch_value(self._db, HAS_UNREAD, booking_id, reader_id))

    async def count_photos(self, booking_id: int, author_id: int) -> int:
        return int(await fetch_value(self._db, COUNT_PHOTOS, booking_id, author_id))

    async def photo_for(self, me: Person, photo_id: int) -> str:
        """Where a photo is stored. Missing for everyone but both sides and admins."""
        found: str | None = None
        if photo_id in ROW_IDS:
            found = await fetch_value(self._db, FIND_PHOTO, photo_id, me.id, str(me.role))
        if found is None:
            raise Missing
        return found

    async def shares_phone(self, user_id: int) -> bool:
        """Whether this person shows their phone unless they chose otherwise for a booking."""
        return bool(await fetch_value(self._db, SHARES_PHONE, user_id))

    async def old(self, now: datetime, limit: int) -> list[int]:
        """Up to `limit` messages of jobs that ended 180 days ago, locked."""
        return [row[0] for row in await fetch(self._db, OLD_MESSAGES, now - MESSAGE_RETENTION, limit)]

    async def delete(self, ids: list[int]) -> int:
        return await execute(self._db, DELETE_MESSAGES, ids)


def _line(row: Record) -> MessageLine:
    values = list(row)
    values[-1] = [PhotoLine(*photo) for photo in row["photos"]]
    return MessageLine(*values)
