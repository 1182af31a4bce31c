"""Cached values are never stale after a write: in this process, in others, in Redis, and while Redis is down."""

import asyncio
import time
from itertools import count

import pytest

from app.core import cache as cache_module
from app.core.cache import Cache
from tests.core.conftest import a_process, until


class PriceStore:
    """A fake database: a price, and the number of reads."""

    def __init__(self) -> None:
        self.price, self.reads = 100, 0
        self.slow: asyncio.Event | None = None

    async def __call__(self) -> int:
        self.reads += 1
        price = self.price
        if self.slow:
            await self.slow.wait()
        return price

    async def change(self, price: int, cache: Cache, tag: str = "services:1") -> None:
        self.price = price
        await cache.invalidate([tag])


@pytest.fixture
def store() -> PriceStore:
    return PriceStore()


async def price(cache: Cache, store: PriceStore, key: str = "services:1:600020") -> int:
    return await cache.get(key, 30, store, value_type=int)


async def test_a_value_is_read_once(first, second, store):
    assert [await price(first.cache, store) for _ in range(3)] == [100] * 3
    assert await price(second.cache, store) == 100
    assert store.reads == 1, "the second process finds it in Redis"


@pytest.mark.parametrize("tag", ["services", "services:1", "services:1:600020"])
async def test_a_write_clears_it_here_and_there(first, second, store, tag):
    await price(first.cache, store)
    await price(second.cache, store)
    await store.change(120, first.cache, tag)
    assert await price(first.cache, store) == 120
    await _received(second.cache, 1)
    assert await price(second.cache, store) == 120


@pytest.mark.parametrize("tag", ["service", "services:10", "services:1:6000", "results"])
async def test_other_names_leave_it_alone(first, store, tag):
    await price(first.cache, store)
    await first.cache.invalidate([tag])
    await price(first.cache, store)
    assert store.reads == 1


async def test_a_write_during_a_fill_leaves_no_stale_value(first, second, store):
    """A value read before the write and finished after it is returned but not cached."""
    store.slow = asyncio.Event()
    filling = asyncio.create_task(price(first.cache, store))
    await until(lambda: store.reads == 1, 1)
    await store.change(120, second.cache)
    await _received(first.cache, 1)
    store.slow.set()
    await filling
    assert await price(first.cache, store) == 120
    assert await price(second.cache, store) == 120


async def test_who_comes_after_a_write_does_not_wait_for_the_old_value(first, store):
    store.slow = asyncio.Event()
    old = asyncio.create_task(price(first.cache, store))
    await until(lambda: store.reads == 1, 1)
    await store.change(120, first.cache)
    new = asyncio.create_task(price(first.cache, store))
    await until(lambda: store.reads == 2, 1)
    store.slow.set()
    assert (await old, await new) == (100, 120)


async def test_many_who_come_together_ask_once(first, store):
    store.slow = asyncio.Event()
    waiting = [asyncio.create_task(price(first.cache, store)) for _ in range(50)]
    await until(lambda: store.reads >= 1, 1)
    store.slow.set()
    assert await asyncio.gather(*waiting) == [100] * 50
    assert store.reads == 1


async def test_a_failed_question_is_not_kept_and_retried(first, store):
    async def fails():
        raise ValueError("PostgreSQL is away")

    with pytest.raises(ValueError, match="away"):
        await first.cache.get("services:1", 30, fails, value_type=int)
    assert await first.cache.get("services:1", 30, store, value_type=int) == 100


async def test_who_waits_for_someone_that_gives_up_asks_for_himself(first, store):
    store.slow = asyncio.Event()
    cancelled = asyncio.create_task(price(first.cache, store))
    await until(lambda: store.reads == 1, 1)
    waiting = asyncio.create_task(price(first.cache, store))
    await asyncio.sleep(0.05)
    cancelled.cancel()
    store.slow.set()
    assert await waiting == 100


async def test_a_value_is_no_older_than_its_time(first, second, store, monkeypatch):
    await first.cache.get("services:1", 1, store, value_type=int)
    await asyncio.sleep(0.6)
    await second.cache.get("services:1", 1, store, value_type=int)  # from Redis, where it is 0.6 s old already
    await asyncio.sleep(0.6)
    store.price = 120
    assert await second.cache.get("services:1", 1, store, value_type=int) == 120


async def test_while_redis_is_away_nothing_is_kept(valkey, first, store):
    await price(first.cache, store)
    valkey.freeze()
    await until(lambda: not first.bus.up, 2)
    store.price = 120
    assert await price(first.cache, store) == 120
    store.price = 130
    assert await price(first.cache, store) == 130


@pytest.mark.parametrize("noticed", [False, True])
async def test_what_was_forgotten_during_an_outage_is_gone_after_it(valkey, first, second, store, monkeypatch, noticed):
    monkeypatch.setattr(cache_module, "RECOVERY_DELAY_SECONDS", 0.5)
    await price(first.cache, store)
    await price(second.cache, store)
    valkey.freeze()
    if noticed:
        await until(lambda: not first.bus.up, 2)
    await store.change(120, first.cache)
    valkey.thaw()
    await until(lambda: first.cache.is_usable and second.cache.is_usable, 6)
    assert await price(second.cache, store) == 120
    assert await price(first.cache, store) == 120


async def test_a_process_with_a_cut_line_does_not_believe_its_memory(valkey, first, second, store):
    await price(second.cache, store)
    await valkey.cut()
    await until(lambda: not second.cache.is_usable, 2)
    store.price = 120
    assert await price(second.cache, store) == 120


async def test_readers_and_writers_at_once_never_see_an_old_price(valkey):
    """The writer's process always reads its own writes, while another process reads and caches all the time."""
    store, prices = PriceStore(), count(1)
    async with a_process(valkey) as first, a_process(valkey) as second:
        end = time.monotonic() + 1.5

        async def read() -> None:
            while time.monotonic() < end:
                await price(second.cache, store)
                await asyncio.sleep(0)

        async def write() -> None:
            while time.monotonic() < end:
                new_price = next(prices)
                await store.change(new_price, first.cache)
                assert await price(first.cache, store) == new_price
                await asyncio.sleep(0.002)

        await asyncio.gather(read(), read(), write())
        await asyncio.sleep(0.1)
        assert await price(second.cache, store) == store.price


async def _received(cache: Cache, version: int) -> None:
    """Wait until the other process's invalidation has arrived."""
    await until(lambda: cache.version > version, 1)
