"""Rate limits counted in Redis by one atomic script; nothing is limited while Redis is down."""

from dataclasses import dataclass

from redis.exceptions import NoScriptError

from app.core.pubsub import REDIS_ERRORS, Bus

# Fixed windows; returns the number of requests in the window and its remaining seconds.
SCRIPT = """
local used = redis.call('INCR', KEYS[1])
if used == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return {used, redis.call('TTL', KEYS[1])}
"""


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


class RateLimiter:
    """Counts requests per policy and client."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._script = bus.redis.register_script(SCRIPT)

    async def hit(self, policy: RateLimitPolicy, client: str) -> RateLimitResult | None:
        """Count one request of `client`; None while Redis is down, which limits nothing."""
        if not self._bus.up:
            return None
        key = f"{self._bus.prefix}limit:{policy.name}:{client}"
        try:
            used, ttl = await self._script(keys=[key], args=[policy.window_seconds])
        except NoScriptError:  # Redis was flushed in between
            return None
        except REDIS_ERRORS as error:
            self._bus.mark_down(error)
            return None
        return RateLimitResult(policy, used <= policy.limit, max(policy.limit - used, 0), max(ttl, 1))
