"""What is cached is never wrong after a write: in this process, in the others, in Redis, and while Redis is away."""

import asyncio
import time
from itertools import count

import pytest

from app.core import cache as caching
from app.core.cache import Cache
from tests.core.conftest import a_process, until


class Shop:
    """A price in the database, and how often it was asked for."""

    def __init__(self) -> None:
        self.price, self.asked = 100, 0
        self.slow: asyncio.Event | None = None

    async def __call__(self) -> int:
        self.asked += 1
        price = self.price
        if self.slow:
            await self.slow.wait()
        return price

    async def change(self, price: int, cache: Cache, name: str = "services:1") -> None:
        self.price = price
        await cache.forget([name])


@pytest.fixture
def shop() -> Shop:
    return Shop()


async def price(cache: Cache, shop: Shop, key: str = "services:1:600020") -> int:
    return await cache.get(key, 30, shop, kind=int)


async def test_a_value_is_asked_for_once(here, there, shop):
    assert [await price(here.cache, shop) for _ in range(3)] == [100] * 3
    assert await price(there.cache, shop) == 100
    assert shop.asked == 1, "the second process finds it in Redis"


@pytest.mark.parametrize("name", ["services", "services:1", "services:1:600020"])
async def test_a_write_clears_it_here_and_there(here, there, shop, name):
    await price(here.cache, shop)
    await price(there.cache, shop)
    await shop.change(120, here.cache, name)
    assert await price(here.cache, shop) == 120
    await _heard(there.cache, 1)
    assert await price(there.cache, shop) == 120


@pytest.mark.parametrize("name", ["service", "services:10", "services:1:6000", "results"])
async def test_other_names_leave_it_alone(here, shop, name):
    await price(here.cache, shop)
    await here.cache.forget([name])
    await price(here.cache, shop)
    assert shop.asked == 1


async def test_a_write_during_a_fill_leaves_no_stale_value(here, there, shop):
    """Read before the write, finished after it: answered, but kept nowhere."""
    shop.slow = asyncio.Event()
    filling = asyncio.create_task(price(here.cache, shop))
    await until(lambda: shop.asked == 1, 1)
    await shop.change(120, there.cache)
    await _heard(here.cache, 1)
    shop.slow.set()
    await filling
    assert await price(here.cache, shop) == 120
    assert await price(there.cache, shop) == 120


async def test_who_comes_after_a_write_does_not_wait_for_the_old_value(here, shop):
    shop.slow = asyncio.Event()
    old = asyncio.create_task(price(here.cache, shop))
    await until(lambda: shop.asked == 1, 1)
    await shop.change(120, here.cache)
    new = asyncio.create_task(price(here.cache, shop))
    await until(lambda: shop.asked == 2, 1)
    shop.slow.set()
    assert (await old, await new) == (100, 120)


async def test_many_who_come_together_ask_once(here, shop):
    shop.slow = asyncio.Event()
    waiting = [asyncio.create_task(price(here.cache, shop)) for _ in range(50)]
    await until(lambda: shop.asked >= 1, 1)
    shop.slow.set()
    assert await asyncio.gather(*waiting) == [100] * 50
    assert shop.asked == 1


async def test_a_failed_question_is_not_kept_and_asked_again(here, shop):
    async def fails():
        raise ValueError("PostgreSQL is away")

    with pytest.raises(ValueError, match="away"):
        await here.cache.get("services:1", 30, fails, kind=int)
    assert await here.cache.get("services:1", 30, shop, kind=int) == 100


async def test_who_waits_for_somebody_that_gives_up_asks_for_himself(here, shop):
    shop.slow = asyncio.Event()
    first = asyncio.create_task(price(here.cache, shop))
    await until(lambda: shop.asked == 1, 1)
    second = asyncio.create_task(price(here.cache, shop))
    await asyncio.sleep(0.05)
    first.cancel()
    shop.slow.set()
    assert await second == 100


async def test_a_value_is_no_older_than_its_time(here, there, shop, monkeypatch):
    await here.cache.get("services:1", 1, shop, kind=int)
    await asyncio.sleep(0.6)
    await there.cache.get("services:1", 1, shop, kind=int)  # from Redis, where it is 0.6 s old already
    await asyncio.sleep(0.6)
    shop.price = 120
    assert await there.cache.get("services:1", 1, shop, kind=int) == 120


async def test_while_redis_is_away_nothing_is_kept(line, here, shop):
    await price(here.cache, shop)
    line.freeze()
    await until(lambda: not here.bus.up, 2)
    shop.price = 120
    assert await price(here.cache, shop) == 120
    shop.price = 130
    assert await price(here.cache, shop) == 130


@pytest.mark.parametrize("noticed", [False, True])
async def test_what_was_forgotten_during_an_outage_is_gone_after_it(line, here, there, shop, monkeypatch, noticed):
    monkeypatch.setattr(caching, "QUARANTINE", 0.5)
    await price(here.cache, shop)
    await price(there.cache, shop)
    line.freeze()
    if noticed:
        await until(lambda: not here.bus.up, 2)
    await shop.change(120, here.cache)
    line.thaw()
    await until(lambda: here.cache.usable and there.cache.usable, 6)
    assert await price(there.cache, shop) == 120
    assert await price(here.cache, shop) == 120


async def test_a_process_with_a_cut_line_does_not_believe_its_memory(line, here, there, shop):
    await price(there.cache, shop)
    await line.cut()
    await until(lambda: not there.cache.usable, 2)
    shop.price = 120
    assert await price(there.cache, shop) == 120


async def test_readers_and_writers_at_once_never_see_an_old_price(line):
    """Read-your-writes in the writer's process, at every moment, while another process reads and fills all the time."""
    shop, numbers = Shop(), count(1)
    async with a_process(line) as one, a_process(line) as two:
        over = time.monotonic() + 1.5

        async def read() -> None:
            while time.monotonic() < over:
                await price(two.cache, shop)
                await asyncio.sleep(0)

        async def write() -> None:
            while time.monotonic() < over:
                number = next(numbers)
                await shop.change(number, one.cache)
                assert await price(one.cache, shop) == number
                await asyncio.sleep(0.002)

        await asyncio.gather(read(), read(), write())
        await asyncio.sleep(0.1)
        assert await price(two.cache, shop) == shop.price


async def _heard(cache: Cache, least: int) -> None:
    """The word of the other process has arrived."""
    await until(lambda: cache.moment > least, 1)
