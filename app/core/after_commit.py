"""What a process does once a transaction is safe: forget, nudge, wake the worker. Best effort, never in the way."""

from app.core import logs
from app.core.cache import Cache
from app.core.events import Announcement
from app.core.pubsub import Broken, Bus
from app.core.queue import Tasks, is_task

log = logs.get("after")


class AfterCommit:
    """One per process. Called with the announcements of a committed session; raises nothing."""

    def __init__(self, redis_url: str) -> None:
        self.bus = Bus(redis_url)
        self.cache = Cache(self.bus)
        self.tasks = Tasks(redis_url)

    async def start(self) -> None:
        await self.bus.start()

    async def stop(self) -> None:
        await self.bus.stop()
        await self.tasks.close()

    async def __call__(self, announcements: list[Announcement]) -> None:
        gone = [one.topic for one in announcements if one.audience == "cache"]
        asked = [one for one in announcements if is_task(one)]
        nudges = [(one.audience, one.topic) for one in announcements if one.audience != "cache" and not is_task(one)]
        if gone:
            await self.cache.forget(gone)
        if nudges:
            await self.bus.say(nudges)
        if asked and self.bus.up:
            await self._ask(asked)

    async def _ask(self, asked: list[Announcement]) -> None:
        try:
            await self.tasks.ask(asked)
        except Broken as problem:
            self.bus.lost(problem)
        except Exception:
            log.exception("the queue refused a task")
