"""The timetable: once for each tick, whoever ticks; caught up after a pause; India's clock everywhere."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.schedule import Runs, ScheduleRun
from tasks.clock import HANDED, MOST_TRIES, Clock, Line, run_tick

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=clock.IST)


async def nobody(_announcements):
    """Nobody hears."""


class Bench:
    """Workers without processes: each has a clock, and runs on the spot what it is handed."""

    def __init__(self, database, *crons, catch_up=timedelta()):
        self.context = {"database": database, "after": nobody}
        self.ran = []
        self.breaks = 0
        names = [f"task_{number}" for number, _ in enumerate(crons)]
        self.lines = [Line(cron, self._task(name), catch_up) for name, cron in zip(names, crons, strict=True)]

    def _task(self, name):
        async def task(ctx):
            if self.breaks:
                self.breaks -= 1
                raise RuntimeError("broken")
            self.ran.append((name, ctx["tick"].astimezone(clock.IST)))
            return len(self.ran)

        task.__qualname__ = name
        return task

    def worker(self, *, deaf=False):
        async def hand(tick):
            if not deaf:
                await run_tick(self.context, self.lines, tick)

        return Clock(self.lines, hand)

    async def beats(self, worker, *moments):
        for moment in moments:
            with clock.stopped(moment):
                await worker.beat(self.context)

    async def rows(self):
        async with self.context["database"].work() as db:
            return list(await db.scalars(select(ScheduleRun).order_by(ScheduleRun.tick)))


def times(bench):
    return [tick.strftime("%d %H:%M") for _name, tick in bench.ran]


async def test_each_tick_runs_once_with_two_clocks_that_disagree_by_seconds(own_database):
    bench = Bench(own_database, "*/5 * * * *")
    one, other = bench.worker(), bench.worker()
    await bench.beats(one, NOON)
    await bench.beats(other, NOON + timedelta(seconds=5))
    for minute in range(1, 21):
        now = NOON + timedelta(minutes=minute)
        await asyncio.gather(bench.beats(one, now))
        await asyncio.gather(bench.beats(other, now + timedelta(seconds=5)))
    assert times(bench) == ["24 12:05", "24 12:10", "24 12:15", "24 12:20"]


async def test_two_clocks_at_the_same_moment_run_it_once(own_database):
    bench = Bench(own_database, "* * * * *")
    workers = [bench.worker() for _ in range(4)]
    with clock.stopped(NOON):
        for worker in workers:
            await worker.beat(bench.context)
    with clock.stopped(NOON + timedelta(minutes=1)):
        await asyncio.gather(*(worker.beat(bench.context) for worker in workers))
    assert len(bench.ran) == 1


async def test_after_a_pause_upkeep_runs_once_and_what_must_not_be_missed_every_time(own_database):
    upkeep = Bench(own_database, "*/5 * * * *")
    await upkeep.beats(upkeep.worker(), NOON, NOON + timedelta(minutes=5))
    await upkeep.beats(upkeep.worker(), NOON + timedelta(hours=7, minutes=2))
    assert times(upkeep) == ["24 12:05", "24 19:00"]


async def test_daily_runs_of_a_pause_are_caught_up_as_far_back_as_they_matter(own_database):
    daily = Bench(own_database, "0 18 * * *", catch_up=timedelta(days=2, hours=1))
    await daily.beats(daily.worker(), NOON, NOON + timedelta(hours=6))
    await daily.beats(daily.worker(), NOON + timedelta(days=5, hours=6, minutes=30))
    assert times(daily) == ["24 18:00", "27 18:00", "28 18:00", "29 18:00"]


async def test_a_line_that_nobody_knew_of_begins_now_and_not_in_the_past(own_database):
    bench = Bench(own_database, "0 8 1 * *", catch_up=timedelta(days=40))
    await bench.beats(bench.worker(), NOON, NOON + timedelta(minutes=1))
    assert bench.ran == []


@pytest.mark.parametrize(
    ("cron", "since", "tick"),
    [
        ("0 8 1 * *", "2027-02-28T23:59", "01 08:00"),
        ("0 8 1 * *", "2028-02-29T23:59", "01 08:00"),
        ("0 8 1 * *", "2026-12-31T23:30", "01 08:00"),
        ("0 0 29 2 *", "2028-02-28T12:00", "29 00:00"),
        ("30 23 * * *", "2026-11-24T23:29", "24 23:30"),
        ("15 0 * * *", "2026-11-24T23:50", "25 00:15"),
    ],
)
async def test_days_and_months_are_indias_on_a_server_in_utc(own_database, cron, since, tick):
    bench = Bench(own_database, cron)
    began = datetime.fromisoformat(since).replace(tzinfo=clock.IST)
    worker = bench.worker()
    await bench.beats(worker, began.astimezone(UTC), (began + timedelta(hours=13)).astimezone(UTC))
    assert times(bench)[:1] == [tick]


async def test_what_a_dead_worker_had_in_hand_is_taken_up_by_another(own_database):
    bench = Bench(own_database, "*/5 * * * *")
    dead, alive = bench.worker(deaf=True), bench.worker()
    await bench.beats(dead, NOON, NOON + timedelta(minutes=5))
    await bench.beats(alive, NOON + timedelta(minutes=5, seconds=10))
    assert bench.ran == []
    await bench.beats(alive, NOON + timedelta(minutes=5, seconds=20))
    assert times(bench) == ["24 12:05"]


async def test_who_died_in_the_middle_is_followed_when_no_sign_of_life_comes(own_database):
    bench = Bench(own_database, "*/5 * * * *")
    await bench.beats(bench.worker(deaf=True), NOON, NOON + timedelta(minutes=5))
    tick = ("task_0", NOON + timedelta(minutes=5))
    async with own_database.work() as db:
        assert await Runs(db).begin(tick, tick[1], tick[1] + HANDED) == 1
    with clock.stopped(tick[1] + timedelta(seconds=10)):
        await run_tick(bench.context, bench.lines, tick)
        assert bench.ran == []
    await bench.beats(bench.worker(), tick[1] + timedelta(seconds=20))
    assert times(bench) == ["24 12:05"]
    assert [row.attempts for row in await bench.rows()] == [2]


async def test_a_failure_is_tried_again_later_and_given_up_at_last(own_database):
    bench = Bench(own_database, "0 18 * * *")
    bench.breaks = MOST_TRIES
    worker, now = bench.worker(), NOON + timedelta(hours=6)
    await bench.beats(worker, NOON, now)
    for _ in range(MOST_TRIES + 2):
        now += timedelta(hours=1)
        await bench.beats(worker, now)
    [row] = await bench.rows()
    assert (row.attempts, row.told, row.finished_at) == (MOST_TRIES, "RuntimeError", None)
    assert row.failed_at is not None
    async with own_database.work() as db:
        assert await Runs(db).retry((row.name, row.tick))
        assert not await Runs(db).retry((row.name, row.tick))
    await bench.beats(worker, now + timedelta(seconds=1))
    [row] = await bench.rows()
    assert (row.told, row.failed_at) == ("1", None)
    assert row.finished_at is not None


async def test_a_beat_that_could_not_be_written_down_is_not_forgotten(own_database):
    bench = Bench(own_database, "*/5 * * * *")
    worker = bench.worker()
    await bench.beats(worker, NOON)
    broken = dict(bench.context)

    class Down:
        def work(self, _after):
            raise OSError("no database")

    broken["database"] = Down()
    with clock.stopped(NOON + timedelta(minutes=5)), pytest.raises(OSError, match="no database"):
        await worker.beat(broken)
    await bench.beats(worker, NOON + timedelta(minutes=5, seconds=3))
    assert times(bench) == ["24 12:05"]


async def test_old_rows_go_but_not_the_failures_nor_what_runs_seldom(own_database):
    bench = Bench(own_database, "* * * * *", "0 18 * * *")
    worker = bench.worker()
    await bench.beats(worker, NOON, NOON + timedelta(minutes=1), NOON + timedelta(hours=6))
    bench.breaks = 1
    await bench.beats(worker, NOON + timedelta(hours=6, minutes=1))
    async with own_database.work() as db:
        gone = await Runs(db).prune(["task_0"], NOON + timedelta(days=3))
    left = [(row.name, row.finished_at is not None) for row in await bench.rows()]
    assert gone == 2
    assert left == [("task_1", True), ("task_0", False)]
