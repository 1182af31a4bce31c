"""`doorstep catalogue fill`: give services of the standard catalogue the texts that they lack.

A database from before a text existed has it empty. What an admin wrote or emptied stays as it is.
"""

import asyncio
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.reference_data import read_services
from app.catalog.repository import CatalogueRepository
from app.catalog.service import ServiceQuestion
from app.core.db import Database
from app.core.events import PLATFORM
from app.core.sql import fetch

# The standard services with what they lack, and which of their texts a person has written or emptied, by their history.
TEXTS = """
    SELECT s.id, s.slug, s.included, s.excluded, s.parts, s.preparation, s.guarantee,
           ARRAY(SELECT q.question FROM service_questions q WHERE q.service_id = s.id) AS questions,
           ARRAY(SELECT DISTINCT field.name FROM events e
                  CROSS JOIN LATERAL jsonb_object_keys(e.facts -> 'after') AS field (name)
                  WHERE e.subject = 'service-' || s.id AND e.actor_id IS NOT NULL) AS written
      FROM services s WHERE s.slug = ANY($1::text[]) ORDER BY s.id
"""
FIELDS = ("included", "excluded", "parts", "preparation", "guarantee", "questions")


def main(database: Database) -> int:
    """Fill in one transaction, and print how many services have changed."""
    count = asyncio.run(_fill(database))
    print(f"Filled texts of {count} services." if count else "No service lacks a text.")
    return 0


async def _fill(database: Database) -> int:
    try:
        async with database.work() as db:
            return await fill_texts(db)
    finally:
        await database.close()


async def fill_texts(db: AsyncSession) -> int:
    """Fill what is empty and was never written by a person; return how many services changed. Safe to run twice."""
    standard = {entry["slug"]: entry for entry in read_services()}
    await CatalogueRepository(db).lock()
    changed = 0
    for row in await fetch(db, TEXTS, list(standard)):
        missing = {
            field: standard[row["slug"]][field] for field in FIELDS if not row[field] and field not in row["written"]
        }
        missing = {field: text for field, text in missing.items() if text}
        if missing:
            await _write(db, row["id"], missing)
            changed += 1
    await db.flush()
    return changed


async def _write(db: AsyncSession, service_id: int, texts: dict[str, Any]) -> None:
    service = await CatalogueRepository(db).service(service_id, locked=True)
    for field, text in texts.items():
        if field == "questions":
            db.add_all(
                ServiceQuestion(service_id=service.id, position=position, question=question, answer=answer)
                for position, (question, answer) in enumerate(text, 1)
            )
        else:
            setattr(service, field, text)
    before = {field: "" if isinstance(text, str) else [] for field, text in texts.items()}
    service.record("service.changed", by=PLATFORM, before=before, after=texts)
