"""The rate limits of the API: each request counts for its network and its token, also one from the cache."""

import time
from collections import OrderedDict

from litestar.types import Scope

from app.core.network import client_network
from app.core.rate_limiter import Hit, RateLimiter, RateLimitPolicy, RateLimitResult
from app.core.secrets import digest
from app.web.security import bearer_token, client_address

# 10 requests per second for each token in the long run, and twice as many for each network address.
TOKEN_LIMIT, ADDRESS_LIMIT = RateLimitPolicy("token", 600, 60), RateLimitPolicy("address", 1200, 60)
KNOWN_TOKEN_SECONDS = 60.0
MAX_KNOWN_TOKENS = 10_000
NO_SESSION = 0


class ApiLimits:
    """Counts requests, and remembers for a minute which session a token belongs to.

    What is remembered decides only whose requests are counted, never what a token may do.
    """

    def __init__(self, limiter: RateLimiter, trusted_proxies: int) -> None:
        self._limiter = limiter
        self._trusted_proxies = trusted_proxies
        self._sessions: OrderedDict[bytes, tuple[float, int]] = OrderedDict()

    async def count(self, scope: Scope, session_id: int) -> RateLimitResult | None:
        """Count a request for its network and its session, NO_SESSION for none; return the limit that is nearer.

        None while Redis is down.
        """
        hits: list[Hit] = [(ADDRESS_LIMIT, client_network(client_address(scope, self._trusted_proxies)))]
        if session_id:
            hits.append((TOKEN_LIMIT, str(session_id)))
        results = await self._limiter.hit_all(hits)
        return min(results, key=lambda result: result.remaining, default=None)

    def remember(self, scope: Scope, session_id: int) -> None:
        """Remember the session that the request's token was found to belong to, NO_SESSION for a token of nobody."""
        token = bearer_token(scope)
        if token is None:
            return
        key = digest(token)
        self._sessions[key] = (time.monotonic() + KNOWN_TOKEN_SECONDS, session_id)
        self._sessions.move_to_end(key)
        while len(self._sessions) > MAX_KNOWN_TOKENS:
            self._sessions.popitem(last=False)

    def known_session(self, scope: Scope) -> int | None:
        """The session of the request, NO_SESSION without a token; None for a token that must be looked up."""
        token = bearer_token(scope)
        if token is None:
            return NO_SESSION
        expires_at, session_id = self._sessions.get(digest(token), (0.0, NO_SESSION))
        return session_id if expires_at > time.monotonic() else None


def rate_limit_headers(result: RateLimitResult) -> dict[str, str]:
    return {
        "ratelimit-limit": str(result.policy.limit),
        "ratelimit-remaining": str(result.remaining),
        "ratelimit-reset": str(result.reset_seconds),
    }
