"""How the work for later stands: for /metrics and for the desk."""

from sqlalchemy.exc import SQLAlchemyError

from app.core import clock
from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.pubsub import Broken
from app.core.schedule import Runs
from app.operations.repository import Work

Gauges = dict[str, tuple[str, float | dict[str, float]]]


async def waiting_work(database: Database, after: AfterCommit) -> Gauges:
    """Depth of the outbox and of the queues, and how long nobody has worked; what cannot be asked is left out."""
    told: Gauges = {}
    try:
        async with database.reading() as db:
            depth, heard = await Work(db).depth(clock.now()), await Runs(db).last_heard()
    except (SQLAlchemyError, OSError, TimeoutError):
        return told
    told["doorstep_outbox_due"] = ("Messages that are due", {row.channel: float(row.waiting) for row in depth})
    told["doorstep_outbox_oldest_seconds"] = ("Age of the oldest one", {row.channel: row.oldest for row in depth})
    if heard is not None:
        silent = (clock.now() - heard).total_seconds()
        told["doorstep_worker_silent_seconds"] = ("Since a worker last began a task", silent)
    told["doorstep_queue_waiting"] = ("Tasks that wait in each queue", await queues(after))
    return told


async def queues(after: AfterCommit) -> dict[str, float]:
    """Tasks that wait, by queue; nothing while Redis is away."""
    if not after.bus.up:
        return {}
    try:
        return {name: float(count) for name, count in (await after.tasks.waiting()).items()}
    except Broken as problem:
        after.bus.lost(problem)
        return {}
