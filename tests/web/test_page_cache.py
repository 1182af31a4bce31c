"""The page cache: one request renders a stale page again while the others wait."""

import asyncio
import time

import pytest

from app.core.cache import Cache
from app.core.pubsub import Bus
from app.web.page_cache import CachedResponse, PageCache

HOME = ("/", b"", "", "br", "en_IN")


@pytest.fixture
def bus() -> Bus:
    """A process that receives the messages of the others."""
    bus = Bus("redis://127.0.0.1:1/0")
    bus.up = True
    return bus


@pytest.fixture
def cache(bus: Bus) -> Cache:
    return Cache(bus)


def a_page(cache: Cache, body: bytes = b"home", seconds: float = 10) -> CachedResponse:
    return CachedResponse(time.monotonic() + seconds, cache.version, ("times",), [], body)


async def test_what_is_right_is_given_to_everyone(cache):
    category = PageCache(cache)
    category.put(HOME, a_page(cache))
    assert [found.body for found in await asyncio.gather(category.find(HOME), category.find(HOME))] == [
        b"home",
        b"home",
    ]


async def test_of_all_who_ask_for_an_old_page_one_draws_and_the_rest_get_their_copy(cache):
    category = PageCache(cache)
    category.put(HOME, a_page(cache, seconds=-1))
    assert await category.find(HOME) is None
    others = [asyncio.create_task(category.find(HOME)) for _ in range(5)]
    await asyncio.sleep(0.01)
    assert not any(other.done() for other in others)
    category.put(HOME, a_page(cache, b"anew"))
    assert [found.body for found in await asyncio.gather(*others)] == [b"anew"] * 5


async def test_a_forgotten_page_is_drawn_by_one_too(bus, cache):
    category = PageCache(cache)
    category.put(HOME, a_page(cache))
    bus.on_message("cache", "times")
    assert await category.find(HOME) is None
    other = asyncio.create_task(category.find(HOME))
    await asyncio.sleep(0.01)
    category.put(HOME, a_page(cache, b"anew"))
    assert (await other).body == b"anew"


async def test_no_one_waits_for_a_drawing_that_failed(cache):
    category = PageCache(cache)
    category.put(HOME, a_page(cache, seconds=-1))
    assert await category.find(HOME) is None
    others = [asyncio.create_task(category.find(HOME)) for _ in range(3)]
    await asyncio.sleep(0.01)
    category.finish_render(HOME)
    assert await asyncio.wait_for(asyncio.gather(*others), 1) == [None, None, None]
    assert await asyncio.wait_for(category.find(HOME), 1) is None


async def test_a_page_that_was_forgotten_while_it_was_drawn_is_given_to_no_one(bus, cache):
    category = PageCache(cache)
    begun_before, unrelated = a_page(cache), a_page(cache, b"reviews")
    unrelated.tags = ("reviews",)
    bus.on_message("cache", "times")
    category.put(HOME, begun_before)
    assert await category.find(HOME) is None
    category.put(HOME, unrelated)
    assert (await category.find(HOME)).body == b"reviews"
