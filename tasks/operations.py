"""Housekeeping: old runs of the timetable, files that no row names."""

import asyncio

from app.core import clock
from app.core.schedule import ScheduleRuns
from app.exports.repository import Exports
from app.photos.repository import Photos
from app.vetting.repository import Documents
from tasks.context import Context, unit_of_work

# Tasks that run every few minutes: their runs are deleted after two days, all others' after a year.
FREQUENT = (
    "expire_holds",
    "cancel_unfilled_bookings",
    "end_priority_offers",
    "complete_overdue_jobs",
    "send_job_reminders",
    "send_offer_waves",
)


async def prune_runs(ctx: Context) -> int:
    async with unit_of_work(ctx) as db:
        return await ScheduleRuns(db).prune(FREQUENT, clock.now())


async def sweep_files(ctx: Context) -> int:
    """Delete files that a killed process left in the private folder, ten minutes later."""
    async with unit_of_work(ctx) as db:
        names = {*await Documents(db).stored_names(), *await Exports(db).stored_names()}
        names |= await Photos(db).stored_names()
    return await asyncio.to_thread(ctx["services"].storage.sweep, names)
