"""`doorstep check`: report every row that violates an invariant of the stored data, without changing anything."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.check.cases import CASE_INVARIANTS
from app.check.catalog import CATALOGUE_INVARIANTS
from app.check.chains import find_broken_chains
from app.check.constraints import constraint_names
from app.check.deletion import DELETION_INVARIANT
from app.check.files import find_broken_files
from app.check.history import HISTORY_INVARIANTS
from app.check.invariants import BOOKING_INVARIANTS, MONEY_INVARIANTS, NEXT_EVENTS
from app.check.invoices import INVOICE_INVARIANTS
from app.check.payouts import PAYOUT_INVARIANTS
from app.check.professionals import CANDIDATE_INVARIANT, PROFESSIONAL_INVARIANT
from app.check.promotions import PROMOTION_INVARIANTS
from app.check.receipt_repository import RECEIPT_INVARIANT, find_broken_receipts
from app.check.records import RECORD_INVARIANTS
from app.check.report_columns import BOOKING_TOTALS_INVARIANT, SERVICE_COUNTS_INVARIANT
from app.core.card_numbers import LONG_NUMBER, contains_card_number
from app.core.db import Database
from app.core.migrate import APPEND_ONLY, head_revision
from app.core.storage import Storage
from app.models import metadata
from app.scheduling.travel import Location, travel_seconds

EVENT_PAIRS = [(before, after) for before, afters in NEXT_EVENTS.items() for after in afters]
PARAMETERS: Mapping[str, list[str]] = {
    "moves": sorted({after for _, after in EVENT_PAIRS}),
    "sources": [before for before, _ in EVENT_PAIRS],
    "targets": [after for _, after in EVENT_PAIRS],
    "append_only": list(APPEND_ONLY),
    "constraints": sorted(constraint_names()),
}
CONSECUTIVE_JOBS = """
    SELECT reference, ends_at, pincodes.pincode, latitude, longitude, lead(reference) OVER w AS next,
           lead(starts_at) OVER w AS next_starts, lead(pincodes.pincode) OVER w AS next_pincode,
           lead(latitude) OVER w AS next_latitude, lead(longitude) OVER w AS next_longitude
      FROM bookings JOIN reservations r ON r.booking_id = bookings.id
      JOIN pincodes ON pincodes.pincode = bookings.pincode
    WINDOW w AS (PARTITION BY r.professional_id ORDER BY starts_at)
"""
TEXT_COLUMNS = """
    SELECT table_name, column_name FROM information_schema.columns
     WHERE table_schema = 'public' AND data_type IN ('text', 'jsonb', 'character varying', 'ARRAY')
       AND table_name NOT IN ('pincodes', 'search_terms', 'alembic_version')
"""


@dataclass(frozen=True, slots=True)
class Violation:
    rule: str
    description: str
    subject: str


async def find_violations(db: AsyncSession, storage: Storage | None = None) -> list[Violation]:
    """Find every row that violates an invariant and, given `storage`, every file that does not match its row."""
    # Whole tables are joined, often before their first ANALYZE: a nested loop would take hours.
    await db.execute(text("SET LOCAL enable_nestloop = off"))
    violations = [
        Violation(rule.name, rule.description, subject)
        for rule in (
            *BOOKING_INVARIANTS,
            *MONEY_INVARIANTS,
            *PROMOTION_INVARIANTS,
            *INVOICE_INVARIANTS,
            *PAYOUT_INVARIANTS,
            *RECORD_INVARIANTS,
            *CASE_INVARIANTS,
            RECEIPT_INVARIANT,
            *CATALOGUE_INVARIANTS,
            *HISTORY_INVARIANTS,
            DELETION_INVARIANT,
            PROFESSIONAL_INVARIANT,
            CANDIDATE_INVARIANT,
            BOOKING_TOTALS_INVARIANT,
            SERVICE_COUNTS_INVARIANT,
        )
        for subject in await db.scalars(text(rule.query), {key: PARAMETERS[key] for key in _parameters_of(rule.query)})
    ]
    for name, description, subjects in (
        ("event-chains-are-intact", "The event chain of every record is intact", find_broken_chains(db)),
        (
            "receipts-are-genuine",
            "Every receipt verifies with its key, and names its booking, an event of its history, and the codes used",
            find_broken_receipts(db),
        ),
        ("schema-is-current", "The database has the latest migration", _outdated_schema(db)),
        ("travel-time-between-jobs", "There is enough travel time between two jobs in a row", _missing_travel_time(db)),
        (
            "no-stored-card-numbers",
            "No text contains a card number, and no column is for security codes",
            _card_numbers(db),
        ),
    ):
        violations += [Violation(name, description, subject) async for subject in subjects]
    if storage is not None:
        description = "Every document, photo and export has its unchanged file, and there are no other files"
        violations += [
            Violation("files-match-rows", description, subject) async for subject in find_broken_files(db, storage)
        ]
    return violations


CODE_CHECKS = [
    "event-chains-are-intact",
    "receipts-are-genuine",
    "schema-is-current",
    "travel-time-between-jobs",
    "no-stored-card-numbers",
    "files-match-rows",
]
RULES = [
    rule.name
    for rule in (
        *BOOKING_INVARIANTS,
        *MONEY_INVARIANTS,
        *PROMOTION_INVARIANTS,
        *INVOICE_INVARIANTS,
        *PAYOUT_INVARIANTS,
        *RECORD_INVARIANTS,
        *CASE_INVARIANTS,
        RECEIPT_INVARIANT,
        *CATALOGUE_INVARIANTS,
        *HISTORY_INVARIANTS,
        DELETION_INVARIANT,
        PROFESSIONAL_INVARIANT,
        CANDIDATE_INVARIANT,
        BOOKING_TOTALS_INVARIANT,
        SERVICE_COUNTS_INVARIANT,
    )
] + CODE_CHECKS


def main(database: Database, storage: Storage) -> int:
    """Print each violation on a line; return 1 if there are any."""
    return asyncio.run(_check(database, storage))


async def _check(database: Database, storage: Storage) -> int:
    try:
        async with database.sessions() as db:
            violations = await find_violations(db, storage)
    finally:
        await database.close()
    for violation in violations:
        print(f"{violation.rule}: {violation.subject}. {violation.description}.")
    print(f"{len(RULES)} rules, {len(violations)} violations.")
    return 1 if violations else 0


def _parameters_of(query: str) -> set[str]:
    return {key for key in PARAMETERS if f":{key}" in query}


async def _outdated_schema(db: AsyncSession) -> AsyncIterator[str]:
    for revision in await db.scalars(text("SELECT version_num FROM alembic_version")):
        if revision != head_revision():
            yield f"revision {revision}, not {head_revision()}"


async def _missing_travel_time(db: AsyncSession) -> AsyncIterator[str]:
    for row in await db.execute(text(CONSECUTIVE_JOBS)):
        if row.next is None:
            continue
        here = Location(row.pincode, row.latitude, row.longitude)
        there = Location(row.next_pincode, row.next_latitude, row.next_longitude)
        if (row.next_starts - row.ends_at).total_seconds() < travel_seconds(here, there):
            yield f"bookings {row.reference} and {row.next}"


async def _card_numbers(db: AsyncSession) -> AsyncIterator[str]:
    for table, column in (await db.execute(text(TEXT_COLUMNS))).all():
        if re.search("cvv|cvc|card_number", column):
            yield f"{table}.{column}"
        key = ", ".join(f'"{part.name}"' for part in metadata.tables[table].primary_key)
        query = f'SELECT concat_ws(\' \', {key}), "{column}"::text FROM "{table}" WHERE "{column}"::text ~ :long'
        for row, value in await db.execute(text(query), {"long": rf"\m{LONG_NUMBER}\M"}):
            if contains_card_number(value):
                yield f"{table}.{column} of {row}"
