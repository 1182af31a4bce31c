"""`doorstep seed`: the demo town, the same one from the same day, made once and never in production."""

import argparse
import asyncio
import random

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.address import Pincode
from app.accounts.user import User
from app.catalog.reference_data import load_catalogue
from app.check.run import broken
from app.core.db import Database
from app.core.encryption import Vault
from app.core.secrets import Passwords
from app.core.storage import Storage
from app.dev import demo_people
from app.dev.demo_documents import hand_in
from app.dev.demo_history import relive
from app.dev.demo_town import found
from app.settings import Settings

SEED = 600020


def main(_args: argparse.Namespace) -> int:
    """The exit status: 0 when the town stands. Raises RuntimeError if it would break its own rules."""
    return asyncio.run(_seed(Settings.from_env()))


async def _seed(settings: Settings) -> int:
    storage = Storage(settings.uploads_dir)
    database, vault = Database(settings.database_url, statement_timeout=600), Vault(settings.secret_key)
    try:
        async with database.work() as db:
            said = await make_town(db, vault, Passwords(vault), storage)
        if said is None:
            print("The demo town stands already.")
            return 0
        async with database.sessions() as db:
            wrong = await broken(db, storage)
    finally:
        await database.close()
    print(said)
    for one in wrong:
        print(f"It breaks {one.rule}: {one.what}.")
    return 1 if wrong else 0


async def make_town(db: AsyncSession, vault: Vault, passwords: Passwords, storage: Storage) -> str | None:
    """A sentence about what was made; None when a town stands already."""
    await db.execute(text("SELECT pg_advisory_xact_lock(:one)").bindparams(one=SEED))
    if await db.scalar(select(User.id).where(func.lower(User.email) == demo_people.CUSTOMER)):
        return None
    if not await db.scalar(select(func.count()).select_from(Pincode)):
        raise RuntimeError("there are no pincodes yet: doorstep migrate loads them")
    await load_catalogue(db)
    town = await found(db, random.Random(SEED), await passwords.hash(demo_people.DEMO_PASSWORD))
    papers = await hand_in(db, town, storage)
    bookings = await relive(db, town, vault)
    people, services = len(town.residents) + len(town.people), len(town.services)
    return f"The demo town stands: {people} people, {services} services, {bookings} bookings, {papers} papers."
