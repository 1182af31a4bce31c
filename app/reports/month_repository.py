"""What a customer's month was, in four questions."""

from datetime import date, datetime

from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import BigInteger, DateTime

from app.reports.month import Ahead, Month, Past, span_of

MOST = 50  # lines of one month; nobody has so many
TIMES = (bindparam("since", type_=DateTime(timezone=True)), bindparam("until", type_=DateTime(timezone=True)))
# What reached us in those days for one booking: captures, fees, what was due and is paid, less what went back.
PAID = """
    (SELECT coalesce(sum(e.amount), 0)::bigint FROM ledger_transactions t
       JOIN ledger_entries e ON e.transaction_id = t.id AND e.account = 'gateway'
      WHERE t.booking_id = b.id AND t.at >= :since AND t.at < :until)
"""
BOOKED = text(f"""
    SELECT b.starts_at, b.reference, b.service_name, b.state, {PAID} AS paid FROM bookings b
     WHERE b.customer_id = :id AND b.requested_at IS NOT NULL AND b.starts_at >= :since AND b.starts_at < :until
     ORDER BY b.starts_at, b.id LIMIT {MOST}
""").bindparams(*TIMES)
SPENT = text("""
    SELECT coalesce(sum(e.amount), 0)::bigint FROM bookings b JOIN ledger_transactions t ON t.booking_id = b.id
      JOIN ledger_entries e ON e.transaction_id = t.id AND e.account = 'gateway'
     WHERE b.customer_id = :id AND t.at >= :since AND t.at < :until
""").bindparams(*TIMES)
COUNTED = text("""
    SELECT count(*) FILTER (WHERE state IN ('completed', 'closed')) AS done,
           count(*) FILTER (WHERE state = 'cancelled') AS cancelled
      FROM bookings WHERE customer_id = :id AND requested_at IS NOT NULL AND starts_at >= :since AND starts_at < :until
""").bindparams(*TIMES)
RATED = text("""
    SELECT count(*) AS reviews, coalesce(avg(rating), 0)::double precision AS stars FROM reviews
     WHERE customer_id = :id AND created_at >= :since AND created_at < :until
""").bindparams(*TIMES)
COMING = text(f"""
    SELECT starts_at, reference, service_name FROM bookings
     WHERE customer_id = :id AND state IN ('requested', 'assigned') AND starts_at >= :now
     ORDER BY starts_at, id LIMIT {MOST}
""").bindparams(bindparam("now", type_=DateTime(timezone=True)))
# Somebody who may read a report: the address is theirs, and there is something to tell.
READERS = text("""
    SELECT u.id FROM users u
     WHERE u.role = 'customer' AND u.email_verified_at IS NOT NULL AND u.left_at IS NULL AND u.id > :after
       AND EXISTS (SELECT 1 FROM bookings b WHERE b.customer_id = u.id AND b.requested_at IS NOT NULL)
       AND NOT EXISTS (SELECT 1 FROM blocks k WHERE k.user_id = u.id AND k.lifted_at IS NULL)
     ORDER BY u.id LIMIT :most
""").bindparams(bindparam("after", type_=BigInteger))


class Months:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def of(self, customer_id: int, month: date, now: datetime) -> Month:
        """`now` is when it is told: what comes is counted from there."""
        since, until = span_of(month)
        given = {"id": customer_id, "since": since, "until": until}
        counted = (await self._db.execute(COUNTED, given)).one()
        rated = (await self._db.execute(RATED, given)).one()
        return Month(
            done=counted.done,
            cancelled=counted.cancelled,
            spent=(await self._db.execute(SPENT, given)).scalar_one(),
            reviews=rated.reviews,
            stars=rated.stars,
            bookings=[Past(*row) for row in await self._db.execute(BOOKED, given)],
            coming=[Ahead(*row) for row in await self._db.execute(COMING, {"id": customer_id, "now": now})],
        )

    async def readers(self, after: int, most: int) -> list[int]:
        """Customers who are told, by number, after one of them."""
        return list(await self._db.scalars(READERS, {"after": after, "most": most}))
