"""Cached pages of visitors are never stale: each is read again right after each write that changes it."""

import re
from unittest.mock import patch

import pytest

from app.core import events
from app.discovery.invalidation import invalidate_cache
from app.web.guards import list_routes
from app.web.page_cache import CachedResponse, CacheKey, PageCache
from tests.discovery.cached_writes import WRITES, WrittenTown

# All pages that a write changes.
CHANGED_PAGES = {
    "price": "home results named service slots person",
    "name": "home results named service reviews person",
    "description": "service",
    "duration": "home results named service slots",
    "notice": "home results named service slots",
    "search words": "named",
    "another category": "home results named service",
    "search words of a category": "home",
    "new service": "",  # no one offers it yet
    "retired": "home results named service slots person",
    "restored": "home results named service slots person",
    "deleted": "home results named service slots reviews person",
    "hold": "service slots",
    "expired hold": "service slots",
    "cancellation": "service slots",
    "rescheduling": "service slots",
    "job given up": "service slots",
    "finished job": "service slots person",
    "review": "home results named service slots reviews person",
    "changed review": "home results named service slots reviews person",
    "hours": "home results named service slots person",
    "time off": "service slots",
    "time off taken back": "service slots",
    "coverage": "home results named service slots person",
    "block": "home results named service slots person",
    "unblock": "home results named service slots person",
    "approval": "service",
    "service given up": "home results named service slots person",
    "experience": "person",
    "home": "service slots person",
    "name of a professional": "service slots person",
    "account deleted": "home results named service slots person",
}
# Where there is nothing to book, the search is counted, and who is blocked has no page: neither is cached.
NOT_CACHED = {"unblock": ("results", "named", "person")}


@pytest.mark.parametrize("name", WRITES)
async def test_a_write_is_seen_by_the_next_visitor(written_town: WrittenTown, name: str) -> None:
    first, write = WRITES[name]
    await written_town.prepare(first)
    before, cached = await written_town.read(written_town.pages), _cached(written_town, name)
    assert await written_town.statements(cached) == [], "every page is cached"
    await written_town.write(write)
    judged = await written_town.read(written_town.pages, written_town.uncached)
    assert " ".join(page for page, content in judged.items() if content != before[page]) == CHANGED_PAGES[name]
    assert await written_town.read(written_town.pages) == judged


@pytest.mark.parametrize("name", [name for name, changed in CHANGED_PAGES.items() if changed])
async def test_without_the_clearing_the_old_pages_would_stand(
    written_town: WrittenTown, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the test above fails for each write that clears nothing: each changes a page."""
    first, write = WRITES[name]
    await written_town.prepare(first)
    cached = _cached(written_town, name)
    before = await written_town.read(cached)
    others = [listener for listener in events._listeners if listener is not invalidate_cache]
    monkeypatch.setattr(events, "_listeners", others)
    await written_town.write(write)
    assert await written_town.read(cached) == before
    assert await written_town.read(cached, written_town.uncached) != before


async def test_every_page_that_is_cached_is_read_after_each_write(written_town: WrittenTown) -> None:
    """Of all addresses that visitors may read; texts that no write changes stand apart."""
    found, pages = set(), PageCache.put
    unchanging = {"/about", "/help", "/privacy", "/terms", "/api"}
    filled = {"slug": written_town.service.slug, "person_id": str(written_town.kabir.id), "service_id": "1"}

    def put(cache: PageCache, key: CacheKey, response: CachedResponse) -> None:
        found.add(response.route)
        pages(cache, key, response)

    with patch.object(PageCache, "put", put):
        for route in list_routes(written_town.app):
            path = re.sub(r"\{(\w+):\w+\}", lambda name: filled.get(name[1], "x"), route.path)
            if route.method == "GET" and not path.startswith(("/api/", "/live", "/dev")):
                await written_town.client.get(path, follow_redirects=False)
        cached = set(found)
        found.clear()
        written_town.app.state.services.after_commit.cache.clear()
        await written_town.read(written_town.pages)
    assert cached - unchanging == found


def _cached(town: WrittenTown, name: str) -> dict[str, str]:
    return {page: path for page, path in town.pages.items() if page not in NOT_CACHED.get(name, ())}
