"""Publish and subscribe between processes: delivery, reconnection, and no waiting while Redis is down."""

import asyncio
import time

from app.core.after_commit import AfterCommit
from app.core.events import OutgoingMessage
from app.core.pubsub import MAX_PENDING_TOPICS, RESUME_TOPIC, Subscription
from tests.core.conftest import until

ASHA, RAVI = "user:1", "user:2"


async def test_a_word_reaches_its_audience_in_every_process_and_no_one_else(first, second):
    asha, ravi = second.bus.subscribe([ASHA]), second.bus.subscribe([RAVI])
    own = first.bus.subscribe([ASHA])
    await first([OutgoingMessage(ASHA, "booking-7K3MQ9WD")])
    assert await asha.next_topics(1) == ["booking-7K3MQ9WD"]
    assert await own.next_topics(1) == ["booking-7K3MQ9WD"]
    assert await ravi.next_topics(0.2) == []


async def test_repeated_words_collapse_and_too_many_become_look_again():
    subscription = Subscription([ASHA])
    for topic in ("jobs", "jobs", "booking-1"):
        subscription.deliver(topic)
    assert await subscription.next_topics(0.1) == ["jobs", "booking-1"]
    for number in range(MAX_PENDING_TOPICS + 10):
        subscription.deliver(f"booking-{number}")
    assert RESUME_TOPIC in await subscription.next_topics(0.1)


async def test_a_cut_subscription_comes_back_and_everyone_looks_again(valkey, first, second):
    subscription = second.bus.subscribe([ASHA])
    await valkey.cut()
    assert RESUME_TOPIC in await subscription.next_topics(3)
    await until(lambda: first.bus.up and second.bus.up, 3)
    await first([OutgoingMessage(ASHA, "jobs")])
    assert "jobs" in await _topics(subscription, 1)


async def test_a_killed_redis_costs_little_and_pages_look_again_by_themselves(valkey, first):
    subscription = first.bus.subscribe([ASHA])
    valkey.kill()
    await until(lambda: not first.bus.up, 2)
    started = time.monotonic()
    for _ in range(50):
        await first(
            [OutgoingMessage(ASHA, "jobs"), OutgoingMessage("cache", "services"), OutgoingMessage("task:x", "{}")]
        )
    assert time.monotonic() - started < 0.2
    assert RESUME_TOPIC in await subscription.next_topics(4)
    valkey.start()
    await until(lambda: first.bus.up, 4)
    await _topics(subscription, 0.2)
    await first([OutgoingMessage(ASHA, "jobs")])
    assert "jobs" in await _topics(subscription, 1)


async def test_a_frozen_redis_costs_a_second_once(valkey, first):
    valkey.freeze()
    started = time.monotonic()
    await first([OutgoingMessage(ASHA, "jobs"), OutgoingMessage("cache", "services")])
    elapsed = time.monotonic() - started
    assert elapsed < 1.8
    assert not first.bus.up
    started = time.monotonic()
    for _ in range(50):
        await first(
            [OutgoingMessage(ASHA, "jobs"), OutgoingMessage("cache", "services"), OutgoingMessage("task:x", "{}")]
        )
    assert time.monotonic() - started < 0.2
    valkey.thaw()
    await until(lambda: first.bus.up, 4)


async def test_silence_is_noticed_without_polling(valkey, first):
    valkey.freeze()
    assert await until(lambda: not first.bus.up, 3) < 2


async def test_a_process_starts_and_stops_without_redis(valkey):
    valkey.freeze()
    started = time.monotonic()
    alone = AfterCommit(valkey.url)
    await alone.start()
    await alone([OutgoingMessage(ASHA, "jobs")])
    await alone.stop()
    assert time.monotonic() - started < 2.5


async def test_the_end_of_all_wakes_every_listener(first):
    subscription = first.bus.subscribe([ASHA])
    waiting = asyncio.create_task(subscription.next_topics(30))
    await asyncio.sleep(0)
    first.bus.close_all()
    assert await asyncio.wait_for(waiting, 0.5) == []
    assert subscription.closed


async def test_a_closed_ear_leaves_nothing_behind(first):
    subscription = first.bus.subscribe([ASHA, RAVI])
    first.bus.unsubscribe(subscription)
    assert first.bus._by_audience == {}


async def _topics(subscription, seconds):
    topics, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        topics += await subscription.next_topics(0.1)
    return topics
