"""Payouts over time."""

from app.payments import charges
from tasks.context import Context, repeat_until_done


async def release_payouts(ctx: Context) -> int:
    """Release payouts whose holding period is over."""
    return await repeat_until_done(ctx, charges.release_held_payouts)
