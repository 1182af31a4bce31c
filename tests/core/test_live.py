"""Words between processes: they arrive, they survive a cut line, and a frozen Redis keeps nobody waiting."""

import asyncio
import time

from app.core.after_commit import AfterCommit
from app.core.events import Announcement
from app.core.pubsub import BACKLOG, RESUME, Listening
from tests.core.conftest import until

ASHA, RAVI = "user:1", "user:2"


async def test_a_word_reaches_its_audience_in_every_process_and_nobody_else(here, there):
    ashas, ravis = there.bus.hear([ASHA]), there.bus.hear([RAVI])
    own = here.bus.hear([ASHA])
    await here([Announcement(ASHA, "booking-7K3MQ9WD")])
    assert await ashas.next(1) == ["booking-7K3MQ9WD"]
    assert await own.next(1) == ["booking-7K3MQ9WD"]
    assert await ravis.next(0.2) == []


async def test_repeated_words_collapse_and_too_many_become_look_again():
    ear = Listening([ASHA])
    for word in ("jobs", "jobs", "booking-1"):
        ear.tell(word)
    assert await ear.next(0.1) == ["jobs", "booking-1"]
    for number in range(BACKLOG + 10):
        ear.tell(f"booking-{number}")
    assert RESUME in await ear.next(0.1)


async def test_a_cut_subscription_comes_back_and_everybody_looks_again(line, here, there):
    ear = there.bus.hear([ASHA])
    await line.cut()
    assert RESUME in await ear.next(3)
    await until(lambda: here.bus.up and there.bus.up, 3)
    await here([Announcement(ASHA, "jobs")])
    assert "jobs" in await _words(ear, 1)


async def test_a_killed_redis_costs_little_and_pages_look_again_by_themselves(line, here):
    ear = here.bus.hear([ASHA])
    line.kill()
    await until(lambda: not here.bus.up, 2)
    started = time.monotonic()
    for _ in range(50):
        await here([Announcement(ASHA, "jobs"), Announcement("cache", "services"), Announcement("task:x", "{}")])
    assert time.monotonic() - started < 0.2
    assert RESUME in await ear.next(4)
    line.start()
    await until(lambda: here.bus.up, 4)
    await _words(ear, 0.2)
    await here([Announcement(ASHA, "jobs")])
    assert "jobs" in await _words(ear, 1)


async def test_a_frozen_redis_costs_a_second_once(line, here):
    line.freeze()
    started = time.monotonic()
    await here([Announcement(ASHA, "jobs"), Announcement("cache", "services")])
    first = time.monotonic() - started
    assert first < 1.8
    assert not here.bus.up
    started = time.monotonic()
    for _ in range(50):
        await here([Announcement(ASHA, "jobs"), Announcement("cache", "services"), Announcement("task:x", "{}")])
    assert time.monotonic() - started < 0.2
    line.thaw()
    await until(lambda: here.bus.up, 4)


async def test_silence_is_noticed_without_anybody_asking(line, here):
    line.freeze()
    assert await until(lambda: not here.bus.up, 3) < 2


async def test_a_process_starts_and_stops_without_redis(line):
    line.freeze()
    started = time.monotonic()
    alone = AfterCommit(line.url)
    await alone.start()
    await alone([Announcement(ASHA, "jobs")])
    await alone.stop()
    assert time.monotonic() - started < 2.5


async def test_the_end_of_all_wakes_every_listener(here):
    ear = here.bus.hear([ASHA])
    waiting = asyncio.create_task(ear.next(30))
    await asyncio.sleep(0)
    here.bus.end_all()
    assert await asyncio.wait_for(waiting, 0.5) == []
    assert ear.ended


async def test_a_closed_ear_leaves_nothing_behind(here):
    ear = here.bus.hear([ASHA, RAVI])
    here.bus.forget_ear(ear)
    assert here.bus._listening == {}


async def _words(ear, patience):
    told, end = [], time.monotonic() + patience
    while time.monotonic() < end:
        told += await ear.next(0.1)
    return told
