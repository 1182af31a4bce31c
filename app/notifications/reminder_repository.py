"""Who has to be reminded of what."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import BigInteger, DateTime

from app.bookings.booking import Booking
from app.bookings.moves import State
from app.core.keyset import AnyRow

# Whoever may work and has a job on that day, or offers that wait: these are read one by one when the mail is written.
WORKING = text(
    """
    SELECT p.user_id FROM professionals p JOIN users u ON u.id = p.user_id
     WHERE p.standing = 'approved' AND u.left_at IS NULL AND p.user_id > :after
       AND NOT EXISTS (SELECT 1 FROM blocks k WHERE k.user_id = p.user_id AND k.lifted_at IS NULL)
       AND (EXISTS (SELECT 1 FROM bookings b WHERE b.professional_id = p.user_id AND b.state = 'assigned'
                       AND b.starts_at >= :since AND b.starts_at < :until)
            OR EXISTS (SELECT 1 FROM bookings b
                         JOIN offerings o ON o.service_id = b.service_id AND o.professional_id = p.user_id
                          AND o.standing = 'approved'
                         JOIN coverage c ON c.pincode = b.pincode AND c.professional_id = p.user_id
                        WHERE b.state = 'requested' AND b.starts_at > :now))
     ORDER BY p.user_id LIMIT :most
    """
).bindparams(
    bindparam("after", type_=BigInteger),
    bindparam("since", type_=DateTime(timezone=True)),
    bindparam("until", type_=DateTime(timezone=True)),
    bindparam("now", type_=DateTime(timezone=True)),
)


class Remindable:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def working(self, since: datetime, until: datetime, now: datetime, after: int, most: int) -> list[int]:
        """Professionals with a job between two moments or an offer that may be theirs, by number, after one of them."""
        given = {"since": since, "until": until, "now": now, "after": after, "most": most}
        return list(await self._db.scalars(WORKING, given))

    async def starting(self, now: datetime, within: timedelta) -> Sequence[AnyRow]:
        """Accepted jobs that start within that time, and were accepted before it began."""
        query = select(Booking.reference, Booking.customer_id, Booking.professional_id, Booking.starts_at).where(
            Booking.state == State.ASSIGNED,
            Booking.starts_at > now,
            Booking.starts_at <= now + within,
            Booking.assigned_at < Booking.starts_at - within,
        )
        return (await self._db.execute(query.order_by(Booking.starts_at, Booking.id))).all()
