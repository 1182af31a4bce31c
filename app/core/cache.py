"""What visitors see, kept for seconds: in this process, Redis behind, cleared by the write that changes it.

Keys are paths of names, general to special: "services:drain-cleaning:600020". Forgetting "services" forgets all below.
Nothing personal is ever put here. A process that cannot hear the others keeps nothing.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any, TypeVar, cast

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Announcement
from app.core.pubsub import Broken, Bus

T = TypeVar("T")
MOST = 4_000  # values in one process
QUARANTINE = 2.0  # seconds after an outage until every process has said what it forgot meanwhile
ALL = "*"


def forget(db: AsyncSession, *names: str) -> None:
    """After this transaction's commit everything under `names` is stale, in every process."""
    db.info.setdefault("announcements", []).extend(Announcement("cache", name) for name in names)


class Cache:
    """Ask with `get`. A value that was being made while somebody wrote is answered, but not kept."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._kept: OrderedDict[str, tuple[int, Any]] = OrderedDict()
        self._forgotten: deque[tuple[int, str]] = deque(maxlen=2_000)
        self._moment = 0
        self._usable_from = 0.0
        self._owed = False
        self._was_up = False
        self._making: dict[str, tuple[int, asyncio.Future[Any]]] = {}
        bus.on_word = self._on_word
        bus.on_up = self._on_up

    @property
    def usable(self) -> bool:
        """Are the other processes heard, so that what is kept here can be believed?"""
        return self._bus.up and not self._owed and time.monotonic() >= self._usable_from

    @property
    def moment(self) -> int:
        """Remember it before reading the database; `untouched` tells whether the reading still holds."""
        return self._moment

    def untouched(self, since: int, names: Iterable[str]) -> bool:
        """Has nothing under or above `names` been forgotten since that moment?"""
        missed = self._moment - since
        if missed > len(self._forgotten):
            return False
        recent = [self._forgotten[-1 - back][1] for back in range(missed)]
        return not any(_touches(name, gone) for name in names for gone in recent)

    async def get(self, key: str, ttl: float, make: Callable[[], Awaitable[T]], kind: type[T] | Any = Any) -> T:
        """The value under `key`, at most `ttl` seconds old. `kind` is how it is read back from Redis (msgspec)."""
        if not self.usable:
            return await make()
        kept = self._kept.get(key)
        if kept and kept[0] > now_ms():
            return cast(T, kept[1])
        going_on = self._making.get(key)
        if going_on and self.untouched(going_on[0], [key]):
            await asyncio.wait([going_on[1]])
            if not going_on[1].cancelled():
                return cast(T, going_on[1].result())
        return await self._fill(key, ttl, make, kind)

    async def forget(self, names: Iterable[str]) -> None:
        """Here at once, then in Redis, then in every other process; if Redis is away, when it is back."""
        gone = list(names)
        for name in gone:
            self._drop(name)
        self._owed = self._owed or not await self._tell(gone)

    def clear(self) -> None:
        self._drop(ALL)

    async def _fill(self, key: str, ttl: float, make: Callable[[], Awaitable[T]], kind: Any) -> T:
        """One asks the database, whoever comes meanwhile waits for that answer."""
        started = self._moment
        task = asyncio.get_running_loop().create_future()
        self._making[key] = (started, task)
        try:
            value = await self._find_or_make(key, ttl, make, kind)
            task.set_result(value)
        except BaseException:
            task.cancel()
            raise
        finally:
            if self._making.get(key) == (started, task):
                del self._making[key]
        return value

    async def _find_or_make(self, key: str, ttl: float, make: Callable[[], Awaitable[T]], kind: Any) -> T:
        started = self._moment
        address = await self._address(key)
        if address and (stored := await self._stored(address, kind)):
            until, value = stored
            self._keep(key, until, value, started)
            return cast(T, value)
        until = now_ms() + int(ttl * 1000)
        value = await make()
        if self._keep(key, until, value, started) and address:
            await self._store(address, until, value)
        return value

    def _keep(self, key: str, until: int, value: Any, started: int) -> bool:
        """Not when somebody wrote while the value was being made."""
        if not (self.usable and self.untouched(started, [key])):
            return False
        self._kept[key] = (until, value)
        self._kept.move_to_end(key)
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return True

    async def _address(self, key: str) -> str | None:
        """The key in Redis, with the generation of each name above it: what was forgotten is never found again."""
        try:
            generations = await self._bus.redis.mget([self._generation(name) for name in (ALL, *_path(key))])
        except Broken as problem:
            self._bus.lost(problem)
            return None
        return f"{self._bus.prefix}kept:{key}@{'.'.join(number or '0' for number in generations)}"

    async def _stored(self, address: str, kind: Any) -> tuple[int, Any] | None:
        try:
            stored = await self._bus.redis.get(address)
            return msgspec.json.decode(stored, type=tuple[int, kind]) if stored else None
        except Broken as problem:
            self._bus.lost(problem)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            pass  # another version of Doorstep wrote it
        return None

    async def _store(self, address: str, until: int, value: Any) -> None:
        left = until - now_ms()
        if left < 1:
            return
        try:
            await self._bus.redis.set(address, msgspec.json.encode((until, value)), px=left)
        except Broken as problem:
            self._bus.lost(problem)

    async def _tell(self, names: list[str]) -> bool:
        if not self._bus.up:
            return False
        try:
            async with self._bus.redis.pipeline(transaction=False) as pipe:
                for name in names:
                    pipe.incr(self._generation(name))
                    pipe.expire(self._generation(name), 86_400)
                await pipe.execute()
        except Broken as problem:
            self._bus.lost(problem)
            return False
        return await self._bus.say(("cache", name) for name in names)

    def _generation(self, name: str) -> str:
        return f"{self._bus.prefix}generation:{name}"

    def _on_word(self, audience: str, name: str) -> None:
        if audience == "cache":
            self._drop(name)

    def _on_up(self) -> None:
        """What others forgot during the outage was not heard, and what we forgot was not said."""
        self._drop(ALL)
        self._usable_from = time.monotonic() + (QUARANTINE if self._was_up else 0)
        self._was_up = True
        if self._owed:
            self._paying = asyncio.create_task(self._pay())

    async def _pay(self) -> None:
        self._owed = not await self._tell([ALL])

    def _drop(self, name: str) -> None:
        self._moment += 1
        self._forgotten.append((self._moment, name))
        for key in [key for key in self._kept if _touches(key, name)]:
            del self._kept[key]


def _path(key: str) -> Iterator[str]:
    """ "a:b:c" → "a", "a:b", "a:b:c"."""
    parts = key.split(":")
    return (":".join(parts[: end + 1]) for end in range(len(parts)))


def _touches(key: str, gone: str) -> bool:
    return gone == ALL or key == gone or key.startswith(gone + ":")


def now_ms() -> int:
    """Wall clock on purpose: what one process stored, another reads."""
    return int(time.time() * 1000)
