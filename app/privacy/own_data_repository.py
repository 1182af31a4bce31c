"""Read a section of own data; and the history section, which reads the events of every room."""

from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import BigInteger

from app.core.personal_data import OwnDataSection

# Facts of one's own records that the archive may show: never who else was notified, never a digest.
FACTS = (
    "'{price,before,after,fee,starts_at,minutes,phase,rating,method,total,kind,fields,cancelled_as,by_clock}'::text[]"
)

# A customer's bookings with all their events, except who else declined the job; everyone's own actions.
HISTORY = f"""
    SELECT e.at, e.name AS what, e.subject AS record,
           CASE WHEN e.actor_id = :me THEN 'you' ELSE e.actor_role END AS who,
           CASE WHEN e.mine THEN (SELECT jsonb_object_agg(key, value) FROM jsonb_each(e.facts)
                                   WHERE key = ANY({FACTS}) AND value -> 'digest' IS NULL) END AS facts,
           CASE WHEN e.mine AND (e.actor_id = :me OR e.subject = 'user-' || :me)
                THEN (SELECT jsonb_object_agg(v.name, v.value) FROM event_values v WHERE v.event_id = e.id) END AS said
      FROM (SELECT *, true AS mine FROM events WHERE subject = 'user-' || :me
            UNION ALL
            SELECT *, true FROM events WHERE name <> 'booking.passed' AND subject IN
                   (SELECT 'booking-' || reference FROM bookings WHERE customer_id = :me)
            UNION ALL
            SELECT *, true FROM events WHERE subject IN
                   (SELECT 'document-' || id FROM documents WHERE professional_id = :me)
            UNION ALL
            SELECT e.*, e.actor_role = 'professional' FROM events e
             WHERE e.actor_id = :me AND e.subject <> 'user-' || :me AND e.actor_role <> 'customer'
               AND e.subject NOT LIKE 'document-%') e
     ORDER BY e.id
"""

HISTORY_SECTION = OwnDataSection("history", HISTORY)


async def stream_section(db: AsyncSession, person_id: int, section: OwnDataSection) -> AsyncIterator[dict[str, Any]]:
    """Yield row by row, so that memory does not grow with the number of rows."""
    query = text(section.query).bindparams(bindparam("me", type_=BigInteger))
    async for row in await db.stream(query, {"me": person_id}):
        yield dict(row._mapping)
