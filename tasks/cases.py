"""Old cases."""

from app.cases import repository
from app.core import clock
from tasks.context import Context, unit_of_work


async def prune_cases(ctx: Context) -> int:
    """Delete cases that were decided three years ago, with their messages."""
    async with unit_of_work(ctx) as db:
        return await repository.prune(db, clock.now())
