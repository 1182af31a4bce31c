"""How often somebody may ask: counted in Redis by one atomic script; while Redis is away nobody is held up."""

from dataclasses import dataclass

from redis.exceptions import NoScriptError

from app.core.pubsub import Broken, Bus

# One window after another; what is left and how long it lasts come back together.
SCRIPT = """
local used = redis.call('INCR', KEYS[1])
if used == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return {used, redis.call('TTL', KEYS[1])}
"""


@dataclass(frozen=True, slots=True)
class Budget:
    """`most` requests in `seconds`; `name` tells budgets apart."""

    name: str
    most: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Spent:
    """What a budget looks like after a request: `left` 0 and not `allowed` means come back in `reset` seconds."""

    budget: Budget
    allowed: bool
    left: int
    reset: int


class Limiter:
    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._script = bus.redis.register_script(SCRIPT)

    async def spend(self, budget: Budget, who: str) -> Spent | None:
        """One request of `who`. None while Redis is away: then nobody is held up."""
        if not self._bus.up:
            return None
        key = f"{self._bus.prefix}limit:{budget.name}:{who}"
        try:
            used, lasts = await self._script(keys=[key], args=[budget.seconds])
        except NoScriptError:  # Redis was emptied in between
            return None
        except Broken as problem:
            self._bus.lost(problem)
            return None
        return Spent(budget, used <= budget.most, max(budget.most - used, 0), max(lasts, 1))
