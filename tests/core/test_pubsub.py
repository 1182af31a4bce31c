"""Publish and subscribe between processes: delivery, reconnection, and no waiting while Redis is down."""

import asyncio
import time

from app.core.after_commit import AfterCommit
from app.core.events import OutgoingMessage
from app.core.pubsub import MAX_PENDING_TOPICS, NOTIFIED_AT_ONCE, RESUME_TOPIC, Bus, Subscription
from tests.core.conftest import until

ASHA, RAVI = "user:1", "user:2"


async def test_a_word_reaches_its_audience_in_every_process_and_no_one_else(first, second):
    asha, ravi = Page(second.bus, ASHA), Page(second.bus, RAVI)
    own = Page(first.bus, ASHA)
    await first([OutgoingMessage(ASHA, "booking-7K3MQ9WD")])
    await until(lambda: asha.topics == own.topics == ["booking-7K3MQ9WD"], 1)
    await asyncio.sleep(0.1)
    assert ravi.topics == []


async def test_the_topics_of_one_commit_come_at_once(first):
    asha = Page(first.bus, ASHA, RAVI)
    await first([OutgoingMessage(ASHA, "jobs"), OutgoingMessage(RAVI, "jobs"), OutgoingMessage(RAVI, "booking-1")])
    await until(lambda: bool(asha.topics), 1)
    assert asha.notified_with == [("jobs", "booking-1")]


async def test_an_event_for_very_many_pages_lets_requests_run_in_between(first):
    pages = [Page(first.bus, ASHA) for _ in range(NOTIFIED_AT_ONCE * 2 + 1)]
    await first([OutgoingMessage(ASHA, "jobs")])
    counts: list[int] = []
    while not counts or counts[-1] < len(pages):
        await asyncio.sleep(0)
        counts.append(sum(page.topics == ["jobs"] for page in pages))
    assert set(counts) >= {NOTIFIED_AT_ONCE, NOTIFIED_AT_ONCE * 2, len(pages)}


async def test_an_error_at_one_page_keeps_no_event_from_the_others(first):
    first.bus.subscribe([ASHA], lambda: 1 // 0)
    ashas = Page(first.bus, ASHA)
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    await first([OutgoingMessage(ASHA, "jobs")])
    await until(lambda: ashas.topics == ["jobs"], 1)


async def test_repeated_words_collapse_and_too_many_become_look_again():
    subscription = Subscription([ASHA], lambda: None)
    for topic in ("jobs", "jobs", "booking-1"):
        subscription.add(topic)
    assert subscription.take_topics() == ("jobs", "booking-1")
    assert subscription.take_topics() == ()
    for number in range(MAX_PENDING_TOPICS + 10):
        subscription.add(f"booking-{number}")
    assert RESUME_TOPIC in subscription.take_topics()


async def test_a_cut_subscription_comes_back_and_everyone_looks_again(valkey, first, second):
    asha = Page(second.bus, ASHA)
    await valkey.cut()
    await until(lambda: RESUME_TOPIC in asha.topics, 3)
    await until(lambda: first.bus.up and second.bus.up, 3)
    await first([OutgoingMessage(ASHA, "jobs")])
    await until(lambda: "jobs" in asha.topics, 1)


async def test_a_killed_redis_costs_little_and_pages_look_again_by_themselves(valkey, first):
    asha = Page(first.bus, ASHA)
    valkey.kill()
    await until(lambda: not first.bus.up, 2)
    started = time.monotonic()
    for _ in range(50):
        await first(
            [OutgoingMessage(ASHA, "jobs"), OutgoingMessage("cache", "services"), OutgoingMessage("task:x", "{}")]
        )
    assert time.monotonic() - started < 0.2
    await until(lambda: RESUME_TOPIC in asha.topics, 4)
    valkey.start()
    await until(lambda: first.bus.up, 4)
    await first([OutgoingMessage(ASHA, "jobs")])
    await until(lambda: "jobs" in asha.topics, 1)


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


async def test_a_closed_ear_leaves_nothing_behind(first):
    asha = Page(first.bus, ASHA, RAVI)
    first.bus._deliver(asha.subscription, "jobs")
    first.bus.unsubscribe(asha.subscription)
    assert first.bus._by_audience == {}
    await asyncio.sleep(0.01)
    assert asha.topics == []


class Page:
    """Takes its topics as soon as it is notified."""

    def __init__(self, bus: Bus, *audiences: str) -> None:
        self.notified_with: list[tuple[str, ...]] = []
        self.subscription = bus.subscribe(audiences, self._take)

    @property
    def topics(self) -> list[str]:
        return [topic for topics in self.notified_with for topic in topics]

    def _take(self) -> None:
        self.notified_with.append(self.subscription.take_topics())
