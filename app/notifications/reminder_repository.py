"""Who is to be reminded of what."""

from datetime import datetime

from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import BigInteger, DateTime

from app.core import clock

# Jobs of that day stay with a professional whose documents expired (W7); waiting offers need one who may work.
WITH_JOBS_OR_OFFERS = text(
    """
    SELECT p.user_id FROM professionals p JOIN users u ON u.id = p.user_id
     WHERE p.approval_status = 'approved' AND u.deleted_at IS NULL AND p.user_id > :after
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
