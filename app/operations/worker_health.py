"""Gauges of the background work, for /metrics and for the admins."""

from sqlalchemy.exc import SQLAlchemyError

from app.core import clock
from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.pubsub import REDIS_ERRORS
from app.core.schedule import ScheduleRuns
from app.operations.repository import BackgroundWork

# (help, value or value by label) of each gauge, by name.
Gauges = dict[str, tuple[str, float | dict[str, float]]]


async def worker_gauges(database: Database, after_commit: AfterCommit) -> Gauges:
    """Depth of the outbox and the queues, seconds since a worker began a task; without what does not answer."""
    gauges: Gauges = {}
    try:
        async with database.reading() as db:
            depth = await BackgroundWork(db).outbox_depth(clock.now())
            last_started_at = await ScheduleRuns(db).last_started_at()
    except (SQLAlchemyError, OSError, TimeoutError):
        return gauges
    gauges["doorstep_outbox_due"] = ("Messages due for delivery", {row.channel: float(row.waiting) for row in depth})
    gauges["doorstep_outbox_oldest_seconds"] = (
        "Age in seconds of the oldest message due for delivery",
        {row.channel: row.oldest for row in depth},
    )
    if last_started_at is not None:
        seconds = (clock.now() - last_started_at).total_seconds()
        gauges["doorstep_worker_idle_seconds"] = ("Seconds since a worker last started a task", seconds)
    gauges["doorstep_queue_waiting"] = ("Tasks waiting in each queue", await queue_depths(after_commit))
    return gauges


async def queue_depths(after_commit: AfterCommit) -> dict[str, float]:
    """Return the waiting tasks of each queue; empty while Redis is down."""
    if not after_commit.bus.up:
        return {}
    try:
        counts = await after_commit.tasks.queued_counts()
    except REDIS_ERRORS as error:
        after_commit.bus.mark_down(error)
        return {}
    return {name: float(count) for name, count in counts.items()}
