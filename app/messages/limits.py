"""How many messages a person may send: more than anyone types, fewer than a program floods with."""

from app.core.errors import RateLimited
from app.core.events import Person
from app.core.i18n import _
from app.core.rate_limiter import RateLimiter, RateLimitPolicy

MESSAGE_LIMIT = RateLimitPolicy("messages", 200, 60)


async def count_message(limiter: RateLimiter, me: Person) -> None:
    """Count one message on the page or in the API. Raises RateLimited."""
    result = await limiter.hit(MESSAGE_LIMIT, str(me.id))
    if result is not None and not result.allowed:
        message = _("That's a lot of messages at once. Wait a minute, then send the next one.")
        raise RateLimited(message, result.reset_seconds)
