"""How often each service was booked, counted now and then, so that nobody counts all bookings to show it."""

from datetime import timedelta

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.orm import NaturalKeyBase
from app.core.sql import execute, fetch

# A booking that is written at the same moment may have a smaller id than one that is already visible: only ids older
# than any transaction are counted for good.
SETTLING_TIME = timedelta(hours=1)
COUNT_NEW = """
    WITH settled AS (SELECT max(counted_to) AS counted_to FROM service_booking_counts),
    newest AS (SELECT id FROM bookings WHERE created_at <= $1 ORDER BY id DESC LIMIT 1),
    added AS (
        SELECT b.service_id, count(*) AS bookings FROM bookings b, newest
         WHERE b.id > coalesce((SELECT counted_to FROM settled), 0) AND b.id <= newest.id GROUP BY 1)
    INSERT INTO service_booking_counts AS c (service_id, bookings, counted_to)
    SELECT service_id, bookings, (SELECT id FROM newest) FROM added
        ON CONFLICT (service_id) DO UPDATE
       SET bookings = c.bookings + excluded.bookings, counted_to = excluded.counted_to
"""
# What was counted, and the few bookings since: with both ends of the ids the planner expects few, too.
BOOKING_COUNTS = """
    SELECT service_id, sum(bookings)::bigint AS bookings FROM (
        SELECT service_id, bookings FROM service_booking_counts
         UNION ALL
        SELECT service_id, count(*) FROM bookings
         WHERE id > coalesce((SELECT max(counted_to) FROM service_booking_counts), 0)
           AND id <= (SELECT max(id) FROM bookings) GROUP BY 1
    ) counted GROUP BY 1
"""


class ServiceBookingCount(NaturalKeyBase):
    """The bookings of a service, whatever became of them, up to the id that is the largest `counted_to` of all rows."""

    __tablename__ = "service_booking_counts"
    service_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("services.id"), primary_key=True, autoincrement=False
    )
    bookings: Mapped[int] = mapped_column(BigInteger)
    counted_to: Mapped[int] = mapped_column(BigInteger)


async def count_new_bookings(db: AsyncSession) -> int:
    """Add the bookings since the last call to the counts; return of how many services there were any."""
    await execute(db, "LOCK TABLE service_booking_counts IN SHARE ROW EXCLUSIVE MODE")
    return await execute(db, COUNT_NEW, clock.now() - SETTLING_TIME)


async def booking_counts(db: AsyncSession) -> dict[int, int]:
    """Number of all bookings by service."""
    return {row["service_id"]: row["bookings"] for row in await fetch(db, BOOKING_COUNTS)}
