"""Whole answers that every visitor may share, kept in this process, ready to send.

Anybody with a session or a note waiting goes past it. Cached responses are invalidated by tag (app.core.cache).
"""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass

from app.core.cache import Cache

MOST = 1_000
LARGEST = 200_000  # bytes
Key = tuple[str, bytes, str, str, str]  # path, query, what HTMX asks for, encoding, locale
Header = tuple[bytes, bytes]


@dataclass(slots=True)
class Kept:
    until: float
    moment: int
    names: tuple[str, ...]
    headers: list[Header]
    body: bytes
    redrawn: asyncio.Event | None = None  # stands while somebody draws what comes after it


class Shelf:
    """`find` gives an answer that is still right, `put` keeps one unless somebody wrote while it was made."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._kept: OrderedDict[Key, Kept] = OrderedDict()

    @property
    def moment(self) -> int:
        return self._cache.moment

    async def find(self, key: Key) -> Kept | None:
        """When the one kept is no longer right, who asks first draws it anew and the others wait for that."""
        kept = self._kept.get(key)
        if kept is None or not self._cache.usable:
            return None
        if self._is_right(kept):
            return kept
        if kept.redrawn is None:
            kept.redrawn = asyncio.Event()
            return None
        await kept.redrawn.wait()
        drawn = self._kept.get(key)
        return drawn if drawn and self._cache.usable and self._is_right(drawn) else None

    def put(self, key: Key, kept: Kept) -> None:
        if len(kept.body) > LARGEST or not self._cache.usable or not self._still_right(kept):
            return
        self.drawn(key)
        self._kept[key] = kept
        while len(self._kept) > MOST:
            _key, oldest = self._kept.popitem(last=False)
            _release(oldest)

    def drawn(self, key: Key) -> None:
        """Nobody waits any longer, whatever became of the drawing."""
        kept = self._kept.get(key)
        if kept and kept.redrawn:
            del self._kept[key]
            _release(kept)

    def _is_right(self, kept: Kept) -> bool:
        return kept.until >= time.monotonic() and self._still_right(kept)

    def _still_right(self, kept: Kept) -> bool:
        if kept.moment != self._cache.moment:
            if not self._cache.untouched(kept.moment, kept.names):
                return False
            kept.moment = self._cache.moment
        return True


def _release(kept: Kept) -> None:
    if kept.redrawn:
        kept.redrawn.set()
