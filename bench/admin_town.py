"""Generate a town of a million bookings for the admin pages: deterministic rows, loaded with COPY.

Two years of bookings in growing numbers and one week ahead; completed ones have a charge and ledger entries, a third
have a review. Professionals have a name, approval status, trade, hours and areas. Events and documents are left out.
bench.admin_town_help adds what went wrong.
"""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from itertools import islice

import asyncpg

import app.events  # noqa: F401  declares every event type
from app.billing.ledger_day import count_new_entries
from app.bookings.service_booking_count import count_new_bookings
from app.catalog.reference_data import load_catalogue
from app.core import clock
from app.core.db import Database
from app.models import metadata
from bench.admin_town_help import add_help
from bench.admin_town_payouts import add_payouts
from bench.admin_town_rows import (
    AREAS_PER_PROFESSIONAL,
    BOOKING_COLUMNS,
    CHARGE_COLUMNS,
    ENTRY_COLUMNS,
    NULL,
    PAST_DAYS,
    RESERVATION_COLUMNS,
    REVIEW_COLUMNS,
    TRANSACTION_COLUMNS,
    BenchProfessional,
    BookingGenerator,
    Service,
    Sizes,
)
from bench.bulk_load import without_indexes
from bench.servers import BenchServers
from bench.town import RATINGS

COPY_BATCH_SIZE = 20_000
FIRST_NAMES = "Asha Ravi Meena Karthik Lakshmi Arun Divya Suresh Fatima Joseph Priya Vijay Anitha Imran Kavya Mohan"
LAST_NAMES = "Kumar Raman Iyer Pillai Begum Das Nair Reddy Selvam Krishnan Thomas Babu Rao Devi Khan Murugan"
FIRSTS, LASTS = FIRST_NAMES.split(), LAST_NAMES.split()
UNMET_COLUMNS = "day pincode category_id searches"
TABLES = (
    "users",
    "bookings",
    "charges",
    "ledger_transactions",
    "ledger_entries",
    "reviews",
    "professionals",
    "coverage",
    "offered_services",
)

RATING_STATEMENTS = tuple(
    statement.replace("b.state = 'closed'", "b.state IN ('completed', 'closed')") for statement in RATINGS
)
# The columns that triggers maintain; they are disabled while rows are copied.
PROFESSIONAL_TOTALS = """
    UPDATE professionals p SET
           admin_status = CASE p.approval_status WHEN 'pending' THEN 0 WHEN 'approved' THEN 1 ELSE 2 END,
           jobs = coalesce(r.jobs, 0), stars = coalesce(round(
               100.0 * (r.one + 2 * r.two + 3 * r.three + 4 * r.four + 5 * r.five)
               / nullif(r.one + r.two + r.three + r.four + r.five, 0)), 0)
      FROM users u LEFT JOIN professional_ratings r ON r.professional_id = u.id WHERE u.id = p.user_id
"""


def fill(servers: BenchServers, sizes: Sizes) -> None:
    asyncio.run(_fill(servers, sizes))


async def _fill(servers: BenchServers, sizes: Sizes) -> None:
    assert metadata.tables
    database = Database(servers.owner, statement_timeout=1_800)
    async with database.work() as db:
        await load_catalogue(db)
    owner = await asyncpg.connect(servers.owner, command_timeout=1_800)
    try:
        await owner.execute("SET timezone = 'Asia/Kolkata'; SET maintenance_work_mem = '512MB'; SET work_mem = '128MB'")
        async with without_indexes(owner, TABLES):
            await _add_users(owner, sizes)
            await _add_bookings(owner, await _add_professionals(owner, sizes), sizes)
            for statement in (*RATING_STATEMENTS, PROFESSIONAL_TOTALS):
                await owner.execute(statement)
        for statement in _sequences():
            await owner.execute(statement)
        await add_help(owner, sizes.cases)
        await add_payouts(owner)
        async with database.work() as db:
            await count_new_bookings(db)  # as the worker does every hour
        while await _count_ledger(database):
            pass
        await owner.execute("VACUUM ANALYZE")
    finally:
        await owner.close()
        await database.close()


async def _count_ledger(database: Database) -> int:
    async with database.work() as db:
        return await count_new_entries(db)


async def _add_users(owner: "asyncpg.Connection[asyncpg.Record]", sizes: Sizes) -> None:
    """Insert customers from id 1, then professionals, then one admin."""
    start = clock.today() - timedelta(days=PAST_DAYS)
    count = sizes.customers + sizes.professionals
    roles = ((n, "customer" if n <= sizes.customers else "professional") for n in range(1, count + 1))
    people = (
        f"{n}\t{role}\t{role[0]}{n}@example.com\t{_name(n)}\t+91{9_000_000_000 + n}\tnone\t"
        f"{start + timedelta(days=n * 7919 % PAST_DAYS)} 10:00+05:30\t{start} 10:00+05:30\n"
        for n, role in roles
    )
    columns = "id role email full_name phone password_hash created_at email_verified_at"
    await _copy(owner, "users", columns, people)
    await owner.execute(
        "INSERT INTO users (id, role, email, full_name, phone, password_hash, email_verified_at, created_at)"
        " VALUES ($1, 'admin', 'admin@example.com', 'Meena Iyer', '+919999999999', 'none', now(), now())",
        count + 1,
    )


async def _add_professionals(owner: "asyncpg.Connection[asyncpg.Record]", sizes: Sizes) -> list[BenchProfessional]:
    """Insert professionals with trade, status, hours, services and areas; return the approved ones."""
    rows = await owner.fetch("SELECT id, category_id, name, price, least(minutes, 120) AS m FROM services ORDER BY id")
    trades: dict[int, list[Service]] = {}
    for row in rows:
        trades.setdefault(row[1], []).append(Service(*row))
    names = {row["id"]: row["name"] for row in await owner.fetch("SELECT id, name FROM categories")}
    homes = [
        row[0]
        for row in await owner.fetch(
            "SELECT pincode FROM pincodes WHERE pincode BETWEEN '600000' AND '600999' AND quality <> 'published'"
            " ORDER BY latitude, longitude"
        )
    ]
    category_ids = sorted(trades)
    professionals = [
        BenchProfessional(
            sizes.customers + n,
            tuple(trades[category_ids[n % len(category_ids)]]),
            tuple(homes[(n * 7919 + step) % len(homes)] for step in range(AREAS_PER_PROFESSIONAL)),
        )
        for n in range(1, sizes.professionals + 1)
    ]
    created_at = f"{clock.today() - timedelta(days=PAST_DAYS)} 10:00+05:30"
    await _copy(
        owner,
        "professionals",
        "user_id approval_status trade experience_years home_pincode approved_at created_at",
        (
            f"{p.id}\t{_approval_status(p.id)}\t{names[p.services[0].category]}\t{1 + p.id % 20}\t{p.areas[0]}\t"
            f"{created_at if _approval_status(p.id) == 'approved' else NULL}\t{created_at}\n"
            for p in professionals
        ),
    )
    await _copy(
        owner,
        "coverage",
        "professional_id pincode",
        (f"{professional.id}\t{p}\n" for professional in professionals for p in professional.areas),
    )
    await _copy(
        owner,
        "offered_services",
        "professional_id service_id approval_status home_pincode stars",
        (
            f"{professional.id}\t{s.id}\tapproved\t{professional.areas[0]}\t0\n"
            for professional in professionals
            for s in professional.services
        ),
    )
    await _copy(
        owner,
        "working_hours",
        "professional_id weekday opens closes",
        (f"{professional.id}\t{day}\t480\t1200\n" for professional in professionals for day in range(7)),
    )
    return [professional for professional in professionals if _approval_status(professional.id) == "approved"]


async def _add_bookings(
    owner: "asyncpg.Connection[asyncpg.Record]", professionals: list[BenchProfessional], sizes: Sizes
) -> None:
    generator = BookingGenerator(professionals, sizes)
    while rows := list(islice(generator.bookings, COPY_BATCH_SIZE)):
        for table, columns, lines in (
            ("bookings", BOOKING_COLUMNS, rows),
            ("reservations", RESERVATION_COLUMNS, generator.reservations),
            ("charges", CHARGE_COLUMNS, generator.charges),
            ("ledger_transactions", TRANSACTION_COLUMNS, generator.transactions),
            ("ledger_entries", ENTRY_COLUMNS, generator.entries),
            ("reviews", REVIEW_COLUMNS, generator.reviews),
        ):
            await _copy(owner, table, columns, lines)
            if lines is not rows:
                lines.clear()
    pincodes = sorted({area for professional in professionals for area in professional.areas})
    today = clock.today()
    await _copy(
        owner,
        "unmet_searches",
        UNMET_COLUMNS,
        (
            f"{today - timedelta(days=n)}\t{pincodes[n * 31 % len(pincodes)]}\t{1 + n % 12}\t{1 + n % 9}\n"
            for n in range(PAST_DAYS)
        ),
    )


def _name(n: int) -> str:
    return f"{FIRSTS[n % len(FIRSTS)]} {LASTS[n // len(FIRSTS) % len(LASTS)]}"


def _approval_status(professional_id: int) -> str:
    return "pending" if professional_id % 1_000 == 1 else "denied" if professional_id % 1_000 == 2 else "approved"


async def _copy(owner: "asyncpg.Connection[asyncpg.Record]", table: str, columns: str, lines: Iterable[str]) -> None:
    await owner.copy_to_table(table, source=_chunks(lines), columns=columns.split(), format="text")


async def _chunks(lines: Iterable[str]):  # type: ignore[no-untyped-def]
    remaining = iter(lines)
    while part := list(islice(remaining, 2_000)):
        yield "".join(part).encode()


def _sequences() -> Iterable[str]:
    return (
        f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
        for table in ("users", "bookings", "charges", "ledger_transactions")
    )
