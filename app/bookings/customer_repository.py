"""A customer's own bookings: the lists, a booking's page, and the assigned professional."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any

from asyncpg import Record
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.names import greeting_name, public_name
from app.accounts.ratings import RATING_SUM_SQL, REVIEW_COUNT_SQL
from app.bookings.booking import Booking
from app.bookings.code import reveal_code
from app.bookings.deadlines import BookingDeadlines, is_contact_open
from app.bookings.extra import BOOKING_TOTAL_SQL
from app.bookings.moves import State
from app.bookings.phone_sharing import shared_phone_sql
from app.bookings.timeline import TimelineEvent
from app.bookings.timeline_repository import TIMELINE_COLUMNS, TIMELINE_EVENTS
from app.bookings.visit_details import VisitDetails
from app.core import clock
from app.core.encryption import Encryption
from app.core.errors import Missing
from app.core.events import Actor
from app.core.paging import Page, page_of
from app.core.references import parse_reference
from app.core.sql import fetch, fetch_row, rows
from app.payments.charge import CHARGE_LINE_COLUMNS, ChargeLine
from app.payments.credit import CreditAdded
from app.payments.refund import RefundLine
from app.scheduling.travel import Location, distance_km

MAX_UPCOMING = 100

SELECT_ROWS = f"""
    SELECT b.reference, b.service_name, b.state, b.cancelled_as, b.starts_at, b.ends_at, b.departed_at, b.arrived_at,
           {BOOKING_TOTAL_SQL},
           (SELECT coalesce(sum(c.amount), 0)::bigint FROM charges c WHERE c.booking_id = b.id AND c.state = 'due'),
           u.full_name, b.id
      FROM bookings b
      LEFT JOIN users u ON u.id = b.professional_id
     WHERE b.customer_id = $1
"""

# A lapsed hold is not listed, whether or not the worker has cancelled it yet.
SELECT_UPCOMING = (
    SELECT_ROWS
    + """ AND (b.state IN ('requested', 'assigned', 'started') OR b.state = 'held' AND b.held_until > $2)
     ORDER BY b.starts_at, b.id LIMIT $3"""
)

SELECT_PAST = (
    SELECT_ROWS
    + """ AND (b.state IN ('completed', 'closed') AND $5 <> 'cancelled'
            OR b.state = 'cancelled' AND b.requested_at IS NOT NULL AND $5 <> 'done')
       AND ($6 = '' OR strpos(lower(b.service_name), $6) > 0 OR b.professional_id = ANY($8::bigint[])
            OR b.reference = $7)
       AND ($2::timestamptz IS NULL OR (b.starts_at, b.id) < ($2, $3::bigint))
     ORDER BY b.starts_at DESC, b.id DESC LIMIT $4"""
)

SELECT_OWN_PROFESSIONALS = """
    SELECT DISTINCT u.id, u.full_name FROM bookings b JOIN users u ON u.id = b.professional_id WHERE b.customer_id = $1
"""

# The public card of a professional `u`, beside the pincode `pin` of the booking.
CARD_COLUMNS = f"""
           p.user_id, u.full_name, {{phone}}, u.deleted_at IS NOT NULL, p.experience_years, h.pincode, h.latitude,
           h.longitude, pin.pincode, pin.place, pin.latitude, pin.longitude, {RATING_SUM_SQL}, {REVIEW_COUNT_SQL},
           coalesce(r.jobs, 0)"""
CARD_JOINS = """
      LEFT JOIN professionals p ON p.user_id = u.id
      LEFT JOIN pincodes h ON h.pincode = p.home_pincode
      LEFT JOIN professional_ratings r ON r.professional_id = u.id"""
SELECT_PROFESSIONAL = f"""
    SELECT {CARD_COLUMNS.format(phone=shared_phone_sql("$3::boolean", "u"))}
      FROM users u LEFT JOIN pincodes pin ON pin.pincode = $2 {CARD_JOINS}
     WHERE u.id = $1 AND p.user_id IS NOT NULL
"""

# All of a booking's page in one statement: the columns of CustomerBooking in their order, then those of the card, of
# the professional who is assigned or asked first. $1 is the customer, $3 now.
SELECT_BOOKING = f"""
    SELECT b.id, b.reference, b.state, b.service_id, b.service_name, b.price, b.minutes, b.address, b.pincode, b.note,
           b.starts_at, b.ends_at, b.requested_professional_id, b.exclusive_until, b.professional_id, b.held_until,
           b.payment, b.fee, b.created_at, b.requested_at, b.reopened_at, b.assigned_at, b.departed_at, b.arrived_at,
           b.eta_from, b.eta_until, b.late_count, b.started_at, b.completed_at, b.cancelled_at, b.cancelled_as,
           b.contact_ended_at, b.cancel_reason, b.completed_automatically, {BOOKING_TOTAL_SQL}, pin.place,
           (SELECT d.at FROM disputes d WHERE d.booking_id = b.id),
           (SELECT d.settled_at FROM disputes d WHERE d.booking_id = b.id),
           (SELECT count(*) FROM offer_recipients o WHERE o.booking_id = b.id),
           ROW(b.floor, b.landmark, b.contact_name, b.contact_phone, b.contact_email),
           ARRAY(SELECT ROW(c.phase, c.encrypted_code, c.attempts, c.locked_until)
                   FROM codes c WHERE c.booking_id = b.id AND c.used_at IS NULL AND c.voided_at IS NULL
                    AND c.phase = CASE b.state WHEN 'assigned' THEN 'start' WHEN 'started' THEN 'finish' END
                  ORDER BY c.id),
           ARRAY(SELECT ROW(e.id, e.text, e.price, e.state, e.answered_at)
                   FROM extras e WHERE e.booking_id = b.id ORDER BY e.id),
           ARRAY(SELECT ROW({CHARGE_LINE_COLUMNS}) FROM charges c WHERE c.booking_id = b.id ORDER BY c.id),
           ARRAY(SELECT ROW(r.amount, r.released, r.reason, r.done_at, r.as_credit)
                   FROM refunds r WHERE r.booking_id = b.id AND r.state = 'done' ORDER BY r.id),
           (SELECT ROW(coalesce(-sum(e.amount) FILTER (WHERE t.charge_id IS NULL), 0)::bigint,
                       coalesce(-sum(e.amount) FILTER (WHERE t.charge_id IS NOT NULL), 0)::bigint)
              FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id
             WHERE t.booking_id = b.id AND t.kind = 'credit' AND e.account = 'credit'
               AND e.person_id = b.customer_id),
           ARRAY(SELECT ROW({TIMELINE_COLUMNS}) {TIMELINE_EVENTS} AND e.subject = 'booking-' || b.reference
                  ORDER BY e.seq),
           {CARD_COLUMNS.format(phone=shared_phone_sql("b.professional_shares_phone", "u"))}{{added}}
      FROM bookings b
      JOIN pincodes pin ON pin.pincode = b.pincode
      LEFT JOIN users u ON u.id = coalesce(
           b.professional_id, CASE WHEN b.exclusive_until > $3 THEN b.requested_professional_id END)
      {CARD_JOINS}
     WHERE b.customer_id = $1 AND b.reference = $2
"""

# What the panels of higher rooms show of a booking `b`: an SQL expression by name in `added` (app.listeners).
_page_columns: dict[str, str] = {}


def add_page_column(name: str, expression: str) -> None:
    """Read `expression` with every booking's page, so that a panel needs no statement of its own."""
    _page_columns[name] = expression
    _select_booking.cache_clear()


@cache
def _select_booking() -> str:
    return SELECT_BOOKING.format(added="".join(f", {expression}" for expression in _page_columns.values()))


SELECT_SIMILAR = """
    SELECT b.reference, b.state, b.held_until, b.requested_professional_id FROM bookings b
     WHERE b.customer_id = $1 AND b.service_id = $2 AND b.starts_at = $3
     ORDER BY b.id DESC LIMIT 50
"""


@dataclass(frozen=True, slots=True)
class BookingRow:
    """One row of the lists; `total` and `due` in paise."""

    reference: str
    service_name: str
    state: str
    cancelled_as: str | None
    starts_at: datetime
    ends_at: datetime
    departed_at: datetime | None
    arrived_at: datetime | None
    total: int
    due: int
    professional: str | None
    id: int

    @property
    def who(self) -> str | None:
        """The professional's first name."""
        return greeting_name(self.professional) if self.professional else None


@dataclass(frozen=True, slots=True)
class AssignedProfessional:
    """The professional's public card; `place` is the booking's area. `phone` while contact is open, if it is shown."""

    id: int
    first_name: str
    name: str
    full_name: str
    years: int
    rating: float | None
    reviews: int
    jobs: int
    distance_km: float | None
    phone: str | None
    place: str
    has_left: bool


@dataclass(frozen=True, slots=True)
class LiveCode:
    """The code that is due; only its customer may see the digits."""

    phase: str
    encrypted_code: bytes | None
    attempts: int
    locked_until: datetime | None

    def reveal(self, encryption: Encryption, reference: str) -> str | None:
        return reveal_code(self.encrypted_code, self.phase, encryption, reference)


@dataclass(frozen=True, slots=True)
class ExtraLine:
    """Extra work that was proposed; `price` in paise."""

    id: int
    text: str
    price: int
    state: str
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class CustomerBooking(BookingDeadlines):
    """A booking as its customer's page reads it; money in paise, `total` with approved extras.

    `professional` is who is assigned or has a priority offer, `place` the booking's area; `charges` and
    `events` oldest first; `notified` is how many professionals were notified of the offer (W25).
    """

    id: int
    reference: str
    state: State
    service_id: int
    service_name: str
    price: int
    minutes: int
    address: str
    pincode: str
    note: str
    starts_at: datetime
    ends_at: datetime
    requested_professional_id: int | None
    exclusive_until: datetime | None
    professional_id: int | None
    held_until: datetime | None
    payment: str | None
    fee: int
    created_at: datetime
    requested_at: datetime | None
    reopened_at: datetime | None
    assigned_at: datetime | None
    departed_at: datetime | None
    arrived_at: datetime | None
    eta_from: datetime | None
    eta_until: datetime | None
    late_count: int
    started_at: datetime | None
    completed_at: datetime | None
    cancelled_at: datetime | None
    cancelled_as: str | None
    contact_ended_at: datetime | None
    cancel_reason: str | None
    completed_automatically: bool
    total: int
    place: str
    disputed_at: datetime | None
    dispute_settled_at: datetime | None
    notified: int
    visit: VisitDetails
    code: LiveCode | None
    extras: Sequence[ExtraLine]
    charges: Sequence[ChargeLine]
    refunds: Sequence[RefundLine]
    credit: CreditAdded
    events: Sequence[TimelineEvent]
    professional: AssignedProfessional | None
    added: Mapping[str, Any]

    def is_disputed_since(self, moment: datetime | None) -> bool:
        """As app.bookings.decline.is_disputed_since."""
        return self.disputed_at is not None and moment is not None and self.disputed_at >= moment


COLUMN_NAMES = [field.name for field in fields(CustomerBooking)]
CARD_WIDTH = 15  # of CARD_COLUMNS
STATE, BEFORE_CARD = COLUMN_NAMES.index("state"), COLUMN_NAMES.index("professional")


@dataclass(frozen=True, slots=True)
class SimilarBooking:
    """A booking of the same service at the same time, by the same customer."""

    reference: str
    state: str
    held_until: datetime | None
    requested_professional_id: int | None

    def is_held_for(self, professional_id: int | None) -> bool:
        """Whether it is a live hold of this professional; None means anyone."""
        return self.state == "held" and self.is_open and self.requested_professional_id == professional_id

    @property
    def is_open(self) -> bool:
        if self.state == "held":
            return self.held_until is not None and self.held_until > clock.now()
        return self.state in ("requested", "assigned", "started")


class OwnBookings:
    def __init__(self, db: AsyncSession, me: Actor) -> None:
        self._db = db
        self._me = me

    async def booking(self, reference: str) -> CustomerBooking:
        """What the booking's page shows, read at once; Missing for anybody else's."""
        now = clock.now()
        row = await fetch_row(self._db, _select_booking(), self._me.id, parse_reference(reference), now)
        if row is None:
            raise Missing
        return _booking(row, now)

    async def upcoming(self) -> list[BookingRow]:
        return await rows(self._db, BookingRow, SELECT_UPCOMING, self._me.id, clock.now(), MAX_UPCOMING)

    async def past(
        self, before: tuple[datetime, int] | None, limit: int, *, text: str = "", state: str = ""
    ) -> Page[BookingRow]:
        """The latest first, without holds that were never paid.

        `text`: part of the service's or the professional's shown name, or a reference. `state`: "done", "cancelled" or
        both.
        """
        search = (text.casefold(), parse_reference(text), await self._professionals_named(text) if text else [])
        last = before or (None, None)
        found = await rows(self._db, BookingRow, SELECT_PAST, self._me.id, *last, limit + 1, state, *search)
        return page_of(found, limit, lambda row: (row.starts_at.isoformat(), row.id))

    async def _professionals_named(self, text: str) -> list[int]:
        """Ids of those who came or will come and whose public name has the text: the family name finds no one."""
        people = await fetch(self._db, SELECT_OWN_PROFESSIONALS, self._me.id)
        return [person_id for person_id, name in people if text.casefold() in public_name(name).casefold()]

    async def similar(self, service_id: int, starts_at: datetime) -> list[SimilarBooking]:
        return await rows(self._db, SimilarBooking, SELECT_SIMILAR, self._me.id, service_id, starts_at)

    async def assigned_professional(self, booking: Booking, professional_id: int | None) -> AssignedProfessional | None:
        """The professional; with the phone only if they are assigned, share it, and contact is open."""
        reachable = booking.professional_id == professional_id and booking.contact_open(clock.now())
        shared = booking.professional_shares_phone
        return await self.card(professional_id, booking.pincode, reachable=reachable, shared=shared)

    async def card(
        self, professional_id: int | None, pincode: str, *, reachable: bool = False, shared: bool | None = None
    ) -> AssignedProfessional | None:
        """None where there is no such professional. `shared`: whether they chose to show their phone here."""
        if professional_id is None:
            return None
        row = await fetch_row(self._db, SELECT_PROFESSIONAL, professional_id, pincode, shared)
        return _card(*row, reachable=reachable) if row else None


def _booking(row: Record, now: datetime) -> CustomerBooking:
    values, card = row[:BEFORE_CARD], row[BEFORE_CARD : BEFORE_CARD + CARD_WIDTH]
    added = dict(zip(_page_columns, row[BEFORE_CARD + CARD_WIDTH :], strict=True))
    *columns, visit, codes, extras, charges, refunds, credit, events = values
    state, professional_id, completed_at = State(row["state"]), row["professional_id"], row["completed_at"]
    has_ended = row["contact_ended_at"] is not None
    reachable = professional_id is not None and not has_ended and is_contact_open(state, completed_at, now)
    columns[STATE] = state
    columns += [
        VisitDetails(*visit),
        LiveCode(*codes[0]) if codes else None,
        [ExtraLine(*extra) for extra in extras],
        [ChargeLine(*charge) for charge in charges],
        [RefundLine(*refund) for refund in refunds],
        CreditAdded(*credit),
        [TimelineEvent(*event) for event in events],
        _card(*card, reachable=reachable) if card[0] is not None else None,
        added,
    ]
    return CustomerBooking(*columns)


def _card(
    professional_id: int,
    full_name: str,
    phone: str | None,
    has_left: bool,
    years: int,
    home: str,
    latitude: float | None,
    longitude: float | None,
    pincode: str | None,
    place: str | None,
    there_latitude: float | None,
    there_longitude: float | None,
    stars: int | None,
    reviews: int | None,
    jobs: int,
    *,
    reachable: bool,
) -> AssignedProfessional:
    there = Location(pincode or "", there_latitude, there_longitude)
    return AssignedProfessional(
        id=professional_id,
        first_name=greeting_name(full_name),
        name=public_name(full_name),
        full_name=full_name,
        years=years,
        rating=stars / reviews if stars is not None and reviews else None,
        reviews=reviews or 0,
        jobs=jobs,
        distance_km=distance_km(Location(home, latitude, longitude), there),
        phone=phone if reachable else None,
        place=place or "",
        has_left=has_left,
    )
