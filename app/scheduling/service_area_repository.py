"""SQL for a professional's service area."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.sql import fetch
from app.scheduling.candidates import ProfessionalSchedule, ServiceArea
from app.scheduling.travel import Location, distance_km, round_up_km

SERVICE_AREA = """
    SELECT (SELECT count(*) FROM coverage WHERE professional_id = $1),
           (SELECT array_agg(DISTINCT k.name) FROM offered_services o JOIN services s ON s.id = o.service_id
              JOIN categories k ON k.id = s.category_id
             WHERE o.professional_id = $1 AND o.approval_status = 'approved'),
           farthest.pincode, farthest.latitude, farthest.longitude
      FROM (VALUES (1)) AS one
      LEFT JOIN LATERAL (
           SELECT pin.pincode, pin.latitude, pin.longitude FROM coverage c JOIN pincodes pin ON pin.pincode = c.pincode
            WHERE c.professional_id = $1 AND c.metres IS NOT NULL ORDER BY c.metres DESC LIMIT 1) AS farthest ON true
"""


async def load_service_area(db: AsyncSession, schedule: ProfessionalSchedule) -> ServiceArea:
    """Return the trades and the covered pincodes of a professional."""
    ((count, trades, *farthest),) = await fetch(db, SERVICE_AREA, schedule.candidate.id)
    km = distance_km(schedule.candidate.home, Location(*farthest)) if farthest[0] else None
    return ServiceArea(trades or [], count, None if km is None else round_up_km(km))
