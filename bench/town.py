"""Generate a deterministic town of any size: users, services, past bookings and one week ahead."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg
from sqlalchemy import text

import app.events  # noqa: F401  declares every event type
from app.accounts.session import MAX_LIFETIME, SessionKind
from app.bookings.code import Code, CodePhase
from app.catalog.reference_data import load_catalogue
from app.core import clock, sql
from app.core.db import Database
from app.core.encryption import Encryption
from app.core.secrets import digest, new_token
from app.models import metadata
from bench.bulk_load import without_indexes
from bench.processes import SECRET
from bench.servers import BenchServers

ADYAR, SERVICE = "600020", "tap-leak-repair"
RADIUS_DEGREES = 0.09  # about 10 km
CUSTOMER_COUNT = 2_000
JOBS_PER_PROFESSIONAL_DAY = 3  # of four possible ones

PEOPLE = """
    INSERT INTO users (role, email, full_name, phone, password_hash, email_verified_at, created_at)
    SELECT $1, $1 || n || '@example.com', 'Ravi Kumar ' || n,
           '+91' || CASE WHEN $1 = 'customer' THEN 9000000000 ELSE 8000000000 END + n, 'none', now(), now()
      FROM generate_series(1, $2::int) n
"""

# Spread over the town and the trades; hours 8 to 20 every day; all pincodes within the radius.
PROFESSIONALS = """
    WITH homes AS (SELECT array_agg(pincode ORDER BY pincode) AS all FROM pincodes WHERE quality <> 'published'
                      AND pincode BETWEEN '600000' AND '600999' AND latitude IS NOT NULL),
    trades AS (SELECT array_agg(name ORDER BY position) AS all FROM categories)
    INSERT INTO professionals (user_id, approval_status, trade, experience_years, home_pincode, approved_at, created_at)
    SELECT u.id, 'approved', trades.all[1 + u.id % cardinality(trades.all)], 1 + u.id % 20,
           homes.all[1 + (u.id * 7919) % cardinality(homes.all)], now(), now()
      FROM users u, homes, trades WHERE u.role = 'professional'
"""
HOURS = """
    INSERT INTO working_hours (professional_id, weekday, opens, closes)
    SELECT user_id, day, 480, 1200 FROM professionals, generate_series(0, 6) day
"""
COVERAGE = f"""
    WITH homes AS (SELECT DISTINCT home_pincode FROM professionals),
    near AS MATERIALIZED (
        SELECT h.pincode AS home, a.pincode, pincode_distance(h.pincode, a.pincode) AS metres
          FROM homes JOIN pincodes h ON h.pincode = homes.home_pincode
          JOIN pincodes a ON abs(a.latitude - h.latitude) < {RADIUS_DEGREES}
           AND abs(a.longitude - h.longitude) < {RADIUS_DEGREES}
    )
    INSERT INTO coverage (professional_id, pincode, metres)
    SELECT p.user_id, near.pincode, near.metres FROM professionals p JOIN near ON near.home = p.home_pincode
"""
OFFERINGS = """
    INSERT INTO offered_services (professional_id, service_id, approval_status)
    SELECT p.user_id, s.id, 'approved' FROM professionals p
      JOIN categories c ON c.name = p.trade JOIN services s ON s.category_id = c.id
"""

# Three of four times a day, pseudo-random; the last day is six days from today.
BOOKINGS = f"""
    WITH customers AS (SELECT array_agg(id ORDER BY id) AS all FROM users WHERE role = 'customer'),
    offered AS (SELECT professional_id, array_agg(service_id ORDER BY service_id) AS all FROM offered_services
                 GROUP BY 1),
    covered AS (SELECT professional_id, array_agg(pincode ORDER BY pincode) AS all FROM coverage GROUP BY 1),
    slots AS (
        SELECT p.user_id, s.id AS service_id, s.name, s.price, least(s.minutes, 120) AS minutes,
               c.all[1 + abs(hashint8(p.user_id * 31 + day * 4 + start)::bigint) % cardinality(c.all)] AS pincode,
               day, start, row_number() OVER (ORDER BY day, start, p.user_id) AS n
          FROM generate_series(7 - $1::int, 6) day
         CROSS JOIN unnest(ARRAY[540, 690, 840, 990]) start
         CROSS JOIN professionals p
          JOIN offered o ON o.professional_id = p.user_id
          JOIN covered c ON c.professional_id = p.user_id
          JOIN services s
            ON s.id = o.all[1 + abs(hashint8(p.user_id * 37 + day * 4 + start)::bigint) % cardinality(o.all)]
         WHERE hashint8(p.user_id * 1000 + day * 10 + start) % 4 <> 0
    ), timed_slots AS (
        SELECT *, (CURRENT_DATE::timestamp AT TIME ZONE 'Asia/Kolkata') + day * interval '1 day'
                  + start * interval '1 minute' AS starts_at FROM slots
    ), generated AS (
        SELECT *, starts_at + minutes * interval '1 minute' AS ends_at, day < 0 AS past, n % 20 = 0 AS open
          FROM timed_slots
    ), booked AS (
    INSERT INTO bookings (reference, customer_id, service_id, state, service_name, price, minutes, address, pincode,
                          starts_at, ends_at, professional_id, payment, created_at, requested_at, assigned_at,
                          started_at, completed_at, closed_at)
    SELECT upper(lpad(to_hex(n), 8, '0')), customers.all[1 + (n * 7919) % {CUSTOMER_COUNT}], service_id,
           CASE WHEN past THEN 'closed' WHEN open THEN 'requested' ELSE 'assigned' END, name, price, minutes,
           'Flat 3B, Sri Lakshmi Apartments, ' || n || ' Main Road', pincode, starts_at, ends_at,
           CASE WHEN past OR NOT open THEN user_id END, 'card', starts_at - interval '2 days',
           starts_at - interval '2 days', CASE WHEN past OR NOT open THEN starts_at - interval '2 days' END,
           CASE WHEN past THEN starts_at END, CASE WHEN past THEN ends_at END,
           CASE WHEN past THEN ends_at + interval '7 days' END
      FROM generated, customers
    RETURNING id, reference, state
    )
    INSERT INTO reservations (booking_id, professional_id, span, pincode, is_committed)
    SELECT b.id, g.user_id, tstzrange(g.starts_at, g.ends_at + interval '10 minutes'), g.pincode, NOT g.open
      FROM booked b JOIN generated g ON b.reference = upper(lpad(to_hex(g.n), 8, '0')) WHERE NOT g.past
"""
REVIEWS = """
    INSERT INTO reviews (booking_id, customer_id, professional_id, service_id, rating, comment, created_at)
    SELECT id, customer_id, professional_id, service_id, 3 + id % 3,
           'He came on time, found the leak and closed it. The kitchen was clean when he left.', completed_at
      FROM bookings WHERE state = 'closed' AND id % 3 = 0
"""
STAR_COUNTS = ", ".join(f"count(r.rating) FILTER (WHERE r.rating = {n})" for n in (1, 2, 3, 4, 5))
RATINGS = (
    f"INSERT INTO service_ratings SELECT service_id, {STAR_COUNTS} FROM reviews r GROUP BY 1",
    f"""INSERT INTO professional_ratings (professional_id, jobs, one, two, three, four, five)
        SELECT b.professional_id, count(*), {STAR_COUNTS} FROM bookings b LEFT JOIN reviews r ON r.booking_id = b.id
         WHERE b.state = 'closed' GROUP BY 1""",
)
SIGN_IN = """
    INSERT INTO sessions (digest, kind, user_id, epoch, created_at, last_seen_at, fresh_at, expires_at)
    SELECT digest, $3, user_id, 0, now(), now(), now(), now() + $4
      FROM unnest($1::bytea[], $2::bigint[]) AS opened (digest, user_id)
"""


@dataclass(frozen=True, slots=True)
class Town:
    """Sample records that the measurements request."""

    customer: int
    reference: str
    professional: int
    service: str


def build(servers: BenchServers, *, professionals: int, bookings: int, customers: int = CUSTOMER_COUNT) -> Town:
    """Generate about `bookings` bookings, one week of them ahead, all of them of CUSTOMER_COUNT customers."""
    return asyncio.run(_build(servers, professionals, bookings, max(customers, CUSTOMER_COUNT)))


async def sign_in(database: Database, user_id: int, kind: SessionKind = SessionKind.BROWSER) -> str:
    """Create a session; return its token for the cookie or the Authorization header."""
    return (await sign_in_all(database, [user_id], kind))[0]


async def sign_in_all(
    database: Database, user_ids: Sequence[int], kind: SessionKind = SessionKind.BROWSER
) -> list[str]:
    """Create a session of each user; return their tokens."""
    tokens = [new_token() for _ in user_ids]
    async with database.work() as db:
        await sql.execute(db, SIGN_IN, list(map(digest, tokens)), list(user_ids), kind, MAX_LIFETIME)
    return tokens


async def _build(servers: BenchServers, professionals: int, bookings: int, customers: int) -> Town:
    assert metadata.tables
    database = Database(servers.owner, statement_timeout=600)
    async with database.work() as db:
        await load_catalogue(db)
    connection = await asyncpg.connect(servers.owner)
    try:
        await connection.execute("SET timezone = 'Asia/Kolkata'")
        await connection.execute(PEOPLE, "customer", customers)
        await connection.execute(PEOPLE, "professional", professionals)
        for statement in (PROFESSIONALS, HOURS, COVERAGE, OFFERINGS):
            await connection.execute(statement)
        await connection.execute("ANALYZE")
        days = max(8, round(bookings / professionals / JOBS_PER_PROFESSIONAL_DAY))
        async with without_indexes(connection, ("bookings",)):
            await connection.execute(BOOKINGS, days)
        for statement in (REVIEWS, *RATINGS, "VACUUM ANALYZE"):
            await connection.execute(statement)
        return await _pick_samples(database, connection)
    finally:
        await connection.close()
        await database.close()


async def _pick_samples(database: Database, connection: "asyncpg.Connection[asyncpg.Record]") -> Town:
    """Pick a booking assigned for tomorrow (add its code and charge), and a professional with many offers."""
    slug = await connection.fetchval(
        "SELECT s.slug FROM services s JOIN service_ratings r ON r.service_id = s.id ORDER BY s.id LIMIT 1"
    )
    job = await connection.fetchrow(
        "SELECT id, reference, customer_id, price, professional_id FROM bookings WHERE state = 'assigned'"
        " AND starts_at > now() + interval '5 hours' ORDER BY starts_at, id LIMIT 1"
    )
    busiest = await connection.fetchval(
        "SELECT o.professional_id FROM bookings b JOIN offered_services o ON o.service_id = b.service_id"
        " JOIN coverage c ON c.professional_id = o.professional_id AND c.pincode = b.pincode"
        " WHERE b.state = 'requested' AND b.starts_at > now() GROUP BY 1 ORDER BY count(*), 1 LIMIT 1 OFFSET 40"
    )
    assert job is not None
    code = Code.issue(CodePhase.START, Encryption(SECRET), job["reference"])
    code.booking_id = job["id"]
    async with database.work() as db:
        db.add(code)
        await db.execute(
            text(
                "INSERT INTO charges (booking_id, customer_id, method, brand, last4, amount, state, created_at,"
                " updated_at) VALUES (:id, :customer, 'card', 'visa', '4242', :price, 'authorised', :now, :now)"
            ),
            {"id": job["id"], "customer": job["customer_id"], "price": job["price"], "now": clock.now()},
        )
    return Town(job["customer_id"], job["reference"], busiest, slug)
