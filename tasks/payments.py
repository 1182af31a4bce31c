"""Payouts over time, and old remembered payment methods."""

from app.billing.ledger_day import count_new_entries
from app.billing.payouts import make_weekly_run
from app.core import clock
from app.payments import charges, saved_methods_repository
from tasks.context import Context, repeat_until_done, unit_of_work


async def release_payouts(ctx: Context) -> int:
    """Release payouts whose holding period is over."""
    return await repeat_until_done(ctx, charges.release_held_payouts)


async def run_payouts(ctx: Context) -> int:
    """Make the payout run until the last Sunday; return to how many professionals."""
    async with unit_of_work(ctx) as db:
        return await make_weekly_run(db)


async def count_ledger(ctx: Context) -> int:
    """Count the new lines of the ledger, for the trial balance and what is due."""
    return await repeat_until_done(ctx, count_new_entries)


async def prune_saved_methods(ctx: Context) -> int:
    """Delete remembered payment methods that are of no use any more."""
    async with unit_of_work(ctx) as db:
        return await saved_methods_repository.prune(db, clock.now())
