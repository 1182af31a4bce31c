"""Rate limits counted in Redis by one atomic script; nothing is limited while Redis is down.

Requests that arrive while a count is on its way share the next trip to Redis.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from redis.exceptions import NoScriptError

from app.core.pubsub import REDIS_ERRORS, Bus

# Fixed windows; returns for each key the number of requests in the window and its remaining seconds.
SCRIPT = """
local counts = {}
for n, key in ipairs(KEYS) do
    local used = redis.call('INCR', key)
    if used == 1 then redis.call('EXPIRE', key, ARGV[n]) end
    counts[2 * n - 1], counts[2 * n] = used, redis.call('TTL', key)
end
return counts
"""
MAX_HITS_PER_TRIP = 200  # Redis serves nobody else meanwhile


@dataclass(frozen=True, slots=True)
class RateLimitPolicy:
    """At most `limit` requests in `window_seconds`; `name` is unique."""

    name: str
    limit: int
    window_seconds: int


@dataclass(frozen=True, slots=True)
class RateLimitResult:
    """The state of a limit after a request; if it is not `allowed`, retry in `reset_seconds`."""

    policy: RateLimitPolicy
    allowed: bool
    remaining: int
    reset_seconds: int


Hit = tuple[RateLimitPolicy, str]  # a request of this client
Results = list[RateLimitResult]


class RateLimiter:
    """Counts requests per policy and client."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._script = bus.redis.register_script(SCRIPT)
        self._waiting: list[tuple[Sequence[Hit], asyncio.Future[Results]]] = []
        self._sending: asyncio.Task[None] | None = None

    async def hit(self, policy: RateLimitPolicy, client: str) -> RateLimitResult | None:
        """Count one request of `client`; None while Redis is down, which limits nothing."""
        results = await self.hit_all([(policy, client)])
        return results[0] if results else None

    async def hit_all(self, hits: Sequence[Hit]) -> Results:
        """Count one request against several limits; empty while Redis is down."""
        if not self._bus.up:
            return []
        future: asyncio.Future[Results] = asyncio.get_running_loop().create_future()
        self._waiting.append((hits, future))
        if self._sending is None or self._sending.done():
            # A task of its own: a request that is cancelled must not take the counts of the others with it.
            self._sending = asyncio.create_task(self._send())
        return await future

    async def _send(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MAX_HITS_PER_TRIP], self._waiting[MAX_HITS_PER_TRIP:]
            try:
                counts = await self._count([hit for hits, _future in batch for hit in hits])
            except BaseException:
                for _hits, future in batch:
                    future.cancel()
                raise
            results = iter(counts)
            for hits, future in batch:
                own = [result for _hit, result in zip(hits, results, strict=False)]
                if not future.done():
                    future.set_result(own)

    async def _count(self, hits: Sequence[Hit]) -> Results:
        """One result for each hit; none at all while Redis is down."""
        keys = [f"{self._bus.prefix}limit:{policy.name}:{client}" for policy, client in hits]
        try:
            counts = await self._script(keys=keys, args=[policy.window_seconds for policy, _client in hits])
        except NoScriptError:  # Redis was flushed in between
            return []
        except REDIS_ERRORS as error:
            self._bus.mark_down(error)
            return []
        return [
            RateLimitResult(policy, used <= policy.limit, max(policy.limit - used, 0), max(ttl, 1))
            for (policy, _client), used, ttl in zip(hits, counts[::2], counts[1::2], strict=True)
        ]
