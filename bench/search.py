"""Measure search over 2,000 services and 50,000 terms, against one index probe for the same word, in ms of PostgreSQL.

The statement is prepared, and measured once PostgreSQL has decided whether to keep one plan, as in a process that runs.
"""

import argparse
import asyncio
from typing import Any

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.search import find_services
from app.core import sql
from app.core.db import Database
from bench.servers import BenchServers, temporary_servers
from bench.slots import QueryTimes, explain
from bench.statements import record_statements
from bench.tables import median_of, print_table
from bench.town import build

SEARCH_REPETITIONS = 15
CUSTOM_PLAN_COUNT = 5  # executions that PostgreSQL plans anew before it may keep a plan
QUERIES = ("cleaning", "tap leak", "ac gas", "wahsing machin", "plumer", "sofa shampoo cleaning", "kuzhai", "zzzzqq")
COLUMNS = (
    "query",
    "hits",
    "large, ms",
    "minimum",
    "probe alone, ms",
    "planning, ms",
    "today's catalogue, ms",
    "target",
)

# Names and terms of many kinds: words of the catalogue combined with invented syllables.
SERVICES = """
    INSERT INTO services (slug, name, category_id, description, included, excluded, price, minutes, mode, created_at)
    SELECT 'made-' || n, initcap(a.term || ' ' || b.term) || ' ' || n, 1 + n % (SELECT count(*) FROM categories),
           'The ' || a.term || ' and the ' || b.term || ' are looked at and put right.', '{}', '{}',
           14900, 60, 'instant', now()
      FROM generate_series(1, $1::int) n
      JOIN (SELECT term, row_number() OVER (ORDER BY term) AS at, count(*) OVER () AS all FROM search_terms
             WHERE language = 'en') a ON a.at = 1 + (n * 7919) % a.all
      JOIN (SELECT term, row_number() OVER (ORDER BY md5(term)) AS at, count(*) OVER () AS all FROM search_terms
             WHERE language = 'en') b ON b.at = 1 + (n * 104729) % b.all
"""
SYLLABLES = "{ba,ke,li,mo,nu,pra,sto,ven,kar,til,gru,mash,ped,ro,sil,wen,dha,chi,fan,lok}"
TERMS = f"""
    INSERT INTO search_terms (term, language, service_id)
    SELECT s.syllables[1 + n % 20] || s.syllables[1 + (n / 20) % 20] || s.syllables[1 + (n / 400) % 20]
           || CASE WHEN n % 3 = 0 THEN ' ' || split_part(v.name, ' ', 1) ELSE '' END,
           'en', v.id
      FROM generate_series(1, $1::int) n
     CROSS JOIN (SELECT '{SYLLABLES}'::text[] AS syllables) s
      JOIN (SELECT id, lower(name) AS name, row_number() OVER (ORDER BY id) AS at, count(*) OVER () AS all
              FROM services) v ON v.at = 1 + n % v.all
"""
PROBE = "SELECT count(*) FROM search_terms WHERE $1 <% term"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--services", type=int, default=2_000)
    parser.add_argument("--terms", type=int, default=50_000)


def run(args: argparse.Namespace) -> None:
    with temporary_servers() as servers:
        build(servers, professionals=24, bookings=500)
        small = asyncio.run(_measure(servers))
        asyncio.run(_grow(servers, args.services, args.terms))
        large = asyncio.run(_measure(servers))
    rows = [
        (query, hits, inside, minimum, probe, planning, small[query][1], "≤ 5 ms")
        for query, (hits, inside, minimum, probe, planning) in large.items()
    ]
    print_table(
        f"Search, {args.services:,} services and {args.terms:,} terms, medians of {SEARCH_REPETITIONS}", COLUMNS, rows
    )


async def _grow(servers: BenchServers, services: int, terms: int) -> None:
    owner = await asyncpg.connect(servers.owner)
    try:
        existing = await owner.fetchrow(
            "SELECT (SELECT count(*) FROM services) s, (SELECT count(*) FROM search_terms) t"
        )
        assert existing is not None
        await owner.execute(SERVICES, services - existing["s"])
        await owner.execute(TERMS, terms - existing["t"])
        await owner.execute("VACUUM ANALYZE")
    finally:
        await owner.close()


async def _measure(servers: BenchServers) -> dict[str, tuple[Any, ...]]:
    """Return query → hits, ms of the query (median, minimum), ms of one probe, ms of planning."""
    database = Database(servers.app)
    try:
        async with database.work() as db:
            return {query: await _measure_query(database, db, query) for query in QUERIES}
    finally:
        await database.close()


async def _measure_query(database: Database, db: AsyncSession, query: str) -> tuple[Any, ...]:
    with record_statements(database) as statements:
        hits = await find_services(db, query)
    times = await _explain_prepared(db, *statements[0])
    await db.execute(text("SET LOCAL pg_trgm.word_similarity_threshold = 0.33"))
    probes = [await explain(db, PROBE, (query.split()[0],)) for _ in range(SEARCH_REPETITIONS)]
    inside = [run.execution for run in times]
    planning = median_of(run.planning for run in times)
    return len(hits), median_of(inside), min(inside), median_of(run.execution for run in probes), planning


async def _explain_prepared(db: AsyncSession, statement: str, parameters: Any) -> list[QueryTimes]:
    """Return the times of the statement as a prepared one, which `EXPLAIN` alone would plan each time."""
    await sql.execute(db, f"PREPARE search AS {statement}")
    names = ", ".join(f"%{n}$L" for n in range(1, len(parameters) + 1))
    types = ("int[]", "text[]", "real[]", "int[]", "real[]")
    placeholders = ", ".join(f"${n}::{type_}" for n, type_ in enumerate(types, start=1))
    run = await sql.fetch_value(db, f"SELECT format('EXECUTE search({names})', {placeholders})", *parameters)
    for _ in range(CUSTOM_PLAN_COUNT + 1):
        await sql.execute(db, run)
    times = [await explain(db, run, ()) for _ in range(SEARCH_REPETITIONS)]
    await sql.execute(db, "DEALLOCATE search")
    return times
