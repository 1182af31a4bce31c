"""Side effects after a commit: invalidate caches, publish nudges, queue tasks. Best effort."""

from app.core import logs
from app.core.cache import Cache
from app.core.events import OutgoingMessage
from app.core.pubsub import REDIS_ERRORS, Bus
from app.core.queue import TaskQueue, is_task_message

CACHE_AUDIENCE = "cache"
log = logs.get_logger("after_commit")


class AfterCommit:
    """One per process. Call it with the messages of a committed session; it never raises."""

    def __init__(self, redis_url: str) -> None:
        self.bus = Bus(redis_url)
        self.cache = Cache(self.bus)
        self.tasks = TaskQueue(redis_url)

    async def start(self) -> None:
        await self.bus.start()

    async def stop(self) -> None:
        await self.bus.stop()
        await self.tasks.close()

    async def __call__(self, messages: list[OutgoingMessage]) -> None:
        tasks = [message for message in messages if is_task_message(message)]
        tags = [message.topic for message in messages if message.audience == CACHE_AUDIENCE]
        nudges = [
            (message.audience, message.topic)
            for message in messages
            if message.audience != CACHE_AUDIENCE and not is_task_message(message)
        ]
        if tags:
            await self.cache.invalidate(tags)
        if nudges:
            await self.bus.publish(nudges)
        if tasks and self.bus.up:
            await self._enqueue(tasks)

    async def _enqueue(self, messages: list[OutgoingMessage]) -> None:
        try:
            await self.tasks.enqueue_messages(messages)
        except REDIS_ERRORS as error:
            self.bus.mark_down(error)
        except Exception:
            log.exception("task could not be queued")
