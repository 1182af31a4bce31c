"""SQL of a booking's timeline: the events that are states of it, with the names of those concerned."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.timeline import ADMIN_MESSAGE, STEP_KINDS, TimelineEvent
from app.core.sql import rows

NAMES = ", ".join(f"'{name}'" for name in (*STEP_KINDS, ADMIN_MESSAGE))
# The columns of TimelineEvent; an erased reason is NULL.
TIMELINE_COLUMNS = """
    e.name, e.at, e.actor_id, e.actor_role, actor.full_name, professional.id, professional.full_name,
    (SELECT v.value FROM event_values v WHERE v.event_id = e.id AND v.name IN ('reason', 'text')),
    CASE e.name WHEN 'booking.moved' THEN e.facts -> 'after' ->> 'starts_at' END"""
TIMELINE_EVENTS = f"""
      FROM events e
      LEFT JOIN users actor ON actor.id = e.actor_id
      LEFT JOIN users professional ON professional.id = coalesce(
           (e.facts ->> 'professional_id')::bigint, CASE e.actor_role WHEN 'professional' THEN e.actor_id END)
     WHERE e.name IN ({NAMES})"""
SELECT_TIMELINE = f"SELECT {TIMELINE_COLUMNS} {TIMELINE_EVENTS} AND e.subject = 'booking-' || $1 ORDER BY e.seq"


async def timeline_events(db: AsyncSession, reference: str) -> list[TimelineEvent]:
    """The oldest first."""
    return await rows(db, TimelineEvent, SELECT_TIMELINE, reference)
