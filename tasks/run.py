"""One worker process: the queue while Redis is there, the pulse every second whether it is or not."""

import asyncio
import contextlib
import functools
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from saq import Worker
from saq.job import Status

import app.models  # noqa: F401  a row of one feature points at rows of others: all tables must be known
from app.core import clock, logs
from app.core.admin_audience import tell_the_desk
from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.encryption import Vault
from app.core.events import channel, on_every_event
from app.core.pubsub import Broken
from app.core.queue import CLOCK, HEARTBEAT, queue_at
from app.core.schedule import TaskFailure, Tick
from app.discovery.invalidation import clear_what_it_changes
from app.notifications import rules
from app.notifications.delivery import LAST_LETTER
from app.settings import Settings
from app.web.health import WORKER_KEY
from app.web.static import Assets
from app.web.templating import environment
from tasks.clock import Clock, Hand, Task, run_tick
from tasks.context import Context, work
from tasks.worker import PULSE, QUEUES, TIMETABLE, run_due_task

GRACE = 3  # seconds for tasks that are running when the worker is told to stop
FAREWELL = LAST_LETTER + 1  # seconds in which a task that was cancelled ends what cannot be left half done
HEARD_FOR = 15  # seconds until a silent worker counts as down
TIMERS: Any = {"schedule": 1, "worker_info": 10, "sweep": 10, "abort": 1}  # seconds between what SAQ does by itself
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
    channel.set("task")  # every task that is begun from here inherits it
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    after, database = AfterCommit(settings.redis_url), Database(settings.database_url, application_name="worker")
    context = _context(settings, database, after)
    await after.start()
    log.info("worker is up", queues=len(QUEUES), timetable=len(TIMETABLE))
    beating = [asyncio.create_task(_beating(task, context)) for task in _pulses(context, after)]
    try:
        await asyncio.gather(*(_work_while_redis_is_there(name, settings, context, after, stop) for name in QUEUES))
    finally:
        for beat in beating:
            beat.cancel()
        await asyncio.gather(*beating, return_exceptions=True)
        await after.stop()
        await database.close()


def _context(settings: Settings, database: Database, after: AfterCommit) -> Context:
    """What every task is handed as `ctx`."""
    templates = environment(Assets())
    vault = Vault(settings.secret_key)
    return {"settings": settings, "database": database, "after": after, "vault": vault, "templates": templates}


async def _work_while_redis_is_there(
    name: str, settings: Settings, context: Context, after: AfterCommit, stop: asyncio.Event
) -> None:
    """One queue's worker."""
    while not stop.is_set():
        if not after.bus.up:
            await _first(stop, 0.5)
            continue
        worker = _worker(name, settings, context)
        working = asyncio.create_task(worker.start())
        while after.bus.up and not stop.is_set() and not working.done():
            await _first(stop, 0.25)
        await worker.stop()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        with contextlib.suppress(*Broken):
            await worker.queue.disconnect()


def _worker(name: str, settings: Settings, context: Context) -> Patient:
    tasks, at_once = QUEUES[name]
    made = Patient(
        # The worker waits at the queue for as long as it takes: no time-out there.
        queue_at(settings.redis_url, name, socket_timeout=None),
        functions=[heard(task) for task in tasks],
        concurrency=at_once,
        shutdown_grace_period_s=GRACE,
        cancellation_hard_deadline_s=FAREWELL,
        after_process=_remember_failure,
        timers=TIMERS,
    )
    made.context.update(context)
    return made


def heard(task: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
    """The task with a heart: while it runs the queue hears of it, so that a killed worker's is taken up by another."""

    @functools.wraps(task)
    async def with_heart(ctx: Any, **ids: Any) -> object:
        async with _beats(ctx["job"]):
            return await task(ctx, **ids)

    return with_heart


@asynccontextmanager
async def _beats(job: Any) -> AsyncIterator[None]:
    async def beat() -> None:
        while True:
            await asyncio.sleep(HEARTBEAT / 10)
            with contextlib.suppress(*Broken):
                await job.update()

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)


async def _remember_failure(context: Any) -> None:
    """A task that SAQ has given up stands on the desk until somebody tries it again or discards it."""
    job = context["job"]
    if job.status != Status.FAILED:
        return
    error = (job.error or "").strip().splitlines()
    told = {"name": job.function, "queue": job.queue.name.removeprefix("doorstep-"), "ids": dict(job.kwargs or {})}
    async with work(context) as db:
        why = error[-1][:200] if error else ""
        db.add(TaskFailure(**told, error=why, attempts=job.attempts, failed_at=clock.now()))


def _pulses(context: Context, after: AfterCommit) -> list[Task]:
    """What may not wait for Redis; and the sign of life that /health/ready shows."""
    table = Clock(TIMETABLE, _hander(context, after))

    async def sign_of_life(_ctx: Context) -> None:
        if after.bus.up:
            with contextlib.suppress(*Broken):
                await after.bus.redis.set(after.bus.prefix + WORKER_KEY, "up", ex=HEARD_FOR)

    return [table.beat, sign_of_life, *PULSE]


def _hander(context: Context, after: AfterCommit) -> Hand:
    """A due task goes to the queue, for whichever worker is free; while Redis is away it is run on the spot."""
    running: set[asyncio.Task[None]] = set()

    async def hand(due: Tick) -> None:
        if after.bus.up:
            with contextlib.suppress(*Broken):
                name, moment = due[0], due[1].isoformat()
                key = f"{name}:{moment}"
                await after.tasks.put(CLOCK, run_due_task.__qualname__, key, name=name, moment=moment)
                return
        task = asyncio.create_task(run_tick(context, TIMETABLE, due))
        running.add(task)
        task.add_done_callback(running.discard)

    return hand


async def _beating(task: Task, context: Context) -> None:
    while True:
        await _carefully(task, context)
        await asyncio.sleep(1)


async def _carefully(task: Task, context: Context) -> None:
    try:
        await task(context)
    except Exception as problem:
        log.exception("the pulse missed a beat", task=task.__qualname__, problem=type(problem).__name__)
        await asyncio.sleep(2)


async def _first(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
