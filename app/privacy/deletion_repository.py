"""What binds somebody who wants to leave; and, table by table, the forgetting of everything personal (W16, W17).

Why each column stays or goes stands in docs/decisions/0014-leaving.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import TextClause, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import BigInteger, DateTime

from app.bookings.booking import Booking
from app.bookings.moves import State

ID = bindparam("id", type_=BigInteger)

BINDING = text(
    """
    SELECT b.reference, b.service_name, b.state, b.starts_at, b.ends_at, 0::bigint AS due
      FROM bookings b
     WHERE (b.customer_id = :id AND b.state IN ('requested', 'assigned', 'started'))
        OR (b.professional_id = :id AND b.state = 'started')
    UNION ALL
    SELECT b.reference, b.service_name, b.state, b.starts_at, b.ends_at, sum(c.amount)::bigint
      FROM charges c JOIN bookings b ON b.id = c.booking_id
     WHERE c.customer_id = :id AND c.state = 'due'
     GROUP BY b.id
     ORDER BY starts_at, reference
    """
).bindparams(ID)

COMING = text(
    "SELECT reference, service_name, state, starts_at, ends_at, 0::bigint AS due FROM bookings"
    " WHERE professional_id = :id AND state = 'assigned' ORDER BY starts_at, id"
).bindparams(ID)

# The bookings of a customer, each the name of a record of the history.
THEIRS = "SELECT 'booking-' || reference FROM bookings WHERE customer_id = :id"
VALUES = "DELETE FROM event_values v USING events e WHERE e.id = v.event_id AND "
NONE = "–"  # where the schema wants words

AS_ANYBODY = (
    VALUES + "e.subject = 'user-' || :id",
    VALUES + "e.subject LIKE 'booking-%' AND e.actor_id = :id",
    "DELETE FROM addresses WHERE user_id = :id",
    "DELETE FROM mail_links WHERE user_id = :id",
    "DELETE FROM sessions WHERE user_id = :id",
    "DELETE FROM idempotency_keys WHERE user_id = :id",
    "DELETE FROM outbox WHERE recipient_id = :id",
    "DELETE FROM notices WHERE user_id = :id",
    "DELETE FROM muted WHERE user_id = :id",
    "DELETE FROM quiet_hours WHERE user_id = :id",
    "DELETE FROM monthly_reports WHERE user_id = :id",
    VALUES + "e.subject IN (SELECT 'export-' || x.id FROM exports x WHERE x.by_id = :id)",
    "UPDATE exports SET state = 'discarded', filters = '{}', error = NULL, stored_as = NULL, size = NULL, sha256 = NULL"
    " WHERE by_id = :id",
    f"UPDATE blocks SET reason = '{NONE}', lifted_reason = '{NONE}' WHERE user_id = :id AND lifted_at IS NOT NULL",
)
AS_CUSTOMER = (
    VALUES + f"e.subject IN ({THEIRS})",
    f"UPDATE bookings SET address = '{NONE}', note = '', cancel_reason = NULL WHERE customer_id = :id",
    "UPDATE charges SET brand = NULL, last4 = NULL WHERE customer_id = :id",
    f"UPDATE disputes SET text = '{NONE}' WHERE customer_id = :id",
    "UPDATE declines d SET reason = '' FROM bookings b WHERE b.id = d.booking_id AND b.customer_id = :id",
    f"UPDATE extras x SET text = '{NONE}' FROM bookings b"
    " WHERE b.id = x.booking_id AND b.customer_id = :id AND x.state <> 'approved'",
)
AS_PROFESSIONAL = (
    VALUES + "e.subject IN (SELECT 'document-' || d.id FROM documents d WHERE d.professional_id = :id)",
    # Why a job was taken from them, said by somebody else.
    VALUES + "e.subject IN (SELECT 'booking-' || b.reference FROM declines d JOIN bookings b ON b.id = d.booking_id"
    " WHERE d.professional_id = :id) AND e.facts ->> 'professional_id' = CAST(:id AS text)",
    "UPDATE declines SET reason = '' WHERE professional_id = :id",
    f"UPDATE extras x SET text = '{NONE}' FROM bookings b"
    " WHERE b.id = x.booking_id AND b.professional_id = :id AND x.state <> 'approved'",
    "DELETE FROM offerings WHERE professional_id = :id",
    "DELETE FROM coverage WHERE professional_id = :id",
    "DELETE FROM working_hours WHERE professional_id = :id",
    "DELETE FROM time_off WHERE professional_id = :id",
    "DELETE FROM calendar_feeds WHERE professional_id = :id",
    "UPDATE verifications SET state = 'withdrawn', decided_at = :now WHERE professional_id = :id AND state = 'open'",
    "UPDATE verifications SET message = '',"
    f" reason = CASE WHEN reason IS NULL THEN NULL ELSE '{NONE}' END WHERE professional_id = :id",
    "UPDATE documents SET state = 'replaced', decided_at = :now WHERE professional_id = :id AND state = 'submitted'",
    f"UPDATE documents SET name = '{NONE}', stored_as = NULL, sha256 = decode(repeat('00', 32), 'hex'), size = 1,"
    f" pages = 1, expires_on = NULL, denial_reason = CASE WHEN denial_reason IS NULL THEN NULL ELSE '{NONE}' END"
    " WHERE professional_id = :id",
    "UPDATE professionals SET trade = '', experience_years = 0, denial_reason = NULL, papers_expire_on = NULL"
    " WHERE user_id = :id",
)
WITHOUT_WORDS = "UPDATE reviews SET comment = '' WHERE customer_id = :id"


@dataclass(frozen=True, slots=True)
class Bond:
    """A booking that binds somebody: it runs, or `due` paise of it are not paid."""

    reference: str
    service_name: str
    state: str
    starts_at: datetime
    ends_at: datetime
    due: int


class Leaving:
    """Everything about the leaving of one person."""

    def __init__(self, db: AsyncSession, person_id: int) -> None:
        self._db = db
        self._id = person_id

    async def bonds(self) -> list[Bond]:
        """What must end or be paid first: open bookings of a customer, started jobs of a professional, debts."""
        return [Bond(*row) for row in await self._db.execute(BINDING, {"id": self._id})]

    async def coming(self) -> list[Bond]:
        """Accepted jobs, which go to others (W1)."""
        return [Bond(*row) for row in await self._db.execute(COMING, {"id": self._id})]

    async def holds(self) -> bool:
        """Is a time kept for them, as a customer?"""
        held = select(Booking.id).where(Booking.customer_id == self._id, Booking.state == State.HELD).limit(1)
        return await self._db.scalar(held) is not None

    async def lock_bookings(self) -> Sequence[int]:
        """Every booking of a customer, in ascending order; the ids of those that are only held."""
        query = select(Booking.id, Booking.state).where(Booking.customer_id == self._id).order_by(Booking.id)
        rows = await self._db.execute(query.with_for_update())
        return [booking_id for booking_id, state in rows if state == State.HELD]

    async def exported(self) -> list[str]:
        """Names of the files that they had made."""
        kept = "SELECT stored_as FROM exports WHERE by_id = :id AND stored_as IS NOT NULL"
        return list(await self._db.scalars(_bound(kept), {"id": self._id}))

    async def forget_all(self, now: datetime, *, words_too: bool) -> None:
        """Nothing personal of theirs is left but in the row of `users`, which the caller holds.

        Whatever their role is now: somebody may have had another one before.
        """
        for statement in (*AS_CUSTOMER, *AS_PROFESSIONAL, *AS_ANYBODY, *((WITHOUT_WORDS,) if words_too else ())):
            await self._db.execute(_bound(statement), {"id": self._id, "now": now})


def _bound(statement: str) -> TextClause:
    moment = bindparam("now", type_=DateTime(timezone=True))
    return text(statement).bindparams(*([ID, moment] if ":now" in statement else [ID]))
