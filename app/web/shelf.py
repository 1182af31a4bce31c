"""Whole answers that every visitor may share, kept in this process, ready to send.

Anybody with a session or a note waiting goes past it. An answer falls with the names it was made under (app.kit.cache).
"""

import time
from collections import OrderedDict
from dataclasses import dataclass

from app.kit.cache import Cache

MOST = 1_000
LARGEST = 200_000  # bytes
Key = tuple[str, bytes, str, str]
Header = tuple[bytes, bytes]


@dataclass(slots=True)
class Kept:
    until: float
    moment: int
    names: tuple[str, ...]
    headers: list[Header]
    body: bytes


class Shelf:
    """`take` gives an answer that is still right, `put` keeps one unless somebody wrote while it was made."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._kept: OrderedDict[Key, Kept] = OrderedDict()

    @property
    def moment(self) -> int:
        return self._cache.moment

    def take(self, key: Key) -> Kept | None:
        kept = self._kept.get(key)
        if kept is None or not self._cache.usable:
            return None
        if kept.until < time.monotonic() or not self._still_right(kept):
            self._kept.pop(key, None)
            return None
        return kept

    def put(self, key: Key, kept: Kept) -> None:
        if len(kept.body) > LARGEST or not self._cache.usable or not self._still_right(kept):
            return
        self._kept[key] = kept
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        self._kept.clear()

    def _still_right(self, kept: Kept) -> bool:
        if kept.moment != self._cache.moment:
            if not self._cache.untouched(kept.moment, kept.names):
                return False
            kept.moment = self._cache.moment
        return True
