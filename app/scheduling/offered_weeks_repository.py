"""SQL for the hours that are offered of services in a pincode, for everyone or for one customer."""

from collections.abc import Collection
from functools import lru_cache

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.sql import fetch
from app.scheduling.candidates import WorkingWeek
from app.scheduling.travel import Location

DAY_MINUTES, WEEK_DAYS = 24 * 60, 7

# What a week of slots can show at most.
OFFERED_HOURS = (
    "SELECT service_id, opens, closes FROM offered_hours WHERE service_id = ANY($1::bigint[]) AND pincode = $2"
)

# The services that only professionals do in a pincode whom either side excluded (W41); nothing without exclusions.
UNAVAILABLE_SERVICES = """
    SELECT o.service_id
      FROM (SELECT DISTINCT o.service_id
              FROM exclusions x JOIN offered_services o ON o.professional_id = x.professional_id
             WHERE x.customer_id = {customer_id}::bigint) AS o
     WHERE NOT EXISTS (
           SELECT 1 FROM eligible_coverage({today}) e
            WHERE e.service_id = o.service_id AND e.pincode = {pincode}
              AND e.professional_id <> ALL(
                  ARRAY(SELECT x.professional_id FROM exclusions x WHERE x.customer_id = {customer_id}::bigint)))
"""
# The hours for customer $4, and as rows without hours the services that are unavailable to them.
OFFERED_TO_CUSTOMER = f"""
    {OFFERED_HOURS}
    UNION ALL
    SELECT left_over.service_id, NULL, NULL
      FROM ({UNAVAILABLE_SERVICES.format(customer_id="$4", today="$3", pincode="$2")}) AS left_over
"""


async def offered_hours(
    db: AsyncSession, services: Collection[int], location: Location
) -> dict[int, list[WorkingWeek]]:
    """Service id → the stretches that someone may work there, each as a week of its own.

    Stretches of different people are not joined, since a job over both would need two of them. A stretch may be left of
    a professional who has gone; none of those who may come is missing.
    """
    weeks: dict[int, list[WorkingWeek]] = {service_id: [] for service_id in services}
    for service_id, opens, closes in await fetch(db, OFFERED_HOURS, list(services), location.pincode):
        weeks[service_id].append(_week_of_stretch(opens, closes))
    return weeks


async def offered_to_customer(
    db: AsyncSession, services: Collection[int], location: Location, customer_id: int
) -> tuple[dict[int, list[WorkingWeek]], set[int]]:
    """As `offered_hours`, and the services of any kind that exclusions leave without a professional there (W41)."""
    weeks: dict[int, list[WorkingWeek]] = {service_id: [] for service_id in services}
    unavailable = set()
    found = await fetch(db, OFFERED_TO_CUSTOMER, list(services), location.pincode, clock.today(), customer_id)
    for service_id, opens, closes in found:
        if opens is None:
            unavailable.add(service_id)
        else:
            weeks[service_id].append(_week_of_stretch(opens, closes))
    return weeks, unavailable


@lru_cache(4096)
def _week_of_stretch(opens: int, closes: int) -> WorkingWeek:
    """The stretches of a week's days that make up one from minute `opens` to `closes` of the week."""
    midnights = range(opens // DAY_MINUTES * DAY_MINUTES, closes, DAY_MINUTES)
    return tuple(
        (
            midnight // DAY_MINUTES % WEEK_DAYS,
            max(opens - midnight, 0),
            min(closes - midnight, DAY_MINUTES),
        )
        for midnight in midnights
    )
