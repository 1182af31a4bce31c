"""Who is to be reminded of what."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import BigInteger, DateTime, Interval

from app.core import clock
from app.core.paging import AnyRow
from app.core.sql import fetch

# Jobs of that day stay with a professional whose documents expired (W7); waiting offers need one who may work.
WITH_JOBS_OR_OFFERS = text(
    """
    SELECT p.user_id FROM professionals p JOIN users u ON u.id = p.user_id
     WHERE p.approval_status = 'approved' AND u.deleted_at IS NULL AND p.user_id > :after
       AND NOT EXISTS (SELECT 1 FROM blocks k WHERE k.user_id = p.user_id AND k.lifted_at IS NULL)
       AND ((SELECT true FROM bookings b WHERE b.professional_id = p.user_id AND b.state = 'assigned'
                AND b.starts_at >= :since AND b.starts_at < :until LIMIT 1)
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

STARTING = text(
    """
    SELECT b.id, b.reference, b.customer_id, b.professional_id, b.starts_at, b.contact_email <> '' AS has_contact
      FROM bookings b
     WHERE b.state = 'assigned' AND (b.starts_at, b.id) > (:since, :id) AND b.starts_at <= :until
       AND b.assigned_at < b.starts_at - :lead_time
     ORDER BY b.starts_at, b.id LIMIT :limit
    """
).bindparams(
    bindparam("since", type_=DateTime(timezone=True)),
    bindparam("until", type_=DateTime(timezone=True)),
    bindparam("id", type_=BigInteger),
    bindparam("lead_time", type_=Interval),
)


# The first references of a day's jobs or unassigned bookings, and the number of all.
REFERENCES = """
    SELECT b.reference, count(*) OVER ()::int FROM bookings b
     WHERE b.state = $1 AND b.starts_at >= $2 AND b.starts_at < $3 ORDER BY b.starts_at, b.id LIMIT $4
"""


class ReminderQueries:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def with_jobs_or_offers(
        self, since: datetime, until: datetime, now: datetime, after: int, limit: int
    ) -> list[int]:
        """Ids after `after` of professionals with a job between `since` and `until`, or an offer that may be theirs."""
        params = {"since": since, "until": until, "now": now, "after": after, "limit": limit, "today": clock.today()}
        return list(await self._db.scalars(WITH_JOBS_OR_OFFERS, params))

    async def references_of(self, since: datetime, until: datetime, limit: int) -> list[dict[str, object]]:
        """Accepted jobs, then unassigned bookings, that start between: {"count": all, "references": up to `limit`}."""
        lists = []
        for state in ("assigned", "requested"):
            found = await fetch(self._db, REFERENCES, state, since, until, limit)
            lists.append({"count": found[0][1] if found else 0, "references": [reference for reference, _ in found]})
        return lists

    async def starting(
        self, position: tuple[datetime, int], until: datetime, lead_time: timedelta, limit: int
    ) -> Sequence[AnyRow]:
        """Accepted jobs behind `position` (start and id), in order, that were accepted before their lead time."""
        since, last_id = position
        params = {"since": since, "id": last_id, "until": until, "lead_time": lead_time, "limit": limit}
        return (await self._db.execute(STARTING, params)).all()
