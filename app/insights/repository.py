"""What waits for an admin, counted for the rail."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

WAITING = text("""
    SELECT (SELECT count(*) FROM verifications WHERE state = 'open') AS cases,
           (SELECT count(*) FROM bookings WHERE state = 'requested') AS unassigned
""")


async def waiting(db: AsyncSession) -> dict[str, int]:
    """The desk's addresses, each with how many wait there."""
    row = (await db.execute(WAITING)).one()
    return {"/admin/professionals": row.cases, "/admin/dispatch": row.unassigned}
