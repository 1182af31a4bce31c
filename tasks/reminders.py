"""Reminders, on the timetable."""

from app.notifications import reminders
from tasks.context import Context, work


async def remind_in_the_evening(ctx: Context) -> int:
    """Portion by portion, each in a transaction of its own: whoever goes on after a crash tells nobody twice."""
    last, portions = 0, 0
    while True:
        async with work(ctx) as db:
            reached = await reminders.remind_evening(db, ctx["tick"], last)
        if reached is None:
            return portions
        last, portions = reached, portions + 1


async def remind_before_jobs(ctx: Context) -> int:
    async with work(ctx) as db:
        return await reminders.remind_before(db)
