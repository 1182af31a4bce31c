"""Cache of complete responses that all clients share, in this process: one for pages, one for the API.

Requests for pages with a session or a flash message bypass it. Cached responses are invalidated by tag
(app.core.cache).
"""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from app.core.cache import Cache

MAX_CACHED_RESPONSES = 1_000
MAX_BODY_BYTES = 200_000  # bytes
CacheKey = tuple[str, bytes, str, str, str]  # path, query, HTMX headers or the API's origin, encoding, locale
Header = tuple[bytes, bytes]


@dataclass(slots=True)
class CachedResponse:
    """A response of 200 without the headers that belong to one request. `expires_at` is monotonic, in seconds."""

    expires_at: float
    version: int
    tags: tuple[str, ...]
    headers: list[Header]
    body: bytes
    route: str = "-"
    etag: bytes = b""
    not_modified: list[Header] = field(default_factory=list)  # the headers of a 304 instead
    rerender: asyncio.Event | None = None  # set while a request renders its successor


class PageCache:
    """`find` returns a current response; `put` stores one unless its tags were invalidated while it was rendered."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._responses: OrderedDict[CacheKey, CachedResponse] = OrderedDict()

    @property
    def version(self) -> int:
        return self._cache.version

    async def find(self, key: CacheKey) -> CachedResponse | None:
        """None for the first request that finds a stale response: it renders, and the others wait for it."""
        cached = self._responses.get(key)
        if cached is None or not self._cache.is_usable:
            return None
        if self._is_usable(cached):
            return cached
        if cached.rerender is None:
            cached.rerender = asyncio.Event()
            return None
        await cached.rerender.wait()
        rendered = self._responses.get(key)
        return rendered if rendered and self._cache.is_usable and self._is_usable(rendered) else None

    def put(self, key: CacheKey, response: CachedResponse) -> None:
        if len(response.body) > MAX_BODY_BYTES or not self._cache.is_usable or not self._is_current(response):
            return
        self.finish_render(key)
        self._responses[key] = response
        while len(self._responses) > MAX_CACHED_RESPONSES:
            _key, oldest = self._responses.popitem(last=False)
            _release(oldest)

    def finish_render(self, key: CacheKey) -> None:
        """Release the requests that wait for this one, whether or not it stored a response."""
        cached = self._responses.get(key)
        if cached and cached.rerender:
            del self._responses[key]
            _release(cached)

    def _is_usable(self, response: CachedResponse) -> bool:
        return response.expires_at >= time.monotonic() and self._is_current(response)

    def _is_current(self, response: CachedResponse) -> bool:
        if response.version != self._cache.version:
            if not self._cache.is_current(response.version, response.tags):
                return False
            response.version = self._cache.version
        return True


def _release(response: CachedResponse) -> None:
    if response.rerender:
        response.rerender.set()
