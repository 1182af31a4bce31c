"""SQL for a professional's jobs: agenda, offers, history and contact."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from asyncpg import Record
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.names import greeting_name
from app.bookings.booking import Booking
from app.bookings.deadlines import unfilled_at_sql
from app.bookings.extra import BOOKING_TOTAL_SQL
from app.bookings.phone_sharing import shared_phone_sql
from app.core import clock
from app.core.events import Actor, Person
from app.core.paging import Page, decode_time_cursor, page_of
from app.core.references import parse_reference
from app.core.sql import fetch, fetch_row, fetch_value, rows
from app.payments.shares import earning_of
from app.scheduling.candidate_repository import SCHEDULE_COLUMNS, SCHEDULE_OF_ONE, schedule_of
from app.scheduling.candidates import BusyTime, ProfessionalSchedule
from app.scheduling.travel import Location, distance_km, round_up_km

# Nearly all of the first offers fit, so the others are rarely read.
FIRST_OFFERS_READ, MAX_OFFERS_READ = 80, 300

# The schedule with the open jobs and those completed today, each a row: $1 is the professional, $4 and $5 are the day.
WORKDAY_COLUMNS = f"""{SCHEDULE_COLUMNS},
           ARRAY(SELECT ROW(b.id, b.reference, b.service_name, b.state, b.minutes, b.starts_at, b.ends_at, pin.place,
                            {BOOKING_TOTAL_SQL}, pin.pincode, pin.latitude, pin.longitude)
                   FROM bookings b JOIN pincodes pin ON pin.pincode = b.pincode
                  WHERE b.professional_id = $1
                    AND (b.state IN ('assigned', 'started')
                         OR b.state IN ('completed', 'closed') AND b.starts_at >= $4 AND b.starts_at < $5)
                  ORDER BY b.starts_at, b.id
                  LIMIT 300) AS jobs"""
WORKDAY = f"SELECT {WORKDAY_COLUMNS} FROM {SCHEDULE_OF_ONE}"

HISTORY = """
    SELECT b.id, b.reference, b.service_name, b.state, b.cancelled_as, b.starts_at, b.ends_at, pin.place, b.rating
      FROM bookings b
      JOIN pincodes pin ON pin.pincode = b.pincode
     WHERE b.professional_id = $1 AND b.state IN ('completed', 'closed', 'cancelled')
       AND ($2::timestamptz IS NULL OR (b.starts_at, b.id) < ($2, $3::bigint))
     ORDER BY b.starts_at DESC, b.id DESC
     LIMIT $4
"""

CUSTOMER_CONTACT = f"""
    SELECT u.full_name, {shared_phone_sql("$4::boolean", "u")} AS phone, pin.place, pin.district, pin.pincode,
           pin.latitude, pin.longitude,
           h.pincode AS home_pincode, h.latitude AS home_latitude, h.longitude AS home_longitude
      FROM users u
      JOIN pincodes pin ON pin.pincode = $2
      JOIN professionals p ON p.user_id = $3
      JOIN pincodes h ON h.pincode = p.home_pincode
     WHERE u.id = $1 AND u.deleted_at IS NULL
"""

CONTACTS = """
    SELECT c.phone AS customer_phone, w.phone AS professional_phone
      FROM users c LEFT JOIN users w ON w.id = $2 WHERE c.id = $1
"""

# Where the professional $1 completed the last job since $2, else their home.
LAST_PLACE = """
    SELECT pin.pincode, pin.latitude, pin.longitude
      FROM professionals p
      JOIN pincodes pin ON pin.pincode = coalesce(
           (SELECT b.pincode FROM bookings b
             WHERE b.professional_id = $1 AND b.state IN ('completed', 'closed') AND b.starts_at >= $2
               AND b.completed_at IS NOT NULL
             ORDER BY b.completed_at DESC LIMIT 1),
           p.home_pincode)
     WHERE p.user_id = $1
"""

DECLINED = """
    SELECT EXISTS (SELECT 1 FROM declines d JOIN bookings b ON b.id = d.booking_id
                    WHERE b.reference = $2 AND d.professional_id = $1)
"""

HAD_BOOKING = "SELECT EXISTS (SELECT 1 FROM bookings WHERE customer_id = $1 AND professional_id = $2)"

# A request named for one professional is theirs alone until exclusive_until; requests not accepted in time expire,
# unless reopened later than that (W9). Services and pincodes are two arrays, so that the index is searched for each
# pair: joined, the requests of a whole city would be read first. What starts outside the professional's hours, or while
# they have accepted another job or are away, is left out here, so that few of the rows do not fit.
# $1 is the professional, $2 now, $3 today, {reference} one reference or NULL.
MINUTE_OF_WEEK = """(extract(epoch FROM b.starts_at AT TIME ZONE 'Asia/Kolkata'
                                    - date_trunc('week', b.starts_at AT TIME ZONE 'Asia/Kolkata')) / 60)::int"""
OFFERS_TO_ONE = f"""
    SELECT b.reference, b.service_name, b.price, b.minutes, b.starts_at, b.ends_at, pin.place,
           pin.pincode, pin.latitude, pin.longitude,
           b.requested_professional_id IS NOT DISTINCT FROM $1 AS is_requested,
           CASE WHEN b.requested_professional_id = $1 AND b.exclusive_until > $2 THEN b.exclusive_until END
             AS exclusive_until
      FROM bookings b
      JOIN pincodes pin ON pin.pincode = b.pincode
     WHERE b.service_id = ANY(ARRAY(SELECT DISTINCT e.service_id FROM eligible_coverage($3) e
                                     WHERE e.professional_id = $1))
       AND b.pincode = ANY(ARRAY(SELECT DISTINCT e.pincode FROM eligible_coverage($3) e
                                  WHERE e.professional_id = $1))
       AND b.state = 'requested' AND b.starts_at > $2
       AND (b.exclusive_until IS NULL OR b.exclusive_until <= $2 OR b.requested_professional_id = $1)
       AND ({unfilled_at_sql("b")} > $2 OR b.reopened_at >= {unfilled_at_sql("b")})
       AND NOT EXISTS (SELECT 1 FROM declines d WHERE d.booking_id = b.id AND d.professional_id = $1)
       AND b.customer_id <> ALL(ARRAY(SELECT x.customer_id FROM exclusions x WHERE x.professional_id = $1))
       AND ({{reference}}::text IS NULL OR b.reference = {{reference}})
       AND (SELECT range_agg(int4range(w.weekday * 1440 + w.opens, w.weekday * 1440 + w.closes))
              FROM working_hours w WHERE w.professional_id = $1) @> {MINUTE_OF_WEEK}
       AND NOT tstzrange(b.starts_at, b.ends_at) && coalesce(
           (SELECT range_agg(taken.span)
              FROM (SELECT r.span FROM reservations r
                     WHERE r.professional_id = $1 AND r.is_committed AND upper(r.span) > $2
                     UNION ALL
                    SELECT t.span FROM time_off t WHERE t.professional_id = $1 AND upper(t.span) > $2) AS taken),
           '{{{{}}}}')
     ORDER BY exclusive_until IS NULL, b.requested_professional_id IS DISTINCT FROM $1, b.starts_at, b.id
     LIMIT {{limit}}
"""
OPEN_OFFERS = OFFERS_TO_ONE.format(reference="$4", limit=MAX_OFFERS_READ)
# A page has both, and a statement of its own would cost more than to read the offers does.
WORKDAY_WITH_OFFERS = f"""
    SELECT {WORKDAY_COLUMNS},
           ARRAY(SELECT ROW(o.*) FROM ({OFFERS_TO_ONE.format(reference="$6", limit=FIRST_OFFERS_READ)}) AS o) AS offers
      FROM {SCHEDULE_OF_ONE}
"""

EXPIRED_OFFERS = """
    SELECT b.reference, b.service_name, b.price, b.state
      FROM bookings b
      JOIN eligible_coverage($3) e
        ON e.service_id = b.service_id AND e.pincode = b.pincode AND e.professional_id = $1
     WHERE b.reference = ANY($2) AND b.state <> 'held' AND b.professional_id IS DISTINCT FROM $1
       AND NOT EXISTS (SELECT 1 FROM declines d WHERE d.booking_id = b.id AND d.professional_id = $1)
     ORDER BY b.starts_at, b.id
"""

# Each part has its index: one condition for all three would read every booking.
RELYING_ON = """
    SELECT id FROM bookings WHERE professional_id = $1 AND state IN ('assigned', 'started')
    UNION SELECT id FROM bookings WHERE requested_professional_id = $1 AND state IN ('held', 'requested')
    UNION SELECT booking_id FROM reservations WHERE professional_id = $1
"""


@dataclass(frozen=True, slots=True)
class AgendaRow:
    """One job of the agenda; `total` in paise, with approved extras."""

    id: int
    reference: str
    service_name: str
    state: str
    minutes: int
    starts_at: datetime
    ends_at: datetime
    place: str
    total: int
    pincode: str
    latitude: float | None
    longitude: float | None

    @property
    def location(self) -> Location:
        return Location(self.pincode, self.latitude, self.longitude)

    @property
    def earning(self) -> int:
        return earning_of(self.total)

    @property
    def is_done(self) -> bool:
        return self.state in ("completed", "closed")

    @property
    def busy(self) -> BusyTime:
        """The job as a busy time."""
        return BusyTime(self.id, int(self.starts_at.timestamp()), int(self.ends_at.timestamp()), self.location, True)


class OfferRow(NamedTuple):
    """A requested booking of this professional's services and area, whether or not it fits their day."""

    reference: str
    service_name: str
    price: int
    minutes: int
    starts_at: datetime
    ends_at: datetime
    place: str
    pincode: str
    latitude: float | None
    longitude: float | None
    is_requested: bool
    exclusive_until: datetime | None

    @property
    def location(self) -> Location:
        return Location(self.pincode, self.latitude, self.longitude)


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A job that is over; its earning is in the ledger."""

    id: int
    reference: str
    service_name: str
    state: str
    cancelled_as: str | None
    starts_at: datetime
    ends_at: datetime
    place: str
    rating: int | None


@dataclass(frozen=True, slots=True)
class CustomerContact:
    """The customer of a job, while contact is open; `km` from the professional's home, None when unknown.

    `phone` is None when it is hidden.
    """

    name: str
    phone: str | None
    place: str
    district: str
    km: float | None

    @property
    def first_name(self) -> str:
        return greeting_name(self.name)


@dataclass(frozen=True, slots=True)
class Contacts:
    """The phones of both sides of a booking."""

    customer_phone: str
    professional_phone: str | None


class Jobs:
    def __init__(self, db: AsyncSession) -> None:
        self.db = db

    async def workday(self, me: Person) -> tuple[ProfessionalSchedule, list[AgendaRow]]:
        """Return the schedule of `me`, busy with the open jobs, and these jobs with those completed today."""
        (row,) = await fetch(self.db, WORKDAY, *_now_of(me))
        return _workday(row)

    async def workday_with_offers(
        self, me: Person, reference: str | None = None
    ) -> tuple[ProfessionalSchedule, list[AgendaRow], list[OfferRow]]:
        """Return what `workday` and `open_offers` do, in one statement: at most FIRST_OFFERS_READ offers."""
        wanted = parse_reference(reference) if reference else None
        (row,) = await fetch(self.db, WORKDAY_WITH_OFFERS, *_now_of(me), wanted)
        return *_workday(row), [OfferRow(*offer) for offer in row["offers"]]

    async def open_offers(self, professional_id: int, reference: str | None = None) -> list[OfferRow]:
        """Return requested bookings this professional may accept, requests for them first, then by start."""
        wanted = parse_reference(reference) if reference else None
        return await rows(self.db, OfferRow, OPEN_OFFERS, professional_id, clock.now(), clock.today(), wanted)

    async def expired_offers(self, professional_id: int, references: Sequence[str]) -> list[Record]:
        """Return bookings of this professional's services and area that another professional has or that ended."""
        return await fetch(self.db, EXPIRED_OFFERS, professional_id, references, clock.today())

    async def history(self, me: Actor, cursor: str, limit: int) -> Page[HistoryRow]:
        """Return past jobs, cancelled ones included, latest first."""
        since, booking_id = decode_time_cursor(cursor) or (None, None)
        found = await rows(self.db, HistoryRow, HISTORY, me.id, since, booking_id, limit + 1)
        return page_of(found, limit, _cursor_key)

    async def labels(self, booking_ids: Sequence[int]) -> dict[int, tuple[str, str]]:
        """Return (reference, service name) by booking id."""
        query = select(Booking.id, Booking.reference, Booking.service_name).where(Booking.id.in_(booking_ids))
        return {row[0]: (row[1], row[2]) for row in await self.db.execute(query)}

    async def customer_contact(self, booking: Booking) -> CustomerContact | None:
        """Return the customer; only while `contact_open`. None when the account is deleted."""
        ids = booking.customer_id, booking.pincode, booking.professional_id
        row = await fetch_row(self.db, CUSTOMER_CONTACT, *ids, booking.customer_shares_phone)
        if row is None:
            return None
        home = Location(row["home_pincode"], row["home_latitude"], row["home_longitude"])
        km = distance_km(home, Location(row["pincode"], row["latitude"], row["longitude"]))
        return CustomerContact(
            row["full_name"], row["phone"], row["place"], row["district"], None if km is None else round_up_km(km)
        )

    async def admin_contact(self, booking: Booking) -> Contacts:
        """Return the phones of both sides, for an admin whose view is recorded first."""
        (found,) = await rows(self.db, Contacts, CONTACTS, booking.customer_id, booking.professional_id)
        return found

    async def last_place(self, me: Actor) -> Location:
        """Where `me` sets out from: the place of the last job completed today, else home."""
        (place,) = await rows(self.db, Location, LAST_PLACE, me.id, clock.at(clock.today()))
        return place

    async def has_declined(self, me: Actor, reference: str) -> bool:
        """Return whether `me` declined the job, handed it back or did not arrive."""
        return bool(await fetch_value(self.db, DECLINED, me.id, parse_reference(reference)))

    async def had_booking(self, customer_id: int, professional_id: int) -> bool:
        """Return whether the professional has, or had until it ended, a job of this customer."""
        return bool(await fetch_value(self.db, HAD_BOOKING, customer_id, professional_id))

    async def relying_on(self, professional_id: int) -> list[int]:
        """Return ids of open bookings assigned to this professional, offered to them first, or reserving their time."""
        return [row[0] for row in await fetch(self.db, RELYING_ON, professional_id)]


def _now_of(me: Person) -> tuple[int, datetime, date, datetime, datetime]:
    """The values of WORKDAY: the professional, now, today, and the day from midnight to midnight."""
    midnight = clock.at(clock.today())
    return me.id, clock.now(), clock.today(), midnight, midnight + timedelta(days=1)


def _workday(row: Record) -> tuple[ProfessionalSchedule, list[AgendaRow]]:
    jobs = [AgendaRow(*job) for job in row["jobs"]]
    return schedule_of(row, [job.busy for job in jobs if not job.is_done]), jobs


def _cursor_key(row: HistoryRow) -> Sequence[str | int]:
    return row.starts_at.isoformat(), row.id
