"""`doorstep seed`: create the demo town once, never in production; the same day gives the same town.

It is made in two transactions: first everything that people see at once, with the bookings of two weeks, then half a
year of history. Each is whole or not there, so a run that was killed goes on where its last transaction ended.
"""

import argparse
import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

import app.events
import app.models  # noqa: F401  declares every event type and table; no listener is installed, so nothing is sent
from app.accounts.address import Pincode
from app.catalog.reference_data import load_catalogue
from app.check.run import find_violations
from app.core.after_commit import CACHE_AUDIENCE, AfterCommit
from app.core.cache_tags import BOOKING_COUNTS, JOB_DONE
from app.core.db import AdvisoryLock, Database, acquire_lock
from app.core.encryption import Encryption
from app.core.events import OutgoingMessage, send_after_commit
from app.core.pubsub import DEMO_KEY, REDIS_ERRORS
from app.core.secrets import Passwords
from app.core.storage import Storage
from app.dev import demo_people
from app.dev.demo_documents import submit_documents
from app.dev.demo_history import RANDOM_SEED, has_history, write_history, write_present
from app.dev.demo_money import write_money
from app.dev.demo_town import PROFESSIONAL_COUNT, create_town, load_town
from app.settings import Settings

STATEMENT_SECONDS = 600


def main(args: argparse.Namespace) -> int:
    """Return the exit code: 0 when the parts exist; of the whole town also that it breaks no invariant."""
    return asyncio.run(_seed(Settings.from_env(), args.part))


async def _seed(settings: Settings, part: str) -> int:
    storage, encryption = Storage(settings.uploads_dir), Encryption(settings.secret_key)
    async with _connections(settings) as (database, after_commit):
        summaries = []
        if part != "history":
            async with database.work() as db:
                summaries.append(await seed_present(db, encryption, Passwords(encryption), storage))
        await _show_state(after_commit, database)
        if part != "present":
            async with database.work(after_commit) as db:
                summaries.append(await seed_history(db, encryption))
            await _show_state(after_commit, database)
        if part == "all" and any(summaries):
            async with database.sessions() as db:
                violations = await find_violations(db, storage)
            for violation in violations:
                print(f"Broken rule {violation.rule}: {violation.subject}.")
            if violations:
                return 1
    if part == "all" and not any(summaries):
        summaries.append("The demo town already exists.")
    for summary in filter(None, summaries):
        print(summary)
    return 0


@asynccontextmanager
async def _connections(settings: Settings) -> AsyncIterator[tuple[Database, AfterCommit]]:
    database = Database(settings.database_url, statement_timeout=STATEMENT_SECONDS, application_name="seed")
    after_commit = AfterCommit(settings.redis_url)
    await after_commit.start()
    try:
        yield database, after_commit
    finally:
        await after_commit.stop()
        await database.close()


async def _show_state(after_commit: AfterCommit, database: Database) -> None:
    """Tell /health/ready whether the history is still missing; without Redis it says nothing of the demo town."""
    async with database.sessions() as db:
        town = await load_town(db)
        state = "ready" if town and await has_history(db, town) else "filling"
    try:
        await after_commit.bus.redis.set(after_commit.bus.prefix + DEMO_KEY, state)
    except REDIS_ERRORS as error:
        after_commit.bus.mark_down(error)


async def seed_present(db: AsyncSession, encryption: Encryption, passwords: Passwords, storage: Storage) -> str | None:
    """Create the people, the catalogue and the bookings of two weeks, and return a summary; None when they exist."""
    await acquire_lock(db, AdvisoryLock.SEED)
    if await load_town(db):
        return None
    documents = await seed_people(db, passwords, storage)
    town = await load_town(db)
    assert town is not None
    bookings = await write_present(db, town, encryption)
    people, services = len(town.residents) + PROFESSIONAL_COUNT, len(town.services)
    return f"Created the demo town: {people} people, {services} services, {bookings} bookings, {documents} documents."


async def seed_people(db: AsyncSession, passwords: Passwords, storage: Storage) -> int:
    """Create the catalogue, the people and the professionals' documents; return how many of the last."""
    if not await db.scalar(select(func.count()).select_from(Pincode)):
        raise RuntimeError("There are no pincodes yet. Run doorstep migrate first.")
    await load_catalogue(db)
    rng = random.Random(RANDOM_SEED)
    professionals = await create_town(db, rng, await passwords.hash(demo_people.DEMO_PASSWORD))
    return await submit_documents(db, professionals, storage)


async def seed_history(db: AsyncSession, encryption: Encryption) -> str | None:
    """Create the bookings of the half year before, and return a summary; None when they exist or there is no town."""
    await acquire_lock(db, AdvisoryLock.SEED)
    town = await load_town(db)
    if town is None or await has_history(db, town):
        return None
    bookings = await write_history(db, town, encryption)
    await write_money(db, town, encryption)
    send_after_commit(db, [OutgoingMessage(CACHE_AUDIENCE, tag) for tag in (*JOB_DONE, BOOKING_COUNTS)])
    return f"Added half a year of history to the demo town: {bookings} bookings."
