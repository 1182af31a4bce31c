"""Documents that expire."""

from app.vetting import document_changes
from tasks.context import Context, unit_of_work


async def warn_of_expiry(ctx: Context) -> int:
    """W7: 30, 7 and 1 day before, and on the day."""
    async with unit_of_work(ctx) as db:
        return await document_changes.warn_of_expiry(db)
