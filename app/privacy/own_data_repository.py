"""Everything that is kept about one person, for that person: no codes, and of others only what they may see anyway."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import BigInteger


@dataclass(frozen=True, slots=True)
class Section:
    """`roles` is who always finds it, be it empty; :me is the person, columns are named as people read them."""

    name: str
    query: str
    roles: tuple[str, ...] = ("customer", "professional", "admin")


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A paper's file in the private folder."""

    id: int
    kind: str
    media_type: str
    stored_as: str


CUSTOMER, PROFESSIONAL = ("customer",), ("professional",)
# What facts of one's own records may tell: never who else was told, never a digest.
FACTS = (
    "'{price,before,after,fee,starts_at,minutes,phase,rating,method,total,kind,fields,cancelled_as,by_clock}'::text[]"
)

# Of a customer every event of their bookings, but not who else passed on the job; of everybody their own deeds.
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

SECTIONS = (
    Section(
        "account",
        "SELECT id AS number, role, full_name AS name, email, email_verified_at AS email_confirmed_at, phone,"
        " created_at AS member_since FROM users WHERE id = :me",
    ),
    Section(
        "work",
        "SELECT standing, trade, experience_years AS years_of_experience, home_pincode, denial_reason, approved_at,"
        " papers_expire_on, created_at AS applied_at FROM professionals WHERE user_id = :me",
        PROFESSIONAL,
    ),
    Section(
        "addresses",
        "SELECT line AS address, pincode, is_main, created_at AS added_at FROM addresses WHERE user_id = :me"
        " ORDER BY id",
        CUSTOMER,
    ),
    Section(
        "bookings",
        "SELECT b.reference, b.service_name AS service, b.state, b.cancelled_as, b.cancel_reason, b.starts_at,"
        " b.ends_at, b.address, b.pincode, b.note, b.payment AS paid_by, b.price AS price_paise, b.fee AS fee_paise,"
        " u.full_name AS who_came, b.created_at, b.requested_at, b.assigned_at AS accepted_at, b.departed_at,"
        " b.arrived_at, b.started_at, b.completed_at, b.by_clock AS completed_by_the_clock, b.closed_at,"
        " b.cancelled_at FROM bookings b LEFT JOIN users u ON u.id = b.professional_id"
        " WHERE b.customer_id = :me ORDER BY b.id",
        CUSTOMER,
    ),
    Section(
        "extra_work",
        "SELECT b.reference AS booking, x.text AS what, x.price AS price_paise, x.state, x.proposed_at, x.answered_at"
        " FROM extras x JOIN bookings b ON b.id = x.booking_id"
        " WHERE b.customer_id = :me OR b.professional_id = :me ORDER BY x.id",
        CUSTOMER + PROFESSIONAL,
    ),
    Section(
        "payments",
        "SELECT b.reference AS booking, c.purpose, c.method, c.brand AS card_brand, c.last4 AS card_ends_in,"
        " c.amount AS amount_paise, c.captured AS taken_paise, c.refunded AS given_back_paise, c.state,"
        " c.created_at, c.updated_at FROM charges c JOIN bookings b ON b.id = c.booking_id"
        " WHERE c.customer_id = :me ORDER BY c.id",
        CUSTOMER,
    ),
    Section(
        "objections",
        "SELECT b.reference AS booking, d.text AS words, d.at FROM disputes d JOIN bookings b ON b.id = d.booking_id"
        " WHERE d.customer_id = :me ORDER BY d.at",
        CUSTOMER,
    ),
    Section(
        "reviews_written",
        "SELECT b.reference AS booking, b.service_name AS service, r.rating AS stars, r.comment AS words, r.created_at,"
        " r.edited_at FROM reviews r JOIN bookings b ON b.id = r.booking_id WHERE r.customer_id = :me ORDER BY r.id",
        CUSTOMER,
    ),
    Section(
        "services_offered",
        "SELECT s.name AS service, o.standing FROM offerings o JOIN services s ON s.id = o.service_id"
        " WHERE o.professional_id = :me ORDER BY s.name",
        PROFESSIONAL,
    ),
    Section(
        "areas",
        "SELECT c.pincode, p.place FROM coverage c JOIN pincodes p ON p.pincode = c.pincode"
        " WHERE c.professional_id = :me ORDER BY c.pincode",
        PROFESSIONAL,
    ),
    Section(
        "working_hours",
        "SELECT (ARRAY['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'])[weekday + 1]"
        " AS day, to_char(make_interval(mins => opens), 'HH24:MI') AS opens,"
        " to_char(make_interval(mins => closes), 'HH24:MI') AS closes"
        " FROM working_hours WHERE professional_id = :me ORDER BY weekday, working_hours.opens",
        PROFESSIONAL,
    ),
    Section(
        "time_off",
        "SELECT lower(span) AS since, upper(span) AS until, reason, created_at FROM time_off"
        " WHERE professional_id = :me ORDER BY lower(span)",
        PROFESSIONAL,
    ),
    Section(
        "papers",
        "SELECT id AS number, kind, name AS file_name, state, media_type, size AS bytes, expires_on, uploaded_at,"
        " decided_at, denial_reason FROM documents WHERE professional_id = :me ORDER BY id",
        PROFESSIONAL,
    ),
    Section(
        "verifications",
        "SELECT kind, state, message AS your_message, reason, submitted_at, decided_at FROM verifications"
        " WHERE professional_id = :me ORDER BY id",
        PROFESSIONAL,
    ),
    Section(
        "jobs",
        "SELECT b.reference, b.service_name AS service, b.state, b.cancelled_as, b.starts_at, b.ends_at,"
        " p.place AS area, b.pincode, b.price AS price_paise, b.assigned_at AS accepted_at, b.departed_at,"
        " b.arrived_at, b.started_at, b.completed_at, b.by_clock AS completed_by_the_clock, b.cancelled_at"
        " FROM bookings b JOIN pincodes p ON p.pincode = b.pincode WHERE b.professional_id = :me ORDER BY b.id",
        PROFESSIONAL,
    ),
    Section(
        "jobs_not_taken",
        "SELECT b.reference AS job, d.kind, CASE WHEN d.kind = 'absent' THEN '' ELSE d.reason END AS your_reason, d.at"
        " FROM declines d JOIN bookings b ON b.id = d.booking_id WHERE d.professional_id = :me ORDER BY d.at",
        PROFESSIONAL,
    ),
    Section(
        "earnings",
        "SELECT b.reference AS job, t.kind, e.account, -e.amount AS amount_paise, t.at FROM ledger_entries e"
        " JOIN ledger_transactions t ON t.id = e.transaction_id JOIN bookings b ON b.id = t.booking_id"
        " WHERE e.person_id = :me AND e.account IN ('earnings', 'payout_held') ORDER BY e.id",
        PROFESSIONAL,
    ),
    Section(
        "reviews_about_you",
        "SELECT b.reference AS job, r.rating AS stars, r.comment AS words, u.full_name AS who_wrote, r.created_at"
        " FROM reviews r JOIN bookings b ON b.id = r.booking_id JOIN users u ON u.id = r.customer_id"
        " WHERE r.professional_id = :me ORDER BY r.id",
        PROFESSIONAL,
    ),
    Section(
        "blocks",
        "SELECT reason, created_at AS since, lifted_at AS until, lifted_reason AS why_it_ended FROM blocks"
        " WHERE user_id = :me ORDER BY id",
    ),
    Section(
        "browsers",
        "SELECT kind, user_agent AS browser, created_at AS signed_in_at, last_seen_at FROM sessions WHERE user_id = :me"
        " ORDER BY id",
    ),
    Section(
        "mails",
        "SELECT kind AS about, data ->> 'booking' AS booking, address, created_at AS written_at, sent_at FROM outbox"
        " WHERE recipient_id = :me ORDER BY id",
    ),
    Section(
        "notices",
        "SELECT kind AS about, data ->> 'booking' AS booking, created_at, read_at FROM notices WHERE user_id = :me"
        " ORDER BY id",
    ),
    Section(
        "what_you_do_not_want_to_hear", "SELECT topic, channel FROM muted WHERE user_id = :me ORDER BY topic, channel"
    ),
    Section(
        "quiet_hours",
        "SELECT to_char(make_interval(mins => since), 'HH24:MI') AS since,"
        " to_char(make_interval(mins => until), 'HH24:MI') AS until FROM quiet_hours WHERE user_id = :me",
    ),
    Section(
        "monthly_reports",
        "SELECT month, facts, made_at FROM monthly_reports WHERE user_id = :me ORDER BY month",
        CUSTOMER,
    ),
    Section(
        "exports",
        "SELECT reference, kind, filters, state, created_at, ready_at, expires_at FROM exports WHERE by_id = :me"
        " ORDER BY id",
        ("admin",),
    ),
    Section("history", HISTORY),
)
FILES = text(
    "SELECT id, kind, media_type, stored_as FROM documents WHERE professional_id = :me AND stored_as IS NOT NULL"
    " ORDER BY id"
).bindparams(bindparam("me", type_=BigInteger))


class OwnData:
    def __init__(self, db: AsyncSession, person_id: int) -> None:
        self._db = db
        self._id = person_id

    async def rows(self, section: Section) -> AsyncIterator[dict[str, Any]]:
        """One after the other, so that a long working life takes no more memory than a short one."""
        query = text(section.query).bindparams(bindparam("me", type_=BigInteger))
        async for row in await self._db.stream(query, {"me": self._id}):
            yield dict(row._mapping)

    async def files(self) -> list[OwnFile]:
        return [OwnFile(*row) for row in await self._db.execute(FILES, {"me": self._id})]
