"""`doorstep seed`: create the demo town once, never in production; the same day gives the same town."""

import argparse
import asyncio
import random

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

import app.events
import app.models  # noqa: F401  declares every event type and table; no listener is installed, so nothing is sent
from app.accounts.address import Pincode
from app.accounts.user import User
from app.catalog.reference_data import load_catalogue
from app.check.run import find_violations
from app.core.db import AdvisoryLock, Database, acquire_lock
from app.core.encryption import Encryption
from app.core.secrets import Passwords
from app.core.storage import Storage
from app.dev import demo_people
from app.dev.demo_documents import submit_documents
from app.dev.demo_history import replay_history
from app.dev.demo_town import create_town
from app.settings import Settings

RANDOM_SEED = 600020


def main(_args: argparse.Namespace) -> int:
    """Return the exit code: 0 when the town exists and breaks no invariant."""
    return asyncio.run(_seed(Settings.from_env()))


async def _seed(settings: Settings) -> int:
    storage = Storage(settings.uploads_dir)
    database, encryption = Database(settings.database_url, statement_timeout=600), Encryption(settings.secret_key)
    try:
        async with database.work() as db:
            summary = await seed_demo_town(db, encryption, Passwords(encryption), storage)
        if summary is None:
            print("The demo town already exists.")
            return 0
        async with database.sessions() as db:
            violations = await find_violations(db, storage)
    finally:
        await database.close()
    print(summary)
    for violation in violations:
        print(f"Broken rule {violation.rule}: {violation.subject}.")
    return 1 if violations else 0


async def seed_demo_town(
    db: AsyncSession, encryption: Encryption, passwords: Passwords, storage: Storage
) -> str | None:
    """Create the demo town and return a summary; None when it exists already."""
    await acquire_lock(db, AdvisoryLock.SEED)
    if await db.scalar(select(User.id).where(func.lower(User.email) == demo_people.CUSTOMER_EMAIL)):
        return None
    if not await db.scalar(select(func.count()).select_from(Pincode)):
        raise RuntimeError("There are no pincodes yet. Run doorstep migrate first.")
    await load_catalogue(db)
    town = await create_town(db, random.Random(RANDOM_SEED), await passwords.hash(demo_people.DEMO_PASSWORD))
    documents = await submit_documents(db, town, storage)
    bookings = await replay_history(db, town, encryption)
    people, services = len(town.residents) + len(town.professionals), len(town.services)
    return f"Created the demo town: {people} people, {services} services, {bookings} bookings, {documents} documents."
