"""SQL that removes what is not needed any more from the tables that triggers only add to: homes and offered hours."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import AdvisoryLock, lock_statement
from app.core.sql import execute, fetch, fetch_row

PINCODES = "SELECT pincode FROM coverage_homes UNION SELECT pincode FROM offered_hours ORDER BY 1"
REMOVE_HOMES = """
    DELETE FROM coverage_homes h
     WHERE h.pincode = $1
       AND (EXISTS (SELECT 1 FROM coverage_homes other
                     WHERE other.pincode = $1 AND other.home_pincode = h.home_pincode AND other.id < h.id)
            OR NOT EXISTS (SELECT 1 FROM coverage c JOIN professionals p ON p.user_id = c.professional_id
                            WHERE c.pincode = $1 AND p.home_pincode = h.home_pincode))
"""
# What is needed takes the place of all that was there: of a stretch that has gone, those within it may be needed.
REPLACE_HOURS = """
    WITH offered AS MATERIALIZED (
        SELECT DISTINCT o.service_id, p.week
          FROM coverage c JOIN professionals p ON p.user_id = c.professional_id
          JOIN offered_services o ON o.professional_id = c.professional_id
         WHERE c.pincode = $1 AND o.approval_status = 'approved'
    ), stretches AS MATERIALIZED (
        SELECT weeks.week, s.opens, s.closes
          FROM (SELECT DISTINCT week FROM offered) weeks, week_stretches(weeks.week) s
    ), wanted AS MATERIALIZED (
        SELECT DISTINCT o.service_id, s.opens, s.closes FROM offered o JOIN stretches s ON s.week = o.week
    ), needed AS MATERIALIZED (
        SELECT w.* FROM wanted w
         WHERE NOT EXISTS (SELECT 1 FROM wanted wider
                            WHERE wider.service_id = w.service_id AND wider.opens <= w.opens
                              AND wider.closes >= w.closes
                              AND (wider.opens, wider.closes) <> (w.opens, w.closes))
    ), kept AS MATERIALIZED (
        SELECT min(h.id) AS id, h.service_id, h.opens, h.closes
          FROM offered_hours h JOIN needed n USING (service_id, opens, closes) WHERE h.pincode = $1
         GROUP BY h.service_id, h.opens, h.closes
    ), removed AS (
        DELETE FROM offered_hours h
         WHERE h.pincode = $1 AND NOT EXISTS (SELECT 1 FROM kept WHERE kept.id = h.id) RETURNING 1
    ), added AS (
        INSERT INTO offered_hours (service_id, pincode, opens, closes)
        SELECT n.service_id, $1, n.opens, n.closes FROM needed n
         WHERE NOT EXISTS (SELECT 1 FROM kept k
                            WHERE (k.service_id, k.opens, k.closes) = (n.service_id, n.opens, n.closes)) RETURNING 1
    )
    SELECT (SELECT count(*) FROM removed)
"""


async def covered_pincodes(db: AsyncSession) -> list[str]:
    """Every pincode that has rows in either table."""
    return [row["pincode"] for row in await fetch(db, PINCODES)]


async def remove_unneeded(db: AsyncSession, pincode: str) -> int | None:
    """Remove the pincode's rows that are not needed; return how many, None while another transaction adds some."""
    if await fetch_row(db, lock_statement(AdvisoryLock.OFFERED_HOURS, 0, wait=False)) is None:
        return None
    homes = await execute(db, REMOVE_HOMES, pincode)
    row = await fetch_row(db, REPLACE_HOURS, pincode)
    assert row is not None
    return homes + int(row[0])
