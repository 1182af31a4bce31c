"""Who is to be reminded of what."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import BigInteger, DateTime

from app.bookings.booking import Booking
from app.bookings.moves import State
from app.core import clock
from app.core.paging import AnyRow

# Jobs of that day stay with a professional whose documents expired (W7); waiting offers need one who may work.
WITH_JOBS_OR_OFFERS = text(
    """
    SELECT p.user_id FROM professionals p JOIN users u ON u.id = p.user_id
     WHERE p.standing = 'approved' AND u.left_at IS NULL AND p.user_id > :after
       AND NOT EXISTS (SELECT 1 FROM blocks k WHERE k.user_id = p.user_id AND k.lifted_at IS NULL)
       AND (EXISTS (SELECT 1 FROM bookings b WHERE b.professional_id = p.user_id AND b.state = 'assigned'
                       AND b.starts_at >= :since AND b.starts_at < :until)
            OR EXISTS (SELECT 1 FROM bookings b
                         JOIN eligible_coverage(:today) e ON e.service_id = b.service_id AND e.pincode = b.pincode
                          AND e.professional_id = p.user_id
                        WHERE b.state = 'requested' AND b.starts_at > :now))
     ORDER BY p.user_id LIMIT :limit
    """
).bindparams(
    bindparam("after", type_=BigInteger),
    bindparam("since", type_=DateTime(timezone=True)),
    bindparam("until", type_=DateTime(timezone=True)),
    bindparam("now", type_=DateTime(timezone=True)),
)


class ReminderQueries:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def with_jobs_or_offers(
        self, since: datetime, until: datetime, now: datetime, after: int, limit: int
    ) -> list[int]:
        """Ids after `after` of professionals with a job between `since` and `until`, or an offer that may be theirs."""
        params = {"since": since, "until": until, "now": now, "after": after, "limit": limit, "today": clock.today()}
        return list(await self._db.scalars(WITH_JOBS_OR_OFFERS, params))

    async def starting_within(self, now: datetime, within: timedelta) -> Sequence[AnyRow]:
        """Accepted jobs that start within that time and were accepted earlier than that before their start."""
        query = select(Booking.reference, Booking.customer_id, Booking.professional_id, Booking.starts_at).where(
            Booking.state == State.ASSIGNED,
            Booking.starts_at > now,
            Booking.starts_at <= now + within,
            Booking.assigned_at < Booking.starts_at - within,
        )
        return (await self._db.execute(query.order_by(Booking.starts_at, Booking.id))).all()
