"""`doorstep check`: reads everything, changes nothing, and names each row that breaks a rule of the stored data."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

import app.models  # noqa: F401  a row of one feature points at rows of others: all tables must be known
from app.bookings.moves import ACTIVE
from app.check.catalog import CATALOGUE
from app.check.chains import broken_chains
from app.check.constraints import guards
from app.check.deletion import FORGOTTEN
from app.check.files import broken_files
from app.check.history import HISTORY
from app.check.invariants import BOOKINGS, FOLLOWS, MONEY
from app.check.professionals import SHOWN
from app.check.records import RECORDS
from app.check.report_columns import RECOUNTED
from app.core.card_numbers import LONG_NUMBER, contains_card_number
from app.core.migrate import APPEND_ONLY, head_revision
from app.core.storage import Storage
from app.scheduling.travel import Location, travel_seconds
from app.web.services import WebServices

PAIRS = [(before, after) for before, afters in FOLLOWS.items() for after in afters]
BOUND: Mapping[str, list[str]] = {
    "moves": sorted({after for _, after in PAIRS}),
    "sources": [before for before, _ in PAIRS],
    "targets": [after for _, after in PAIRS],
    "append_only": list(APPEND_ONLY),
    "guards": sorted(guards()),
}
NEIGHBOURS = """
    SELECT reference, ends_at, pincode, latitude, longitude,
           lead(reference) OVER w AS next, lead(starts_at) OVER w AS next_starts, lead(pincode) OVER w AS next_pincode,
           lead(latitude) OVER w AS next_latitude, lead(longitude) OVER w AS next_longitude
      FROM bookings JOIN pincodes USING (pincode)
     WHERE bookings.state = ANY(:active) AND reserved_for IS NOT NULL
    WINDOW w AS (PARTITION BY reserved_for ORDER BY starts_at)
"""
WORDS = """
    SELECT table_name, column_name FROM information_schema.columns
     WHERE table_schema = 'public' AND data_type IN ('text', 'jsonb', 'character varying', 'ARRAY')
       AND table_name NOT IN ('pincodes', 'search_terms', 'alembic_version')
"""


@dataclass(frozen=True, slots=True)
class Broken:
    rule: str
    says: str
    what: str


async def broken(db: AsyncSession, storage: Storage | None = None) -> list[Broken]:
    """Every row that breaks an invariant, and every file of `storage`; empty when all is sound."""
    # Whole tables are joined here, often before their first ANALYZE: the planner must not loop over them.
    await db.execute(text("SET LOCAL enable_nestloop = off"))
    found = [
        Broken(rule.name, rule.says, what)
        for rule in (*BOOKINGS, *MONEY, *RECORDS, *CATALOGUE, *HISTORY, FORGOTTEN, SHOWN, RECOUNTED)
        for what in await db.scalars(text(rule.query), {key: BOUND[key] for key in _asks(rule.query)})
    ]
    for name, says, rows in (
        ("history-is-unbroken", "The chain of events of every record is whole", broken_chains(db)),
        ("schema-is-current", "The schema is the one that this code was written for", _behind(db)),
        ("ways-fit-between-jobs", "Between two jobs there is time for the way", _too_close(db)),
        ("no-card-is-stored", "No text holds a card's number, no column its security code", _card_numbers(db)),
    ):
        found += [Broken(name, says, what) async for what in rows]
    if storage is not None:
        says = "Every paper is on the disk as it was kept, and nothing else is"
        found += [Broken("files-match-their-rows", says, what) async for what in broken_files(db, storage)]
    return found


ALONE = [
    "history-is-unbroken",
    "schema-is-current",
    "ways-fit-between-jobs",
    "no-card-is-stored",
    "files-match-their-rows",
]
RULES = [rule.name for rule in (*BOOKINGS, *MONEY, *RECORDS, *CATALOGUE, *HISTORY, FORGOTTEN, SHOWN, RECOUNTED)] + ALONE


def main(services: WebServices) -> int:
    """Print what is broken, a line each; 1 when anything is."""
    return asyncio.run(_check(services))


async def _check(services: WebServices) -> int:
    try:
        async with services.database.sessions() as db:
            found = await broken(db, services.storage)
    finally:
        await services.database.close()
    for one in found:
        print(f"{one.rule}: {one.what}. {one.says}.")
    print(f"{len(RULES)} rules, {len(found)} broken." if found else f"{len(RULES)} rules, all kept.")
    return 1 if found else 0


def _asks(query: str) -> set[str]:
    return {key for key in BOUND if f":{key}" in query}


async def _behind(db: AsyncSession) -> AsyncIterator[str]:
    for revision in await db.scalars(text("SELECT version_num FROM alembic_version")):
        if revision != head_revision():
            yield f"revision {revision}, not {head_revision()}"


async def _too_close(db: AsyncSession) -> AsyncIterator[str]:
    for row in await db.execute(text(NEIGHBOURS), {"active": [str(state) for state in ACTIVE]}):
        if row.next is None:
            continue
        here = Location(row.pincode, row.latitude, row.longitude)
        there = Location(row.next_pincode, row.next_latitude, row.next_longitude)
        if (row.next_starts - row.ends_at).total_seconds() < travel_seconds(here, there):
            yield f"bookings {row.reference} and {row.next}"


async def _card_numbers(db: AsyncSession) -> AsyncIterator[str]:
    for table, column in (await db.execute(text(WORDS))).all():
        if re.search("cvv|cvc|card_number", column):
            yield f"{table}.{column}"
        query = f'SELECT "{column}"::text FROM "{table}" WHERE "{column}"::text ~ :long'
        found = await db.scalars(text(query), {"long": rf"\m{LONG_NUMBER}\M"})
        for words in found:
            if contains_card_number(words):
                yield f"{table}.{column}"
