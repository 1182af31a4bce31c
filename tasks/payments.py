"""Payouts over time."""

from app.payments import charges
from tasks.context import Context, unit_of_work


async def release_payouts(ctx: Context) -> int:
    """Release payouts whose holding period is over."""
    async with unit_of_work(ctx) as db:
        return await charges.release_held_payouts(db)
