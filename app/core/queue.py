"""Work for later, asked for by name; sent to the queue after the commit, best effort.

What must happen stands in PostgreSQL (outbox, timetable); this only makes it happen sooner.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from redis.asyncio import Redis
from saq.queue.redis import RedisQueue
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Announcement
from app.core.pubsub import PATIENCE

# Each has workers of its own, so that a flood in one delays nothing in another.
CLOCK, MAIL, EXPORTS = "clock", "mail", "exports"
QUEUES = (CLOCK, MAIL, EXPORTS)
# SAQ's own defaults kill a job after ten seconds and never try it again. Without a heartbeat the task of a killed
# worker would stand in its own way for the whole time-out: the same key is not put there twice.
HEARTBEAT = 20  # seconds of silence after which a task is taken from whoever worked on it
CARE = {"timeout": 600, "heartbeat": HEARTBEAT, "retries": 5, "retry_delay": 1.0, "retry_backoff": True, "ttl": 3600}
_TASK = "task:"


def later(db: AsyncSession, task: str, *, queue: str = CLOCK, **ids: int | str) -> None:
    """Ask a worker for `task` after the commit: later(db, "build_export", queue=EXPORTS, export_id=7)."""
    hand_over(db, queue, task, ids)


def hand_over(db: AsyncSession, queue: str, task: str, ids: Mapping[str, int | str]) -> None:
    """As `later`, for a task that was asked for once already."""
    asked = Announcement(f"{_TASK}{queue}:{task}", json.dumps(dict(ids), sort_keys=True))
    db.info.setdefault("announcements", []).append(asked)


def is_task(asked: Announcement) -> bool:
    return asked.audience.startswith(_TASK)


class Tasks:
    """The web's end of the queue. The same task with the same ids waits only once."""

    def __init__(self, url: str) -> None:
        self._queues = {name: queue_at(url, name) for name in QUEUES}

    async def ask(self, asked: Sequence[Announcement]) -> None:
        for one in asked:
            queue, _, name = one.audience.removeprefix(_TASK).partition(":")
            await self.put(queue, name, f"{name}:{one.topic}", **json.loads(one.topic))

    async def put(self, queue: str, task: str, /, key: str, **ids: int | str) -> None:
        """Raises what Redis raises. A task whose `key` waits or runs already is not put there twice."""
        await self._queues[queue].enqueue(task, key=key, **CARE, **ids)

    async def waiting(self) -> dict[str, int]:
        """How many wait in each queue. Raises what Redis raises."""
        return {name: await queue.count("queued") for name, queue in self._queues.items()}

    async def close(self) -> None:
        for queue in self._queues.values():
            await queue.redis.aclose()


def queue_at(url: str, name: str, **options: Any) -> RedisQueue:
    """`options` go to the Redis client; the waiting worker needs patience where the web has none."""
    patience = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE, **options}
    return RedisQueue(Redis.from_url(url, **patience), name=f"doorstep-{name}")
