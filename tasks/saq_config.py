"""How SAQ is set up: the queues, and for the worker process what works on them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from litestar_saq import QueueConfig, SAQConfig
from saq.job import Status
from saq.queue import Queue

from app.core import clock
from app.core.lease import with_heartbeat
from app.core.queue import (
    CLOCK_QUEUE,
    EXPORT_QUEUE,
    JOB_HEARTBEAT_SECONDS,
    MAIL_QUEUE,
    QUEUE_NAMES,
    connect_queue,
)
from app.core.schedule import TaskFailure
from app.notifications.delivery import LAST_DELIVERY_SECONDS
from app.services import Services
from tasks.context import unit_of_work
from tasks.exports import build_export
from tasks.notifications import drain_outbox
from tasks.timetable import POLLED, run_due_task

Task = Callable[..., Awaitable[object]]
SHUTDOWN_GRACE_SECONDS = 3  # for tasks that are running when the worker is told to stop
CANCEL_DEADLINE_SECONDS = LAST_DELIVERY_SECONDS + 1  # in which a cancelled task ends what cannot be left half done
HEARTBEAT_INTERVAL_SECONDS = JOB_HEARTBEAT_SECONDS / 10
TIMERS: Any = {"schedule": 1, "worker_info": 10, "sweep": 10, "abort": 1}  # seconds between SAQ's own rounds


@dataclass(frozen=True, slots=True)
class QueueTasks:
    """What the workers of one queue can do, and how many tasks they run at once."""

    tasks: tuple[Task, ...]
    concurrency: int


QUEUES: dict[str, QueueTasks] = {
    CLOCK_QUEUE: QueueTasks((run_due_task,), 4),
    MAIL_QUEUE: QueueTasks((drain_outbox,), 1),
    EXPORT_QUEUE: QueueTasks((build_export,), 2),
}

# Every task that is queued or polled, each once.
TASKS = tuple(dict.fromkeys((*(task for queue in QUEUES.values() for task in queue.tasks), *POLLED)))


def saq_config(redis_url: str) -> SAQConfig:
    """For a process that only queues tasks: the queues, which connect when they are used, and no workers."""
    queues: dict[str, Queue] = {name: connect_queue(redis_url, name) for name in QUEUE_NAMES}
    return SAQConfig(queue_instances=queues, web_enabled=False, use_server_lifespan=False)


def worker_config(services: Services) -> SAQConfig:
    """For the worker process: a connection of its own for each queue, which waits for jobs without a time-out."""
    url = services.settings.redis_url
    return SAQConfig(
        queue_configs=[_queue_config(name, url) for name in QUEUE_NAMES],
        queue_instances={name: connect_queue(url, name, socket_timeout=None) for name in QUEUE_NAMES},
        web_enabled=False,
        use_server_lifespan=False,
    )


def with_job_heartbeat(task: Task) -> Task:
    """While the task runs, renew its job, so that SAQ gives the job of a killed worker to another."""

    @wraps(task)
    async def run(ctx: Any, **ids: Any) -> object:
        async with with_heartbeat("job_heartbeat", ctx["job"].update, interval=HEARTBEAT_INTERVAL_SECONDS):
            return await task(ctx, **ids)

    return run


def _queue_config(name: str, url: str) -> QueueConfig:
    queue = QUEUES[name]
    return QueueConfig(
        name=name,
        dsn=url,
        tasks=[with_job_heartbeat(task) for task in queue.tasks],
        concurrency=queue.concurrency,
        after_process=_record_failure,
        timers=TIMERS,
        shutdown_grace_period_s=SHUTDOWN_GRACE_SECONDS,
        cancellation_hard_deadline_s=CANCEL_DEADLINE_SECONDS,
    )


async def _record_failure(ctx: Any) -> None:
    """Write down a job that SAQ has given up; an admin retries or discards it."""
    job = ctx["job"]
    if job.status != Status.FAILED:
        return
    lines = (job.error or "").strip().splitlines()
    failure = TaskFailure(
        name=job.function,
        queue=job.queue.name.removeprefix("doorstep-"),
        ids=dict(job.kwargs or {}),
        error=lines[-1][:200] if lines else "",
        attempts=job.attempts,
        failed_at=clock.now(),
    )
    async with unit_of_work(ctx) as db:
        db.add(failure)
