"""A town of a million bookings for the admin's desk: written as text and filled with COPY, the same every time.

Two years of bookings that grow, a week of them ahead; every completed one with its charge and its ledger, a third with
a review; people with names, standing, trade, hours and areas. Left out: events and papers.
"""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from itertools import islice

import asyncpg

import app.events  # noqa: F401  declares every event type
from app.catalog.reference_data import load_catalogue
from app.core import clock
from app.core.db import Database
from app.models import metadata
from bench.admin_town_rows import (
    AREAS,
    BOOKING,
    CHARGE,
    DAYS,
    ENTRY,
    NULL,
    REVIEW,
    TRANSACTION,
    Made,
    Service,
    Sizes,
    Worker,
)
from bench.servers import BenchServers
from bench.town import RATINGS

ROWS_AT_ONCE = 20_000
FIRST = "Asha Ravi Meena Karthik Lakshmi Arun Divya Suresh Fatima Joseph Priya Vijay Anitha Imran Kavya Mohan"
LAST = "Kumar Raman Iyer Pillai Begum Das Nair Reddy Selvam Krishnan Thomas Babu Rao Devi Khan Murugan"
FIRSTS, LASTS = FIRST.split(), LAST.split()
UNMET = "day pincode category_id searches"
TABLES = (
    "users",
    "bookings",
    "charges",
    "ledger_transactions",
    "ledger_entries",
    "reviews",
    "professionals",
    "coverage",
    "offerings",
)

_INDEXES = """SELECT format('DROP INDEX %I', i.indexname) AS take, i.indexdef AS give, 1 AS turn FROM pg_indexes i
    WHERE i.schemaname = 'public' AND i.tablename = ANY($1)
      AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conname = i.indexname)"""
_KEYS = """SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
    format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)), 2
    FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text = ANY($1)"""
_TRIGGERS = """SELECT format('ALTER TABLE %I DISABLE TRIGGER USER', name),
    format('ALTER TABLE %I ENABLE TRIGGER USER', name), 3
    FROM unnest($1::text[]) name"""
DONE = tuple(one.replace("b.state = 'closed'", "b.state IN ('completed', 'closed')") for one in RATINGS)
# What triggers would have kept.
STOOD = """
    UPDATE professionals p SET shown_as = CASE p.standing WHEN 'pending' THEN 0 WHEN 'approved' THEN 1 ELSE 2 END,
           jobs = coalesce(r.jobs, 0), stars = coalesce(round(
               100.0 * (r.one + 2 * r.two + 3 * r.three + 4 * r.four + 5 * r.five)
               / nullif(r.one + r.two + r.three + r.four + r.five, 0)), 0)
      FROM users u LEFT JOIN professional_ratings r ON r.professional_id = u.id WHERE u.id = p.user_id
"""
_ALL = f"{_INDEXES} UNION ALL {_KEYS} UNION ALL {_TRIGGERS}"
TAKEN, GIVEN = f"SELECT take FROM ({_ALL}) a ORDER BY turn DESC", f"SELECT give FROM ({_ALL}) a ORDER BY turn"


def fill(place: BenchServers, sizes: Sizes) -> None:
    asyncio.run(_fill(place, sizes))


async def _fill(place: BenchServers, sizes: Sizes) -> None:
    assert metadata.tables
    database = Database(place.owner, statement_timeout=1_800)
    async with database.work() as db:
        await load_catalogue(db)
    await database.close()
    owner = await asyncpg.connect(place.owner, command_timeout=1_800)
    try:
        await owner.execute("SET timezone = 'Asia/Kolkata'; SET maintenance_work_mem = '512MB'; SET work_mem = '128MB'")
        kept = await _bare(owner)
        await _people(owner, sizes)
        await _work(owner, await _crew(owner, sizes), sizes)
        for statement in (*DONE, STOOD, *kept, *_sequences(), "VACUUM ANALYZE"):
            await owner.execute(statement)
    finally:
        await owner.close()


async def _bare(owner: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    """Takes away triggers, foreign keys and the indexes that no constraint needs; how to have them again.

    The keys are checked when they come back: whatever refers to nothing is found then.
    """
    before = [row["take"] for row in await owner.fetch(TAKEN, list(TABLES))]
    after = [row["give"] for row in await owner.fetch(GIVEN, list(TABLES))]
    for statement in before:
        await owner.execute(statement)
    return after


async def _people(owner: "asyncpg.Connection[asyncpg.Record]", sizes: Sizes) -> None:
    """Customers from 1 on, professionals behind them, then one admin."""
    start = clock.today() - timedelta(days=DAYS)
    count = sizes.customers + sizes.professionals
    roles = ((n, "customer" if n <= sizes.customers else "professional") for n in range(1, count + 1))
    people = (
        f"{n}\t{role}\t{role[0]}{n}@example.com\t{_name(n)}\t+91{9_000_000_000 + n}\tnone\t"
        f"{start + timedelta(days=n * 7919 % DAYS)} 10:00+05:30\t{start} 10:00+05:30\n"
        for n, role in roles
    )
    columns = "id role email full_name phone password_hash created_at email_verified_at"
    await _copy(owner, "users", columns, people)
    await owner.execute(
        "INSERT INTO users (id, role, email, full_name, phone, password_hash, email_verified_at, created_at)"
        " VALUES ($1, 'admin', 'admin@example.com', 'Meena Iyer', '+919999999999', 'none', now(), now())",
        count + 1,
    )


async def _crew(owner: "asyncpg.Connection[asyncpg.Record]", sizes: Sizes) -> list[Worker]:
    """Professionals with trade, standing, hours, offerings and areas, written down."""
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
    kinds = sorted(trades)
    crew = [
        Worker(
            sizes.customers + n,
            tuple(trades[kinds[n % len(kinds)]]),
            tuple(homes[(n * 7919 + step) % len(homes)] for step in range(AREAS)),
        )
        for n in range(1, sizes.professionals + 1)
    ]
    at = f"{clock.today() - timedelta(days=DAYS)} 10:00+05:30"
    await _copy(
        owner,
        "professionals",
        "user_id standing trade experience_years home_pincode approved_at created_at",
        (
            f"{one.id}\t{_standing(one.id)}\t{names[one.services[0].category]}\t{1 + one.id % 20}\t{one.areas[0]}\t"
            f"{at if _standing(one.id) == 'approved' else NULL}\t{at}\n"
            for one in crew
        ),
    )
    await _copy(owner, "coverage", "professional_id pincode", (f"{w.id}\t{p}\n" for w in crew for p in w.areas))
    await _copy(
        owner,
        "offerings",
        "professional_id service_id standing",
        (f"{w.id}\t{s.id}\tapproved\n" for w in crew for s in w.services),
    )
    await _copy(
        owner,
        "working_hours",
        "professional_id weekday opens closes",
        (f"{w.id}\t{day}\t480\t1200\n" for w in crew for day in range(7)),
    )
    return [one for one in crew if _standing(one.id) == "approved"]


async def _work(owner: "asyncpg.Connection[asyncpg.Record]", crew: list[Worker], sizes: Sizes) -> None:
    made = Made(crew, sizes)
    while rows := list(islice(made.bookings, ROWS_AT_ONCE)):
        for table, columns, lines in (
            ("bookings", BOOKING, rows),
            ("charges", CHARGE, made.charges),
            ("ledger_transactions", TRANSACTION, made.transactions),
            ("ledger_entries", ENTRY, made.entries),
            ("reviews", REVIEW, made.reviews),
        ):
            await _copy(owner, table, columns, lines)
            if lines is not rows:
                lines.clear()
    places = sorted({area for one in crew for area in one.areas})
    today = clock.today()
    await _copy(
        owner,
        "unmet_searches",
        UNMET,
        (
            f"{today - timedelta(days=n)}\t{places[n * 31 % len(places)]}\t{1 + n % 12}\t{1 + n % 9}\n"
            for n in range(DAYS)
        ),
    )


def _name(n: int) -> str:
    return f"{FIRSTS[n % len(FIRSTS)]} {LASTS[n // len(FIRSTS) % len(LASTS)]}"


def _standing(person: int) -> str:
    return "pending" if person % 1_000 == 1 else "denied" if person % 1_000 == 2 else "approved"


async def _copy(owner: "asyncpg.Connection[asyncpg.Record]", table: str, columns: str, lines: Iterable[str]) -> None:
    await owner.copy_to_table(table, source=_chunks(lines), columns=columns.split(), format="text")


async def _chunks(lines: Iterable[str]):  # type: ignore[no-untyped-def]
    waiting = iter(lines)
    while part := list(islice(waiting, 2_000)):
        yield "".join(part).encode()


def _sequences() -> Iterable[str]:
    return (
        f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
        for table in ("users", "bookings", "charges", "ledger_transactions")
    )
