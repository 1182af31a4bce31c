"""Work for later, asked for by name; sent to the queue after the commit, best effort.

What must happen stands in PostgreSQL (outbox, timetable); this only makes it happen sooner.
"""

import json
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from saq.queue.redis import RedisQueue
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.events import Announcement
from app.kit.live import PATIENCE

NAME = "doorstep"
# SAQ's own defaults kill a job after ten seconds and never try it again.
CARE = {"timeout": 600, "retries": 5, "retry_delay": 1.0, "retry_backoff": True, "ttl": 3600}
_TASK = "task:"


def later(db: AsyncSession, task: str, **ids: int | str) -> None:
    """After this transaction's commit, ask a worker for `task`: later(db, "build_export", export_id=7)."""
    asked = Announcement(_TASK + task, json.dumps(ids, sort_keys=True))
    db.info.setdefault("announcements", []).append(asked)


def is_task(asked: Announcement) -> bool:
    return asked.audience.startswith(_TASK)


class Tasks:
    """The web's end of the queue. The same task with the same ids waits only once."""

    def __init__(self, url: str) -> None:
        self._queue = queue_at(url)

    async def ask(self, asked: Sequence[Announcement]) -> None:
        for one in asked:
            name, ids = one.audience.removeprefix(_TASK), json.loads(one.topic)
            await self._queue.enqueue(name, key=f"{name}:{one.topic}", **CARE, **ids)

    async def close(self) -> None:
        await self._queue.redis.aclose()


def queue_at(url: str, **options: Any) -> RedisQueue:
    """`options` go to the Redis client; the waiting worker needs patience where the web has none."""
    patience = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE, **options}
    return RedisQueue(Redis.from_url(url, **patience), name=NAME)
