"""Old cases, and their photos."""

from app.cases import repository
from app.cases.cases import delete_old_photos
from app.core import clock
from tasks.context import Context, repeat_until_done, unit_of_work


async def prune_cases(ctx: Context) -> int:
    """Delete photos of cases that were decided 180 days ago, and cases of three years ago, with their messages."""
    storage = ctx["services"].storage
    await repeat_until_done(ctx, lambda db: delete_old_photos(db, storage))
    async with unit_of_work(ctx) as db:
        return await repository.prune(db, clock.now())
