"""Old appeals of blocks."""

from app.blocking import appeal_repository
from app.blocking.appeals import delete_old_photos
from app.core import clock
from tasks.context import Context, repeat_until_done, unit_of_work


async def prune_appeals(ctx: Context) -> int:
    """Delete photos of appeals that were decided 180 days ago, and appeals of three years ago."""
    storage = ctx["services"].storage
    await repeat_until_done(ctx, lambda db: delete_old_photos(db, storage))
    async with unit_of_work(ctx) as db:
        return await appeal_repository.prune(db, clock.now())
