"""Sessions and idempotency keys that have expired."""

from app.accounts import session
from app.core import clock, idempotency
from tasks.context import Context, unit_of_work


async def prune_sessions(ctx: Context) -> int:
    async with unit_of_work(ctx) as db:
        return await session.prune(db, clock.now())


async def prune_keys(ctx: Context) -> int:
    async with unit_of_work(ctx) as db:
        return await idempotency.prune(db, clock.now())
