"""Turn a generated town into one with a past: its money, events and messages, and a professional with many jobs.

Rows are written with INSERT … SELECT while triggers are off; the amounts are those that the application would post.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.core import clock
from bench.bulk_load import without_indexes
from bench.town import ADYAR, CUSTOMER_COUNT

Owner = Any  # asyncpg.Connection, which is untyped
JOBS_PER_DAY, FIRST_DAY, MINUTES_BETWEEN = 8, 8, 90  # of the professional with many jobs; starts are half hours
TABLES = ("charges", "ledger_transactions", "ledger_entries", "events", "outbox", "inbox_items")
COPIED = "'Flat 3B, 12 Main Road'"

# Jobs of today that would be due for a task are history: each task finds what the measurement prepares.
TODAY = """
    WITH freed AS (
        DELETE FROM reservations r USING bookings b
         WHERE b.id = r.booking_id AND b.starts_at < now() + interval '3 hours'
        RETURNING r.booking_id, r.professional_id
    )
    UPDATE bookings SET state = 'closed', professional_id = freed.professional_id, assigned_at = requested_at,
           started_at = starts_at, completed_at = ends_at, closed_at = ends_at
      FROM freed WHERE id = booking_id
"""
CHARGES = """
    INSERT INTO charges (booking_id, customer_id, method, brand, last4, amount, captured, state, created_at, updated_at)
    SELECT id, customer_id, 'card', 'Visa', '4242', price, CASE WHEN state = 'closed' THEN price ELSE 0 END,
           CASE WHEN state = 'closed' THEN 'captured' ELSE 'authorised' END, created_at, created_at FROM bookings b
     WHERE NOT EXISTS (SELECT FROM charges c WHERE c.booking_id = b.id)
"""
# The earning of one booking of twenty was held for seven days, as if it had been completed automatically.
TRANSACTIONS = (
    """INSERT INTO ledger_transactions (booking_id, charge_id, kind, at)
       SELECT b.id, c.id, 'capture', b.completed_at FROM bookings b JOIN charges c ON c.booking_id = b.id
        WHERE b.state = 'closed' ORDER BY b.id""",
    """INSERT INTO ledger_transactions (booking_id, kind, at)
       SELECT id, 'payout_free', completed_at + interval '7 days' FROM bookings
        WHERE state = 'closed' AND id % 20 = 0 AND completed_at < now() - interval '7 days'""",
)
ENTRIES = (
    """INSERT INTO ledger_entries (transaction_id, account, person_id, amount)
       SELECT t.id, account, CASE WHEN account IN ('earnings', 'payout_held') THEN b.professional_id END, amount
         FROM ledger_transactions t JOIN bookings b ON b.id = t.booking_id
        CROSS JOIN LATERAL (VALUES ('gateway', b.price), ('commission', -(b.price / 5)),
              (CASE WHEN b.id % 20 = 0 THEN 'payout_held' ELSE 'earnings' END, b.price / 5 - b.price))
              AS line (account, amount)
        WHERE t.kind = 'capture'""",
    """INSERT INTO ledger_entries (transaction_id, account, person_id, amount)
       SELECT t.id, account, b.professional_id, amount
         FROM ledger_transactions t JOIN bookings b ON b.id = t.booking_id
        CROSS JOIN LATERAL (VALUES ('payout_held', b.price - b.price / 5), ('earnings', b.price / 5 - b.price))
              AS line (account, amount)
        WHERE t.kind = 'payout_free'""",
)
EVENTS = """
    INSERT INTO events (subject, seq, name, actor_id, actor_role, at, facts, previous, hash)
    SELECT 'booking-' || b.reference, seq, name, actor, role, at, '{}', '', ''
      FROM bookings b CROSS JOIN LATERAL (VALUES
           (1, 'booking.requested', b.customer_id, 'customer', b.requested_at),
           (2, 'booking.assigned', b.professional_id, 'professional', b.assigned_at))
           AS event (seq, name, actor, role, at)
     WHERE b.state = 'closed'
"""
MESSAGES = """
    INSERT INTO outbox (kind, recipient_id, data, dedupe_key, created_at, due_at, sent_at)
    SELECT 'booking_assigned', customer_id, jsonb_build_object('booking', reference), 'booking-' || reference || ':2',
           assigned_at, assigned_at, assigned_at FROM bookings WHERE state = 'closed'
"""
INBOX = """
    INSERT INTO inbox_items (user_id, kind, data, dedupe_key, created_at, read_at)
    SELECT person, 'booking_assigned', jsonb_build_object('booking', reference),
           'booking-' || reference || ':2:' || person, assigned_at, assigned_at
      FROM bookings CROSS JOIN LATERAL unnest(ARRAY[customer_id, professional_id]) AS person WHERE state = 'closed'
"""
HISTORY = (CHARGES, *TRANSACTIONS, *ENTRIES, EVENTS, MESSAGES, INBOX)

# Bookings of all kinds that the measured acts need: the caller says when, for whom and in which state.
BOOKING_COLUMNS = """
    INSERT INTO bookings (reference, customer_id, service_id, state, service_name, price, minutes, address, pincode,
                          starts_at, ends_at, requested_professional_id, exclusive_until, professional_id, held_until,
                          payment, created_at, requested_at, assigned_at, started_at,
                          completed_at, completed_automatically)
"""
NEW_BOOKINGS = f"""
    WITH numbered AS (
        SELECT n, 'Z' || upper(lpad(to_hex(nextval('bookings_id_seq')), 7, '0')) AS reference,
               ($5::bigint[])[n] AS professional, ($6::text[])[n] AS state, ($7::timestamptz[])[n] AS starts_at
          FROM generate_series(1, cardinality($5::bigint[])) n
    ), added AS (
    {BOOKING_COLUMNS}
    SELECT reference, 1 + n % {CUSTOMER_COUNT}, $1, replace(state, 'priority', 'requested'), $2, $3, 60, {COPIED}, $4,
           starts_at, starts_at + interval '1 hour',
           CASE WHEN state = 'priority' THEN professional END,
           CASE WHEN state = 'priority' THEN now() - interval '1 minute' END,
           CASE WHEN state IN ('assigned', 'started', 'completed') THEN professional END,
           CASE WHEN state = 'held' THEN $8::timestamptz END, CASE WHEN state <> 'held' THEN 'card' END,
           now() - interval '20 days', CASE WHEN state <> 'held' THEN now() - interval '20 days' END,
           CASE WHEN state IN ('assigned', 'started', 'completed') THEN now() - interval '20 days' END,
           CASE WHEN state IN ('started', 'completed') THEN starts_at END,
           CASE WHEN state = 'completed' THEN starts_at + interval '1 hour' END, false
      FROM numbered RETURNING id, reference, customer_id, price, state, held_until, pincode
    ), charged AS (
        INSERT INTO charges (booking_id, customer_id, method, brand, last4, amount, state, created_at, updated_at)
        SELECT id, customer_id, 'card', 'Visa', '4242', price, 'authorised', now(), now() FROM added
         WHERE state <> 'held'
    ), reserved AS (
        INSERT INTO reservations (booking_id, professional_id, span, pincode, is_committed, expires_at)
        SELECT a.id, n.professional, tstzrange(n.starts_at, n.starts_at + interval '70 minutes'), a.pincode,
               a.state IN ('assigned', 'started'), a.held_until
          FROM added a JOIN numbered n USING (reference)
         WHERE n.state <> 'priority' AND a.state <> 'completed'
    )
    SELECT id FROM added
"""
CLEAR_TIME = """
    WITH freed AS (DELETE FROM reservations WHERE professional_id = $1 RETURNING booking_id)
    UPDATE bookings SET state = 'cancelled', cancelled_at = now(), cancelled_as = 'platform', professional_id = NULL
      FROM freed WHERE id = booking_id AND state IN ('held', 'requested', 'assigned')
"""
HELD_PAYOUTS = """
    WITH added AS (
        INSERT INTO ledger_transactions (booking_id, kind, at)
        SELECT id, 'capture', now() - interval '8 days' FROM bookings
         WHERE state = 'closed' AND id % 20 <> 0 ORDER BY id DESC OFFSET $2 LIMIT $1
        RETURNING id, booking_id
    ), marked AS (
        UPDATE charges SET payout_held_until = now() - interval '1 day' FROM added
         WHERE charges.booking_id = added.booking_id)
    INSERT INTO ledger_entries (transaction_id, account, person_id, amount)
    SELECT added.id, account, CASE WHEN account = 'payout_held' THEN b.professional_id END, amount
      FROM added JOIN bookings b ON b.id = added.booking_id
     CROSS JOIN LATERAL (VALUES ('payout_held', -b.price), ('gateway', b.price)) AS line (account, amount)
"""


@dataclass(frozen=True, slots=True)
class SampleService:
    id: int
    name: str
    price: int


async def add_history(owner: Owner) -> None:
    """Write money, events and messages of all bookings."""
    await owner.execute("ALTER TABLE bookings DISABLE TRIGGER USER")
    await owner.execute(TODAY)
    await owner.execute("ALTER TABLE bookings ENABLE TRIGGER USER")
    async with without_indexes(owner, TABLES):
        for statement in HISTORY:
            await owner.execute(statement)
    await owner.execute("VACUUM ANALYZE")


async def add_bookings(
    owner: Owner,
    service: SampleService,
    professionals: Sequence[int],
    states: Sequence[str],
    starts: Sequence[datetime],
    held_until: datetime | None = None,
) -> list[int]:
    """Add one booking in ADYAR for each professional; "priority" is a request whose priority offer has just ended."""
    await owner.execute("ALTER TABLE bookings DISABLE TRIGGER USER")
    rows = await owner.fetch(
        NEW_BOOKINGS, service.id, service.name, service.price, ADYAR, professionals, states, starts, held_until
    )
    await owner.execute("ALTER TABLE bookings ENABLE TRIGGER USER")
    return [row["id"] for row in rows]


async def fill_calendar(owner: Owner, service: SampleService, professional: int, count: int) -> list[int]:
    """Give the professional exactly `count` open bookings: of ten, six accepted, three requested, one held."""
    await owner.execute(CLEAR_TIME, professional)
    first = clock.today() + timedelta(days=FIRST_DAY)
    starts = [
        clock.at(first + timedelta(days=n // JOBS_PER_DAY), 480 + n % JOBS_PER_DAY * MINUTES_BETWEEN)
        for n in range(count)
    ]
    states = [("assigned", "requested", "held")[(n % 10 >= 6) + (n % 10 == 9)] for n in range(count)]
    held_until = clock.now() + timedelta(hours=3)
    return await add_bookings(owner, service, [professional] * count, states, starts, held_until)
