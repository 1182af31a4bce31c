"""People whose personal data can be searched for in all tables."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.user import User
from tests.bookings.scenes import Scene
from tests.own_application import own_app, own_storage, scene

__all__ = ["own_app", "own_storage", "scene"]
TABLES = text("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")


async def rename_user(scene: Scene, user: User, full_name: str, email: str, phone: str) -> User:
    async with scene.database.work() as db:
        db.add(user)
        user.full_name, user.email, user.phone = full_name, email, phone
    return user


async def find_traces(db: AsyncSession, *expected_text: str) -> dict[str, list[str]]:
    """The rows of every table that contain any of these terms, in any case."""
    traces: dict[str, list[str]] = {}
    for table in await db.scalars(TABLES):
        if table in ("pincodes", "invoices"):  # the law has invoices kept as they were issued
            continue
        query = f'SELECT t::text FROM "{table}" t WHERE lower(t::text) LIKE ANY(:words)'
        rows = list(await db.scalars(text(query), {"words": [f"%{term.lower()}%" for term in expected_text]}))
        if rows:
            traces[table] = rows
    return traces
