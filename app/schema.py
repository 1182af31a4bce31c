"""Upgrade of a database to this version's schema and reference data, for `doorstep migrate`."""

import asyncio

from sqlalchemy.ext.asyncio import create_async_engine

from app.accounts.pincode_data import load_pincodes
from app.core import migrate
from app.core.db import driver_url


def upgrade(owner_url: str, app_url: str) -> None:
    """Run migrations as the owner, grant the application's role its privileges, and load pincodes."""
    migrate.upgrade(owner_url, app_url)
    asyncio.run(_load(owner_url))


async def _load(owner_url: str) -> None:
    engine = create_async_engine(driver_url(owner_url), connect_args={"timeout": 5})
    try:
        async with engine.begin() as connection:
            await load_pincodes(connection)
    finally:
        await engine.dispose()
