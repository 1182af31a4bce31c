"""One worker process: SAQ's queues while Redis is up, and loops of every second whether it is or not."""

import asyncio
import contextlib
import signal
from functools import partial
from typing import Any

from litestar_saq import SAQPlugin, Worker

from app.core import logs
from app.core.events import origin
from app.core.poll_loop import Poll, PollLoop
from app.core.pubsub import REDIS_ERRORS
from app.core.queue import CLOCK_QUEUE
from app.core.schedule import Tick
from app.services import Services, compose
from app.settings import Settings
from app.web.health import WORKER_KEY
from tasks.context import Context
from tasks.saq_config import SHUTDOWN_GRACE_SECONDS, worker_config
from tasks.scheduler import Scheduler, StartTick, run_tick
from tasks.timetable import POLLED, TIMETABLE, run_due_task

POLL_SECONDS = 1.0
POLL_ERROR_SECONDS = 2.0  # waited in addition after an error
SIGN_OF_LIFE_SECONDS = 15  # until a worker that says nothing counts as down
log = logs.get_logger("worker")


def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT."""
    logs.configure(settings.log_level, as_json=settings.production)
    asyncio.run(_run(compose(settings, application_name="worker")))


async def _run(services: Services) -> None:
    origin.set("task")  # every task that is begun from here inherits it
    stop = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    context = Context(services=services)
    loops = _poll_loops(context)
    await services.after_commit.start()
    log.info("worker is up", timetable=len(TIMETABLE), polled=len(POLLED))
    for loop in loops:
        loop.start()
    try:
        while not stop.is_set():
            await _work_while_redis_is_up(context, stop)
    finally:
        await asyncio.gather(*(loop.stop() for loop in loops))
        await services.after_commit.stop()
        await services.database.close()


def _poll_loops(context: Context) -> list[PollLoop]:
    """What may not wait for Redis, and the sign of life that /health/ready shows."""
    services = context["services"]
    scheduler = Scheduler(TIMETABLE, _tick_starter(context))

    async def show_sign_of_life() -> None:
        bus = services.after_commit.bus
        if bus.up:
            with contextlib.suppress(*REDIS_ERRORS):
                await bus.redis.set(bus.prefix + WORKER_KEY, "up", ex=SIGN_OF_LIFE_SECONDS)

    polls: dict[str, Poll] = {"scheduler": partial(scheduler.poll, context), "sign_of_life": show_sign_of_life}
    polls |= {task.__name__: partial(task, context) for task in POLLED}
    return [
        PollLoop(name, poll, interval=POLL_SECONDS, immediate=True, error_delay=POLL_ERROR_SECONDS)
        for name, poll in polls.items()
    ]


def _tick_starter(context: Context) -> StartTick:
    """Queue a due tick for whichever worker is free; while Redis is down, run it here."""
    after_commit = context["services"].after_commit
    running: set[asyncio.Task[None]] = set()

    async def start_tick(tick: Tick) -> None:
        if after_commit.bus.up:
            with contextlib.suppress(*REDIS_ERRORS):
                name, moment = tick[0], tick[1].isoformat()
                key = f"{name}:{moment}"
                await after_commit.tasks.enqueue(CLOCK_QUEUE, run_due_task.__name__, key, name=name, moment=moment)
                return
        task = asyncio.create_task(run_tick(context, TIMETABLE, tick))
        running.add(task)
        task.add_done_callback(running.discard)

    return start_tick


async def _work_while_redis_is_up(context: Context, stop: asyncio.Event) -> None:
    """Run SAQ's workers until Redis is lost, one of them ends by itself, or the process is to stop.

    The plugin makes new workers and connections each time: SAQ does not promise that old ones survive a lost Redis.
    """
    bus = context["services"].after_commit.bus
    if not bus.up:
        await _wait(stop, 0.5)
        return
    workers = list(SAQPlugin(worker_config(context["services"])).get_workers().values())
    for worker in workers:
        worker.SIGNALS = []  # the signals are this module's
        worker.context.update(context)  # type: ignore[typeddict-item]
    working = [asyncio.create_task(worker.start()) for worker in workers]
    while bus.up and not stop.is_set() and not any(task.done() for task in working):
        await _wait(stop, 0.25)
    await asyncio.gather(*(_stop(worker, task) for worker, task in zip(workers, working, strict=True)))


async def _stop(worker: Worker, working: asyncio.Task[Any]) -> None:
    """Stop at once when no task runs: SAQ would always wait for the whole grace period."""
    worker._shutdown_grace_period_s = SHUTDOWN_GRACE_SECONDS if worker.job_task_contexts else 0
    await worker.stop()
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    with contextlib.suppress(*REDIS_ERRORS):
        await worker.queue.disconnect()


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
