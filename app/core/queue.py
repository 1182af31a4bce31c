"""Background tasks requested by name; sent to the queue after the commit, best effort.

Durable work is in PostgreSQL (outbox, timetable); the queue only makes it happen sooner.
"""

import json
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from saq.queue.redis import RedisQueue
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import OutgoingMessage, send_after_commit
from app.core.pubsub import REDIS_TIMEOUT_SECONDS

# Each queue has workers of its own, so that a flood in one delays nothing in another.
CLOCK_QUEUE, MAIL_QUEUE, EXPORT_QUEUE = "clock", "mail", "exports"
QUEUE_NAMES = (CLOCK_QUEUE, MAIL_QUEUE, EXPORT_QUEUE)
JOB_HEARTBEAT_SECONDS = 20  # a job that is silent for longer is taken from its worker
# SAQ's own defaults kill a job after ten seconds and never try it again. Without a heartbeat the job of a killed
# worker would block its own key for the whole time-out: the same key is not queued twice.
JOB_OPTIONS = {
    "timeout": 600,
    "heartbeat": JOB_HEARTBEAT_SECONDS,
    "retries": 5,
    "retry_delay": 1.0,
    "retry_backoff": True,
    "ttl": 3600,
}
_TASK_PREFIX = "task:"


def enqueue_after_commit(db: AsyncSession, task: str, *, queue: str = CLOCK_QUEUE, **ids: int | str) -> None:
    """Queue `task` once `db` has committed: enqueue_after_commit(db, "build_export", queue=…, export_id=7)."""
    message = OutgoingMessage(f"{_TASK_PREFIX}{queue}:{task}", json.dumps(ids, sort_keys=True))
    send_after_commit(db, [message])


def is_task_message(message: OutgoingMessage) -> bool:
    return message.audience.startswith(_TASK_PREFIX)


class TaskQueue:
    """Send tasks to the workers. The same task with the same ids is queued only once."""

    def __init__(self, url: str) -> None:
        self.queues = {name: connect_queue(url, name) for name in QUEUE_NAMES}

    async def enqueue_messages(self, messages: Sequence[OutgoingMessage]) -> None:
        for message in messages:
            queue, _, task = message.audience.removeprefix(_TASK_PREFIX).partition(":")
            await self.enqueue(queue, task, f"{task}:{message.topic}", **json.loads(message.topic))

    async def enqueue(self, queue: str, task: str, /, key: str, **ids: int | str) -> None:
        """Raise what Redis raises. A task whose `key` is queued or running is not queued again."""
        await self.queues[queue].enqueue(task, key=key, **JOB_OPTIONS, **ids)

    async def queued_counts(self) -> dict[str, int]:
        """Return how many tasks wait in each queue. Raise what Redis raises."""
        return {name: await queue.count("queued") for name, queue in self.queues.items()}

    async def close(self) -> None:
        for queue in self.queues.values():
            await queue.redis.aclose()


def connect_queue(url: str, name: str, **options: Any) -> RedisQueue:
    """`options` go to the Redis client; only a worker that waits for jobs has no time-out."""
    timeouts = {"socket_timeout": REDIS_TIMEOUT_SECONDS, "socket_connect_timeout": REDIS_TIMEOUT_SECONDS, **options}
    return RedisQueue(Redis.from_url(url, **timeouts), name=f"doorstep-{name}")
