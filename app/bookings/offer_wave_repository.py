"""SQL for offers in waves: which is due, who was notified, and how long accepting usually takes (W25)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.deadlines import unfilled_at_sql
from app.core import clock
from app.core.sql import execute, fetch, fetch_row, fetch_value
from app.scheduling.candidates import RequestedSlot
from app.scheduling.travel import Location

USUAL_TIME_PERIOD = timedelta(days=28)
MIN_ACCEPTANCES = 10  # of an area; with fewer the city's count
AREA_SAMPLE, CITY_SAMPLE = 200, 20  # the latest acceptances of an area, and of each area of a city

# The lock order is that of every change of a booking: its row first, then what the trigger changes with it.
NEXT_DUE = f"""
    SELECT b.id, b.service_id, b.starts_at, b.minutes, pin.pincode, pin.latitude, pin.longitude, b.reference,
           b.customer_id
      FROM offer_waves w JOIN bookings b ON b.id = w.booking_id JOIN pincodes pin ON pin.pincode = b.pincode
     WHERE w.next_at <= $1 AND b.state = 'requested' AND b.starts_at > $1
       AND (b.exclusive_until IS NULL OR b.exclusive_until <= $1)
       AND ({unfilled_at_sql("b")} > $1 OR b.reopened_at >= {unfilled_at_sql("b")})
     ORDER BY w.next_at, w.booking_id LIMIT 1
       FOR NO KEY UPDATE OF b SKIP LOCKED
"""
SCHEDULE_NEXT = "UPDATE offer_waves SET next_at = $2 WHERE booking_id = $1"
EXCLUDED = """
    SELECT professional_id FROM offer_recipients WHERE booking_id = $1
     UNION SELECT professional_id FROM declines WHERE booking_id = $1
"""
ADD_RECIPIENTS = """
    INSERT INTO offer_recipients (booking_id, professional_id, notified_at, digest_key)
    SELECT $1, r.professional_id, $2, r.digest_key
      FROM unnest($3::bigint[], $4::text[]) AS r (professional_id, digest_key)
"""
IN_DIGEST = """
    SELECT b.reference FROM offer_recipients r JOIN bookings b ON b.id = r.booking_id
     WHERE r.professional_id = $1 AND r.digest_key = $2
"""
USUAL_MINUTES = f"""
    WITH own AS (SELECT service_id, pincode FROM bookings WHERE id = $1),
    area AS (
        SELECT b.accepted_minutes AS minutes
          FROM own JOIN bookings b ON b.service_id = own.service_id AND b.pincode = own.pincode
         WHERE b.accepted_minutes IS NOT NULL AND b.assigned_at > $2
         ORDER BY b.assigned_at DESC LIMIT {AREA_SAMPLE}),
    city AS (
        SELECT latest.minutes
          FROM own JOIN pincodes here ON here.pincode = own.pincode
          JOIN pincodes near ON near.district = here.district
         CROSS JOIN LATERAL (
               SELECT b.accepted_minutes AS minutes FROM bookings b
                WHERE b.service_id = own.service_id AND b.pincode = near.pincode
                  AND b.accepted_minutes IS NOT NULL AND b.assigned_at > $2
                ORDER BY b.assigned_at DESC LIMIT {CITY_SAMPLE}) AS latest)
    SELECT CASE WHEN (SELECT count(*) FROM area) >= {MIN_ACCEPTANCES}
                THEN (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY minutes) FROM area)
                ELSE (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY minutes) FROM city) END
"""


@dataclass(frozen=True, slots=True)
class DueOffer:
    """A booking whose next wave is due; its row is locked."""

    slot: RequestedSlot
    reference: str
    customer_id: int

    @property
    def booking_id(self) -> int:
        return self.slot.booking_id


class OfferWaves:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def next_due(self) -> DueOffer | None:
        """The offer that waits longest for its next wave, without those that another transaction has locked."""
        row = await fetch_row(self._db, NEXT_DUE, clock.now())
        if row is None:
            return None
        booking_id, service_id, starts_at, minutes, pincode, latitude, longitude, reference, customer_id = row
        slot = RequestedSlot(
            booking_id, customer_id, service_id, starts_at, minutes, Location(pincode, latitude, longitude)
        )
        return DueOffer(slot, reference, customer_id)

    async def schedule_next(self, booking_id: int, at: datetime) -> None:
        await execute(self._db, SCHEDULE_NEXT, booking_id, at)

    async def excluded(self, booking_id: int) -> list[int]:
        """Who was notified of it already, or declined it."""
        return [row[0] for row in await fetch(self._db, EXCLUDED, booking_id)]

    async def add_recipients(self, booking_id: int, digest_keys: Mapping[int, str]) -> None:
        """Record who is notified now, each with the key of the email that lists it; an error for earlier recipients."""
        ids, keys = list(digest_keys), list(digest_keys.values())
        await execute(self._db, ADD_RECIPIENTS, booking_id, clock.now(), ids, keys)

    async def in_digest(self, professional_id: int, digest_key: str) -> set[str]:
        """References of the offers that this email lists."""
        return {row[0] for row in await fetch(self._db, IN_DIGEST, professional_id, digest_key)}


async def usual_minutes_to_accept(db: AsyncSession, booking_id: int) -> int | None:
    """The median of the last 28 days for the booking's service and area; the city's where there are under 10 cases.

    Of bounded samples, the latest ones. None while nothing was accepted.
    """
    minutes: int | None = await fetch_value(db, USUAL_MINUTES, booking_id, clock.now() - USUAL_TIME_PERIOD)
    return minutes
