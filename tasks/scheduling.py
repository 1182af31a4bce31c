"""Housekeeping of what searches for free starts read."""

from app.scheduling import offered_hours_repository
from tasks.context import Context, unit_of_work


async def prune_offered_hours(ctx: Context) -> int:
    """Remove hours and homes that are no longer offered, pincode by pincode."""
    async with unit_of_work(ctx) as db:
        pincodes = await offered_hours_repository.covered_pincodes(db)
    removed = 0
    for pincode in pincodes:
        async with unit_of_work(ctx) as db:
            removed += await offered_hours_repository.remove_unneeded(db, pincode) or 0
    return removed
