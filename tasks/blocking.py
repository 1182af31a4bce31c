"""Old appeals of blocks."""

from app.blocking import appeal_repository
from app.core import clock
from tasks.context import Context, unit_of_work


async def prune_appeals(ctx: Context) -> int:
    """Delete appeals that were decided three years ago."""
    async with unit_of_work(ctx) as db:
        return await appeal_repository.prune(db, clock.now())
