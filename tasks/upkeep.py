"""What the clock does: lapsed holds, unanswered offers, jobs left running, old bookings, worn-out keys."""

from app.accounts import session
from app.bookings import expiry, holds
from app.core import clock, idempotency
from app.core.schedule import Runs
from app.payments import charges
from tasks.context import Context, work

OFTEN = (
    "lapse_holds",
    "give_up_unfilled",
    "ask_the_others",
    "complete_left_running",
    "remind_before_jobs",
)


async def lapse_holds(ctx: Context) -> int:
    async with work(ctx) as db:
        return await holds.expire_holds(db)


async def give_up_unfilled(ctx: Context) -> int:
    async with work(ctx) as db:
        return await expiry.give_up_unfilled(db)


async def ask_the_others(ctx: Context) -> int:
    async with work(ctx) as db:
        return await expiry.ask_the_others(db)


async def complete_left_running(ctx: Context) -> int:
    async with work(ctx) as db:
        return await expiry.complete_left_running(db)


async def close_old_bookings(ctx: Context) -> int:
    async with work(ctx) as db:
        return await expiry.close_left_unreviewed(db)


async def free_payouts(ctx: Context) -> int:
    async with work(ctx) as db:
        return await charges.free_payouts(db)


async def prune_sessions(ctx: Context) -> int:
    async with work(ctx) as db:
        return await session.prune(db, clock.now())


async def prune_runs(ctx: Context) -> int:
    """The minute-by-minute rows of yesterday; what runs daily or less often stays for a year."""
    async with work(ctx) as db:
        return await Runs(db).prune(OFTEN, clock.now())


async def prune_keys(ctx: Context) -> int:
    async with work(ctx) as db:
        return await idempotency.prune(db, clock.now())
