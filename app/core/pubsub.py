"""Nudges between processes: bare words over one Redis subscription, never contents.

A process whose line to Redis is silent for a second counts it as down: nobody waits for Redis twice.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from app.core import logs

PATIENCE = 1.0  # seconds; the longest anybody waits for Redis, once
IDLE = 0.25
SILENCES = 3  # quiet spells of IDLE after an unanswered ping before the line counts as down
RETRY = 0.5
RESUME = "live-resume"  # "you may have missed something: look again"
BACKLOG = 50
Broken = (RedisError, OSError, TimeoutError, asyncio.TimeoutError)
log = logs.get("live")


class Listening:
    """What one open page waits for. Repeated words collapse; too many become one `resume`."""

    __slots__ = ("audiences", "ended", "_waiting", "_bell")

    def __init__(self, audiences: Iterable[str]) -> None:
        self.audiences = frozenset(audiences)
        self.ended = False
        self._waiting: dict[str, None] = {}
        self._bell = asyncio.Event()

    def tell(self, topic: str) -> None:
        if len(self._waiting) >= BACKLOG:
            self._waiting = {RESUME: None}
        self._waiting[topic] = None
        self._bell.set()

    def end(self) -> None:
        self.ended = True
        self._bell.set()

    async def next(self, patience: float) -> list[str]:
        """The words that came, none after `patience` seconds of quiet or at the end."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._bell.wait()
        self._bell.clear()
        told, self._waiting = list(self._waiting), {}
        return told


class Bus:
    """This process's line to Redis: `up` while it is heard, `hear` and `say` to the other processes."""

    def __init__(self, url: str) -> None:
        self.prefix = f"doorstep:{urlsplit(url).path.strip('/') or '0'}:"
        self.redis = connect(url)
        self.up = False
        self.on_word: Callable[[str, str], None] = lambda audience, topic: None
        self.on_up: Callable[[], None] = lambda: None
        self._url = url
        self._listening: dict[str, set[Listening]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._came_up = asyncio.Event()

    async def start(self) -> None:
        """Listen in the background; waits a moment for Redis, goes on without it."""
        self._tasks = [asyncio.create_task(self._keep_hearing()), asyncio.create_task(self._comfort())]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._came_up.wait()

    async def stop(self) -> None:
        self.end_all()
        self.up = False
        await _ended(self._tasks)
        with contextlib.suppress(*Broken):
            await self.redis.aclose()

    async def say(self, words: Iterable[tuple[str, str]]) -> bool:
        """Tell every process. False, at once, while Redis is down; what was said then is gone."""
        if not self.up:
            return False
        try:
            await self.redis.publish(self.prefix + "words", "\n".join(f"{who} {what}" for who, what in words))
        except Broken as problem:
            self.lost(problem)
            return False
        return True

    def lost(self, problem: BaseException) -> None:
        """A command failed: from now on nobody waits, until the line is heard again."""
        if self.up:
            log.warning("redis is down", problem=type(problem).__name__)
        self.up = False

    def hear(self, audiences: Iterable[str]) -> Listening:
        """Open an ear; `forget_ear` must follow."""
        ear = Listening(audiences)
        for audience in ear.audiences:
            self._listening.setdefault(audience, set()).add(ear)
        return ear

    def forget_ear(self, ear: Listening) -> None:
        for audience in ear.audiences:
            ears = self._listening.get(audience, set())
            ears.discard(ear)
            if not ears:
                self._listening.pop(audience, None)

    def end_all(self) -> None:
        for ear in self._ears():
            ear.end()

    def _ears(self) -> set[Listening]:
        return set().union(*self._listening.values()) if self._listening else set()

    async def _keep_hearing(self) -> None:
        while True:
            try:
                await self._hear_until_lost()
            except Broken as problem:
                self.lost(problem)
            except Exception:
                log.exception("the line to redis broke")
            self.up = False
            # Steady on purpose: the cache counts on every process being back soon after the first one.
            await asyncio.sleep(RETRY)

    async def _hear_until_lost(self) -> None:
        redis = connect(self._url)
        try:
            async with redis.pubsub() as line:
                async with asyncio.timeout(PATIENCE):
                    await line.subscribe(self.prefix + "words")
                    while not await line.get_message(timeout=PATIENCE):
                        pass
                self._back()
                await self._read(line)
        finally:
            await redis.aclose()

    async def _read(self, line: PubSub) -> None:
        silences = 0
        while self.up:
            message = await line.get_message(timeout=IDLE)
            silences = 0 if message else silences + 1
            if message and message["type"] == "message":
                self._take(message["data"])
            elif silences == 1:
                await line.ping()
            elif silences > SILENCES:
                raise TimeoutError("redis is silent")

    def _take(self, data: str) -> None:
        for line in data.split("\n"):
            who, _, what = line.partition(" ")
            self.on_word(who, what)
            for ear in self._listening.get(who, ()):
                ear.tell(what)

    def _back(self) -> None:
        self.up = True
        self.on_up()
        if self._came_up.is_set():
            log.info("redis is back")
        self._came_up.set()
        self._tell_all(RESUME)

    async def _comfort(self) -> None:
        """While Redis is away, pages look again by themselves every few seconds."""
        while True:
            await asyncio.sleep(3)
            if not self.up:
                self._tell_all(RESUME)

    def _tell_all(self, topic: str) -> None:
        for ear in self._ears():
            ear.tell(topic)


async def _ended(tasks: list[asyncio.Task[None]]) -> None:
    """Asked again until they do: the client's own time-outs now and then swallow a cancellation."""
    while tasks := [task for task in tasks if not task.done()]:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=0.2)


def connect(url: str) -> Redis:
    redis: Redis = Redis.from_url(
        url, decode_responses=True, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, max_connections=50
    )
    return redis
