"""A town whose open bookings have the history, the codes and the states that `doorstep check` requires."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from app.bookings.booking import Booking
from app.bookings.code import Code
from app.bookings.deadlines import HOLD_DURATION
from app.core import clock
from app.core.encryption import Encryption
from app.core.events import Event
from bench.processes import SECRET
from bench.servers import BenchServers
from bench.town import build

BOOKINGS_PER_PROFESSIONAL = 24  # eight days, of which those from the day after tomorrow stay
BATCH_SIZE = 5_000
# Past bookings would need their money and used codes; those until tomorrow would all be reminded of in the same minute.
# All jobs are in their professional's own pincode, so that there is time to travel between them.
CLEARING = (
    "DELETE FROM charges",
    "DELETE FROM codes",
    "DELETE FROM reviews",
    "DELETE FROM service_ratings",
    "UPDATE professional_ratings SET jobs = 0, one = 0, two = 0, three = 0, four = 0, five = 0",
    "DELETE FROM bookings WHERE starts_at < (CURRENT_DATE::timestamp AT TIME ZONE 'Asia/Kolkata') + interval '2 days'",
    "UPDATE reservations r SET pincode = home_pincode FROM professionals p WHERE p.user_id = r.professional_id",
    "UPDATE bookings b SET pincode = r.pincode FROM reservations r WHERE r.booking_id = b.id",
)
OPEN_BOOKINGS = """
    SELECT b.id, b.reference, b.customer_id, b.service_id, b.service_name, b.price, b.minutes, b.address, b.pincode,
           b.starts_at, r.professional_id AS reserved_for, b.professional_id
      FROM bookings b JOIN reservations r ON r.booking_id = b.id ORDER BY b.id
"""
HEADS = "CREATE TEMPORARY TABLE heads (id bigint, requested timestamptz, assigned timestamptz, length int, head bytea)"
SETTLING = """
    UPDATE bookings b SET payment = 'after', created_at = h.requested, requested_at = h.requested,
           assigned_at = h.assigned, event_count = h.length, event_head = h.head
      FROM heads h WHERE h.id = b.id
"""
EVENT_COLUMNS = ("subject", "seq", "name", "actor_id", "actor_role", "at", "facts", "previous", "hash")
CODE_COLUMNS = ("booking_id", "phase", "digest", "encrypted_code", "issued_at", "attempts")
HEAD_COLUMNS = ("id", "requested", "assigned", "length", "head")


@dataclass(frozen=True, slots=True)
class Person:
    id: int
    role: str


def build_town(servers: BenchServers, professionals: int) -> None:
    """Generate the town; the history of its bookings is made by the verbs of Booking, as of yesterday."""
    build(servers, professionals=professionals, bookings=professionals * BOOKINGS_PER_PROFESSIONAL)
    asyncio.run(_write_history(servers))


async def _write_history(servers: BenchServers) -> None:
    connection = await asyncpg.connect(servers.owner)
    try:
        for statement in (*CLEARING, HEADS):
            await connection.execute(statement)
        rows = await connection.fetch(OPEN_BOOKINGS)
        with clock.freeze(clock.now() - timedelta(days=1)):
            for start in range(0, len(rows), BATCH_SIZE):
                await _write_batch(connection, list(_with_history(rows[start : start + BATCH_SIZE])))
        for statement in (SETTLING, "VACUUM ANALYZE"):
            await connection.execute(statement)
    finally:
        await connection.close()


def _with_history(rows: Sequence[asyncpg.Record]) -> Iterator[Booking]:
    """Hold and pay each booking, and accept those that have a professional."""
    encryption = Encryption(SECRET)
    for row in rows:
        fields = dict(row)
        reserved_for, professional_id = fields.pop("reserved_for"), fields.pop("professional_id")
        booking = Booking(note="", **fields)
        customer = Person(booking.customer_id, "customer")
        booking.hold(customer, reserved_for, clock.now() + HOLD_DURATION)
        booking.pay(customer, "after")
        if professional_id is not None:
            booking.accept(Person(professional_id, "professional"), encryption)
        yield booking


async def _write_batch(connection: "asyncpg.Connection[asyncpg.Record]", bookings: Sequence[Booking]) -> None:
    events = [_event_row(event) for booking in bookings for event, _ in booking.pop_pending_events()]
    codes = [_code_row(booking.id, code) for booking in bookings for code in booking.codes]
    heads = [
        (booking.id, booking.requested_at, booking.assigned_at, booking.event_count, booking.event_head)
        for booking in bookings
    ]
    await connection.copy_records_to_table("events", records=events, columns=EVENT_COLUMNS)
    await connection.copy_records_to_table("codes", records=codes, columns=CODE_COLUMNS)
    await connection.copy_records_to_table("heads", records=heads, columns=HEAD_COLUMNS)


def _event_row(event: Event) -> tuple[object, ...]:
    who = (event.subject, event.seq, event.name, event.actor_id, event.actor_role)
    return *who, event.at, json.dumps(event.facts), event.previous, event.hash


def _code_row(booking_id: int, code: Code) -> tuple[object, ...]:
    return booking_id, str(code.phase), code.digest, code.encrypted_code, code.issued_at, code.attempts
