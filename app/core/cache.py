"""Two-level cache of public data: this process, then Redis; invalidated by the write that changes the data.

Keys are paths from general to special: "services:drain-cleaning:600020". A tag is a key or a prefix of keys, so
invalidating "services" invalidates everything below it. Personal data is never cached. A process that does not receive
the invalidations of the others caches nothing.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any, TypeVar, cast

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import OutgoingMessage, send_after_commit
from app.core.pubsub import REDIS_ERRORS, Bus

T = TypeVar("T")
MAX_ENTRIES = 4_000  # in one process
RECOVERY_DELAY_SECONDS = 2.0  # after an outage, until every process has published its pending invalidations
ALL_TAGS = "*"


def invalidate(db: AsyncSession, *tags: str) -> None:
    """Invalidate `tags` in every process after this transaction's commit."""
    send_after_commit(db, [OutgoingMessage("cache", tag) for tag in tags])


class Cache:
    """A value that is computed while its tags are invalidated is returned, but not cached."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._entries: OrderedDict[str, tuple[int, Any]] = OrderedDict()
        self._invalidations: deque[tuple[int, str]] = deque(maxlen=2_000)
        self._version = 0
        self._usable_from = 0.0
        self._pending_broadcast = False
        self._was_up = False
        self._computing: dict[str, tuple[int, asyncio.Future[Any]]] = {}  # key → version before, and the coming value
        bus.on_message = self._on_message
        bus.on_up = self._on_up

    @property
    def is_usable(self) -> bool:
        """Whether invalidations by other processes are received, so that cached values can be trusted."""
        return self._bus.up and not self._pending_broadcast and time.monotonic() >= self._usable_from

    @property
    def version(self) -> int:
        """The number of invalidations so far; read it before the database and pass it to `is_current` afterwards."""
        return self._version

    def is_current(self, version: int, tags: Iterable[str]) -> bool:
        """Whether nothing at or above `tags` was invalidated since `version`."""
        missed = self._version - version
        if missed > len(self._invalidations):
            return False
        recent = [self._invalidations[-1 - back][1] for back in range(missed)]
        return not any(_overlaps(tag, invalidated) for tag in tags for invalidated in recent)

    async def get(
        self, key: str, ttl: float, compute: Callable[[], Awaitable[T]], value_type: type[T] | Any = Any
    ) -> T:
        """Return the value of `key`, at most `ttl` seconds old; `value_type` is what msgspec decodes it as."""
        if not self.is_usable:
            return await compute()
        entry = self._entries.get(key)
        if entry and entry[0] > now_ms():
            return cast(T, entry[1])
        computing = self._computing.get(key)
        if computing and self.is_current(computing[0], [key]):
            await asyncio.wait([computing[1]])
            if not computing[1].cancelled():
                return cast(T, computing[1].result())
        return await self._fill(key, ttl, compute, value_type)

    async def invalidate(self, tags: Iterable[str]) -> None:
        """Invalidate here at once, then in Redis and in every other process; if Redis is down, once it is back."""
        tags = list(tags)
        for tag in tags:
            self._drop(tag)
        self._pending_broadcast = self._pending_broadcast or not await self._broadcast(tags)

    def clear(self) -> None:
        """Drop every entry of this process."""
        self._drop(ALL_TAGS)

    async def _fill(self, key: str, ttl: float, compute: Callable[[], Awaitable[T]], value_type: Any) -> T:
        """Compute the value once for all concurrent callers."""
        version = self._version
        future = asyncio.get_running_loop().create_future()
        self._computing[key] = (version, future)
        try:
            value = await self._load_or_compute(key, ttl, compute, value_type)
            future.set_result(value)
        except BaseException:
            future.cancel()
            raise
        finally:
            if self._computing.get(key) == (version, future):
                del self._computing[key]
        return value

    async def _load_or_compute(self, key: str, ttl: float, compute: Callable[[], Awaitable[T]], value_type: Any) -> T:
        version = self._version
        redis_key = await self._redis_key(key)
        if redis_key and (stored := await self._load(redis_key, value_type)):
            expires_at, value = stored
            self._add(key, expires_at, value, version)
            return cast(T, value)
        expires_at = now_ms() + int(ttl * 1000)
        value = await compute()
        if self._add(key, expires_at, value, version) and redis_key:
            await self._save(redis_key, expires_at, value)
        return value

    def _add(self, key: str, expires_at: int, value: Any, version: int) -> bool:
        """Cache the value in this process unless it was invalidated since `version`."""
        if not (self.is_usable and self.is_current(version, [key])):
            return False
        self._entries[key] = (expires_at, value)
        self._entries.move_to_end(key)
        while len(self._entries) > MAX_ENTRIES:
            self._entries.popitem(last=False)
        return True

    async def _redis_key(self, key: str) -> str | None:
        """Return the Redis key; it holds the generation of each of its tags, so invalidated values are never found."""
        try:
            generations = await self._bus.redis.mget([self._generation_key(tag) for tag in (ALL_TAGS, *_tags_of(key))])
        except REDIS_ERRORS as error:
            self._bus.mark_down(error)
            return None
        return f"{self._bus.prefix}cache:{key}@{'.'.join(number or '0' for number in generations)}"

    async def _load(self, redis_key: str, value_type: Any) -> tuple[int, Any] | None:
        try:
            stored = await self._bus.redis.get(redis_key)
            return msgspec.json.decode(stored, type=tuple[int, value_type]) if stored else None
        except REDIS_ERRORS as error:
            self._bus.mark_down(error)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            pass  # another version of Doorstep wrote it
        return None

    async def _save(self, redis_key: str, expires_at: int, value: Any) -> None:
        ttl_ms = expires_at - now_ms()
        if ttl_ms < 1:
            return
        try:
            await self._bus.redis.set(redis_key, msgspec.json.encode((expires_at, value)), px=ttl_ms)
        except REDIS_ERRORS as error:
            self._bus.mark_down(error)

    async def _broadcast(self, tags: list[str]) -> bool:
        if not self._bus.up:
            return False
        try:
            async with self._bus.redis.pipeline(transaction=False) as pipe:
                for tag in tags:
                    pipe.incr(self._generation_key(tag))
                    pipe.expire(self._generation_key(tag), 86_400)
                await pipe.execute()
        except REDIS_ERRORS as error:
            self._bus.mark_down(error)
            return False
        return await self._bus.publish(("cache", tag) for tag in tags)

    def _generation_key(self, tag: str) -> str:
        return f"{self._bus.prefix}generation:{tag}"

    def _on_message(self, audience: str, tag: str) -> None:
        if audience == "cache":
            self._drop(tag)

    def _on_up(self) -> None:
        """Drop everything: invalidations during the outage were neither received nor published."""
        self._drop(ALL_TAGS)
        self._usable_from = time.monotonic() + (RECOVERY_DELAY_SECONDS if self._was_up else 0)
        self._was_up = True
        if self._pending_broadcast:
            self._flushing = asyncio.create_task(self._flush())

    async def _flush(self) -> None:
        self._pending_broadcast = not await self._broadcast([ALL_TAGS])

    def _drop(self, tag: str) -> None:
        self._version += 1
        self._invalidations.append((self._version, tag))
        for key in [key for key in self._entries if _overlaps(key, tag)]:
            del self._entries[key]


def _tags_of(key: str) -> Iterator[str]:
    """Yield "a", "a:b" and "a:b:c" for "a:b:c"."""
    parts = key.split(":")
    return (":".join(parts[: end + 1]) for end in range(len(parts)))


def _overlaps(key: str, tag: str) -> bool:
    return tag == ALL_TAGS or key == tag or key.startswith(tag + ":")


def now_ms() -> int:
    """Return the wall clock in milliseconds: expiry times are shared between processes."""
    return int(time.time() * 1000)
