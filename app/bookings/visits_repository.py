"""SQL for a customer's home page: what comes next, and what was booked before."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.names import greeting_name, public_name
from app.bookings.code import reveal_code
from app.core import clock
from app.core.encryption import Encryption
from app.core.events import Actor
from app.core.sql import fetch_value, rows

MAX_VISITS_READ = 200

# The hold that lapses first, and the next booking, which alone has a code.
SELECT_NEXT = """
    SELECT b.reference, b.service_name, b.state, b.starts_at, b.ends_at, b.departed_at, b.arrived_at, b.held_until,
           u.full_name,
           (SELECT c.encrypted_code FROM codes c
             WHERE c.booking_id = b.id AND c.used_at IS NULL AND c.voided_at IS NULL
               AND c.phase = CASE b.state WHEN 'assigned' THEN 'start' WHEN 'started' THEN 'finish' END
             ORDER BY c.id LIMIT 1)
      FROM (
           (SELECT id FROM bookings WHERE customer_id = $1 AND state = 'held' AND held_until > $2
             ORDER BY held_until LIMIT 1)
           UNION ALL
           (SELECT id FROM bookings WHERE customer_id = $1 AND state IN ('requested', 'assigned', 'started')
             ORDER BY starts_at, id LIMIT 1)
           ) shown
      JOIN bookings b ON b.id = shown.id
      LEFT JOIN users u ON u.id = b.professional_id
     ORDER BY b.state = 'held' DESC
"""

# The last visit of each service, among a customer's latest visits.
SELECT_LAST_VISITS = """
    SELECT s.slug, v.reference, v.starts_at, u.full_name, v.is_open
      FROM (SELECT DISTINCT ON (latest.service_id) latest.service_id, latest.reference, latest.starts_at,
                   latest.professional_id, bool_or(NOT latest.is_done) OVER (PARTITION BY latest.service_id) AS is_open
              FROM (SELECT b.service_id, b.reference, b.starts_at, b.professional_id,
                           b.state IN ('completed', 'closed') AS is_done
                      FROM bookings b
                     WHERE b.customer_id = $1 AND b.state NOT IN ('held', 'cancelled')
                     ORDER BY b.starts_at DESC, b.id DESC LIMIT $2) latest
             ORDER BY latest.service_id, latest.is_done DESC, latest.starts_at DESC) v
      JOIN services s ON s.id = v.service_id AND s.retired_at IS NULL
      LEFT JOIN users u ON u.id = v.professional_id AND u.deleted_at IS NULL
     ORDER BY v.starts_at DESC
"""
HAS_BOOKED = "SELECT EXISTS (SELECT FROM bookings b WHERE b.customer_id = $1)"


@dataclass(frozen=True, slots=True)
class NextBooking:
    """The next booking, or a hold that waits for payment, as the home page shows it."""

    reference: str
    service_name: str
    state: str
    starts_at: datetime
    ends_at: datetime
    departed_at: datetime | None
    arrived_at: datetime | None
    held_until: datetime | None
    professional: str | None
    encrypted_code: bytes | None

    @property
    def phase(self) -> str:
        return "finish" if self.state == "started" else "start"

    @property
    def who(self) -> str | None:
        """The professional's first name."""
        return greeting_name(self.professional) if self.professional else None

    def code(self, encryption: Encryption) -> str | None:
        """The digits of the code that is due; only the booking's customer may see them."""
        return reveal_code(self.encrypted_code, self.phase, encryption, self.reference)


@dataclass(frozen=True, slots=True)
class LastVisit:
    """The last booking of a service by one customer. `is_open`: the service is booked now."""

    slug: str
    reference: str
    starts_at: datetime
    professional: str | None
    is_open: bool

    @property
    def who(self) -> str | None:
        """The professional's public name; None after the account was deleted."""
        return public_name(self.professional) if self.professional else None


class OwnVisits:
    def __init__(self, db: AsyncSession, me: Actor) -> None:
        self._db = db
        self._me = me

    async def next(self) -> list[NextBooking]:
        """The hold that lapses first, if there is one, then the next booking, if there is one."""
        return await rows(self._db, NextBooking, SELECT_NEXT, self._me.id, clock.now())

    async def last_visits(self) -> list[LastVisit]:
        """The last visit of each service that is still offered, the latest first."""
        return await rows(self._db, LastVisit, SELECT_LAST_VISITS, self._me.id, MAX_VISITS_READ)

    async def exist(self) -> bool:
        return bool(await fetch_value(self._db, HAS_BOOKED, self._me.id))
