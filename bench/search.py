"""Search over 2,000 services and 50,000 terms: ms inside PostgreSQL, beside one probe of the index for the same word.

PostgreSQL plans this question anew each time, so planning and execution together are what a search costs.
"""

import argparse
import asyncio
from typing import Any

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.search import find_services
from app.core.db import Database
from bench.servers import BenchServers, temporary_servers
from bench.slots import explained, statements
from bench.tables import middle, show
from bench.town import build

TIMES = 15
WORDS = ("cleaning", "tap leak", "ac gas", "wahsing machin", "plumer", "sofa shampoo cleaning", "kuzhai", "zzzzqq")
HEAD = ("words", "hits", "large, ms", "least", "probe alone, ms", "planning, ms", "today's catalogue, ms", "target")

# Names and words of many kinds: each made of two or three of the catalogue's own words and syllables that are not.
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
        (words, hits, inside, least, probe, planning, small[words][1], "≤ 5 ms")
        for words, (hits, inside, least, probe, planning) in large.items()
    ]
    show(f"Search, {args.services:,} services and {args.terms:,} terms, medians of {TIMES}", HEAD, rows)


async def _grow(servers: BenchServers, services: int, terms: int) -> None:
    owner = await asyncpg.connect(servers.owner)
    try:
        have = await owner.fetchrow("SELECT (SELECT count(*) FROM services) s, (SELECT count(*) FROM search_terms) t")
        assert have is not None
        await owner.execute(SERVICES, services - have["s"])
        await owner.execute(TERMS, terms - have["t"])
        await owner.execute("VACUUM ANALYZE")
    finally:
        await owner.close()


async def _measure(servers: BenchServers) -> dict[str, tuple[Any, ...]]:
    """Words → hits; ms of the whole question, median and least, of one probe, and of planning the question."""
    database = Database(servers.app)
    try:
        async with database.work() as db:
            return {words: await _asked(database, db, words) for words in WORDS}
    finally:
        await database.close()


async def _asked(database: Database, db: AsyncSession, words: str) -> tuple[Any, ...]:
    with statements(database) as sent:
        hits = await find_services(db, words)
    times = [await explained(db, *sent[0]) for _ in range(TIMES)]
    await db.execute(text("SET LOCAL pg_trgm.word_similarity_threshold = 0.33"))
    probes = [await explained(db, PROBE, (words.split()[0],)) for _ in range(TIMES)]
    inside = [one.execution for one in times]
    planning = middle(one.planning for one in times)
    return len(hits), middle(inside), min(inside), middle(one.execution for one in probes), planning
