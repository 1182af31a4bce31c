"""Old reports of reviews."""

from app.core import clock
from app.reviews import moderation_repository
from tasks.context import Context, unit_of_work


async def prune_reports(ctx: Context) -> int:
    """Delete reports that were settled three years ago."""
    async with unit_of_work(ctx) as db:
        return await moderation_repository.prune_reports(db, clock.now())
