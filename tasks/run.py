"""One worker process: the queue while Redis is there, the pulse every second whether it is or not."""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable
from typing import Any

from saq import CronJob, Worker

import app.tables  # noqa: F401  a row of one feature points at rows of others: all tables must be known
from app.discovery.cache import clear_what_it_changes
from app.kit import clock, logs
from app.kit.after import AfterCommit
from app.kit.db import Database
from app.kit.desk import tell_the_desk
from app.kit.events import on_every_event
from app.kit.live import Broken
from app.kit.queue import queue_at
from app.kit.vault import Vault
from app.notifications import rules
from app.settings import Settings
from app.web.health import WORKER_KEY
from app.web.static import Assets
from app.web.templating import environment
from tasks.context import Context
from tasks.worker import PULSE, TASKS, TIMETABLE

GRACE = 3  # seconds for tasks that are running when the worker is told to stop
HEARD_FOR = 15  # seconds until a silent worker counts as down
log = logs.get("worker")


class Patient(Worker[Any]):
    """SAQ's worker, but signals are ours and a worker without running tasks stops at once."""

    SIGNALS: list[signal.Signals] = []

    async def stop(self) -> None:
        self._shutdown_grace_period_s = GRACE if self.job_task_contexts else 0
        await super().stop()


def run(settings: Settings) -> None:
    """Works until SIGTERM or SIGINT."""
    logs.set_up(settings.log_level, as_json=settings.production)
    on_every_event(clear_what_it_changes)
    on_every_event(tell_the_desk)
    asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    rules.install()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    after, database = AfterCommit(settings.redis_url), Database(settings.database_url, application_name="worker")
    context = _context(settings, database, after)
    await after.start()
    log.info("worker is up", tasks=len(TASKS), timetable=len(TIMETABLE))
    pulse = asyncio.create_task(_pulse(context, after))
    try:
        await _work_while_redis_is_there(settings, context, after, stop)
    finally:
        pulse.cancel()
        await asyncio.gather(pulse, return_exceptions=True)
        await after.stop()
        await database.close()


def _context(settings: Settings, database: Database, after: AfterCommit) -> Context:
    """What every task is handed as `ctx`."""
    templates = environment(Assets())
    vault = Vault(settings.secret_key)
    return {"settings": settings, "database": database, "after": after, "vault": vault, "templates": templates}


async def _work_while_redis_is_there(
    settings: Settings, context: Context, after: AfterCommit, stop: asyncio.Event
) -> None:
    while not stop.is_set():
        if not after.bus.up:
            await _first(stop, 0.5)
            continue
        worker = _worker(settings, context)
        working = asyncio.create_task(worker.start())
        while after.bus.up and not stop.is_set() and not working.done():
            await _first(stop, 0.25)
        await worker.stop()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        with contextlib.suppress(*Broken):
            await worker.queue.disconnect()


def _worker(settings: Settings, context: Context) -> Patient:
    made = Patient(
        # The worker waits at the queue for as long as it takes: no time-out there.
        queue_at(settings.redis_url, socket_timeout=None),
        functions=list(TASKS),
        cron_jobs=[CronJob(task, cron=when, timeout=600, retries=3) for when, task in TIMETABLE],
        cron_tz=clock.IST,
        concurrency=5,
        shutdown_grace_period_s=GRACE,
        timers={"schedule": 1, "worker_info": 10, "sweep": 10, "abort": 1},
    )
    made.context.update(context)
    return made


async def _pulse(context: Context, after: AfterCommit) -> None:
    """What may not wait for Redis, such as mail in the outbox; and the sign of life that /health/ready shows."""
    while True:
        for task in PULSE:
            await _carefully(task, context)
        if after.bus.up:
            with contextlib.suppress(*Broken):
                await after.bus.redis.set(after.bus.prefix + WORKER_KEY, "up", ex=HEARD_FOR)
        await asyncio.sleep(1)


async def _carefully(task: Callable[[Context], Awaitable[object]], context: Context) -> None:
    try:
        await task(context)
    except Exception as problem:
        log.exception("the pulse missed a beat", task=task.__name__, problem=type(problem).__name__)
        await asyncio.sleep(2)


async def _first(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
