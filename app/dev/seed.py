"""`doorstep seed`: the demo town, the same one from the same day, made once and never in production."""

import argparse
import asyncio
import random

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.area import Pincode
from app.accounts.user import User
from app.catalog.reference import load_catalogue
from app.check.run import broken
from app.dev import cast
from app.dev.past import relive
from app.dev.town import found
from app.kit.db import Database
from app.kit.secrets import Passwords
from app.kit.vault import Vault
from app.settings import Settings

SEED = 600020


def main(_args: argparse.Namespace) -> int:
    """The exit status: 0 when the town stands. Raises RuntimeError if it would break its own rules."""
    return asyncio.run(_seed(Settings.from_env()))


async def _seed(settings: Settings) -> int:
    database, vault = Database(settings.database_url), Vault(settings.secret_key)
    try:
        async with database.work() as db:
            said = await make_town(db, vault, Passwords(vault))
        print(said)
        return 0
    finally:
        await database.close()


async def make_town(db: AsyncSession, vault: Vault, passwords: Passwords) -> str:
    """A sentence about what was made; a town that stands already is left alone."""
    await db.execute(text("SELECT pg_advisory_xact_lock(:one)").bindparams(one=SEED))
    if await db.scalar(select(User.id).where(func.lower(User.email) == cast.CUSTOMER)):
        return "The demo town stands already."
    if not await db.scalar(select(func.count()).select_from(Pincode)):
        return "There are no pincodes yet: run doorstep migrate first."
    await load_catalogue(db)
    town = await found(db, random.Random(SEED), await passwords.hash(cast.DEMO_PASSWORD))
    bookings = await relive(db, town, vault)
    wrong = await broken(db)
    if wrong:
        raise RuntimeError(f"The demo town breaks its own rules: {wrong[:3]}")
    people = len(town.residents) + len(town.people)
    return f"The demo town stands: {people} people, {len(town.services)} services, {bookings} bookings."
