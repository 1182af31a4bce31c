"""The timetable: each run happens once with any number of schedulers, also after a pause, in Asia/Kolkata."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.lease import LEASE_DURATION
from app.core.schedule import ScheduledTask, ScheduleRun, ScheduleRuns, Timetable
from tasks.scheduler import MAX_ATTEMPTS, Scheduler, run_tick
from tests.application import task_context

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=clock.IST)


class Workers:
    """Workers without processes: each has a scheduler, and runs on the spot what it starts."""

    def __init__(self, database, *crons, catch_up=timedelta()):
        self.context = task_context(database)
        self.ran = []
        self.breaks = 0
        names = [f"task_{number}" for number, _ in enumerate(crons)]
        self.timetable = Timetable(
            *(ScheduledTask(cron, self._task(name), catch_up) for name, cron in zip(names, crons, strict=True))
        )

    def _task(self, name):
        async def task(ctx):
            if self.breaks:
                self.breaks -= 1
                raise RuntimeError("broken")
            self.ran.append((name, ctx["tick"].astimezone(clock.IST)))
            return len(self.ran)

        task.__qualname__ = name
        return task

    def scheduler(self, *, dead=False):
        async def start_tick(tick):
            if not dead:
                await run_tick(self.context, self.timetable, tick)

        return Scheduler(self.timetable, start_tick)

    async def poll(self, scheduler, *moments):
        for moment in moments:
            with clock.freeze(moment):
                await scheduler.poll(self.context)

    async def rows(self):
        async with self.context["services"].database.work() as db:
            return list(await db.scalars(select(ScheduleRun).order_by(ScheduleRun.tick)))


def times(workers):
    return [tick.strftime("%d %H:%M") for _name, tick in workers.ran]


async def test_each_tick_runs_once_with_two_clocks_that_disagree_by_seconds(own_database):
    workers = Workers(own_database, "*/5 * * * *")
    first, other = workers.scheduler(), workers.scheduler()
    await workers.poll(first, NOON)
    await workers.poll(other, NOON + timedelta(seconds=5))
    for minute in range(1, 21):
        now = NOON + timedelta(minutes=minute)
        await asyncio.gather(workers.poll(first, now))
        await asyncio.gather(workers.poll(other, now + timedelta(seconds=5)))
    assert times(workers) == ["24 12:05", "24 12:10", "24 12:15", "24 12:20"]


async def test_two_clocks_at_the_same_moment_run_it_once(own_database):
    workers = Workers(own_database, "* * * * *")
    schedulers = [workers.scheduler() for _ in range(4)]
    with clock.freeze(NOON):
        for scheduler in schedulers:
            await scheduler.poll(workers.context)
    with clock.freeze(NOON + timedelta(minutes=1)):
        await asyncio.gather(*(scheduler.poll(workers.context) for scheduler in schedulers))
    assert len(workers.ran) == 1


async def test_after_a_pause_upkeep_runs_once_and_what_must_not_be_missed_every_time(own_database):
    upkeep = Workers(own_database, "*/5 * * * *")
    await upkeep.poll(upkeep.scheduler(), NOON, NOON + timedelta(minutes=5))
    await upkeep.poll(upkeep.scheduler(), NOON + timedelta(hours=7, minutes=2))
    assert times(upkeep) == ["24 12:05", "24 19:00"]


async def test_daily_runs_of_a_pause_are_caught_up_as_far_back_as_they_matter(own_database):
    daily = Workers(own_database, "0 18 * * *", catch_up=timedelta(days=2, hours=1))
    await daily.poll(daily.scheduler(), NOON, NOON + timedelta(hours=6))
    await daily.poll(daily.scheduler(), NOON + timedelta(days=5, hours=6, minutes=30))
    assert times(daily) == ["24 18:00", "27 18:00", "28 18:00", "29 18:00"]


async def test_a_line_that_no_one_knew_of_begins_now_and_not_in_the_past(own_database):
    workers = Workers(own_database, "0 8 1 * *", catch_up=timedelta(days=40))
    await workers.poll(workers.scheduler(), NOON, NOON + timedelta(minutes=1))
    assert workers.ran == []


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
    workers = Workers(own_database, cron)
    began = datetime.fromisoformat(since).replace(tzinfo=clock.IST)
    scheduler = workers.scheduler()
    await workers.poll(scheduler, began.astimezone(UTC), (began + timedelta(hours=13)).astimezone(UTC))
    assert times(workers)[:1] == [tick]


async def test_what_a_dead_worker_had_in_hand_is_taken_up_by_another(own_database):
    workers = Workers(own_database, "*/5 * * * *")
    dead, alive = workers.scheduler(dead=True), workers.scheduler()
    await workers.poll(dead, NOON, NOON + timedelta(minutes=5))
    await workers.poll(alive, NOON + timedelta(minutes=5, seconds=10))
    assert workers.ran == []
    await workers.poll(alive, NOON + timedelta(minutes=5, seconds=20))
    assert times(workers) == ["24 12:05"]


async def test_who_died_in_the_middle_is_followed_when_no_sign_of_life_comes(own_database):
    workers = Workers(own_database, "*/5 * * * *")
    await workers.poll(workers.scheduler(dead=True), NOON, NOON + timedelta(minutes=5))
    tick = ("task_0", NOON + timedelta(minutes=5))
    async with own_database.work() as db:
        assert await ScheduleRuns(db).begin(tick, tick[1], tick[1] + LEASE_DURATION) == 1
    with clock.freeze(tick[1] + timedelta(seconds=10)):
        await run_tick(workers.context, workers.timetable, tick)
        assert workers.ran == []
    await workers.poll(workers.scheduler(), tick[1] + timedelta(seconds=20))
    assert times(workers) == ["24 12:05"]
    assert [row.attempts for row in await workers.rows()] == [2]


async def test_a_failure_is_tried_again_later_and_given_up_at_last(own_database):
    workers = Workers(own_database, "0 18 * * *")
    workers.breaks = MAX_ATTEMPTS
    scheduler, now = workers.scheduler(), NOON + timedelta(hours=6)
    await workers.poll(scheduler, NOON, now)
    for _ in range(MAX_ATTEMPTS + 2):
        now += timedelta(hours=1)
        await workers.poll(scheduler, now)
    [row] = await workers.rows()
    assert (row.attempts, row.result, row.finished_at) == (MAX_ATTEMPTS, "RuntimeError", None)
    assert row.failed_at is not None
    async with own_database.work() as db:
        assert await ScheduleRuns(db).retry((row.name, row.tick))
        assert not await ScheduleRuns(db).retry((row.name, row.tick))
    await workers.poll(scheduler, now + timedelta(seconds=1))
    [row] = await workers.rows()
    assert (row.result, row.failed_at) == ("1", None)
    assert row.finished_at is not None


async def test_a_beat_that_could_not_be_written_down_is_not_forgotten(own_database):
    workers = Workers(own_database, "*/5 * * * *")
    scheduler = workers.scheduler()
    await workers.poll(scheduler, NOON)

    class UnreachableDatabase:
        def work(self, _after):
            raise OSError("no database")

    broken = task_context(UnreachableDatabase())  # type: ignore[arg-type]
    with clock.freeze(NOON + timedelta(minutes=5)), pytest.raises(OSError, match="no database"):
        await scheduler.poll(broken)
    await workers.poll(scheduler, NOON + timedelta(minutes=5, seconds=3))
    assert times(workers) == ["24 12:05"]


async def test_old_rows_go_but_not_the_failures_nor_what_runs_seldom(own_database):
    workers = Workers(own_database, "* * * * *", "0 18 * * *")
    scheduler = workers.scheduler()
    await workers.poll(scheduler, NOON, NOON + timedelta(minutes=1), NOON + timedelta(hours=6))
    workers.breaks = 1
    await workers.poll(scheduler, NOON + timedelta(hours=6, minutes=1))
    async with own_database.work() as db:
        removed = await ScheduleRuns(db).prune(["task_0"], NOON + timedelta(days=3))
    left = [(row.name, row.finished_at is not None) for row in await workers.rows()]
    assert removed == 2
    assert left == [("task_1", True), ("task_0", False)]
