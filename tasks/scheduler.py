"""Run the timetable: each due tick is a row in PostgreSQL, queued or run on the spot; missed ticks are caught up."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from app.core import clock, logs
from app.core.lease import LEASE_DURATION, with_heartbeat
from app.core.schedule import ScheduleRuns, Tick, Timetable
from tasks.context import Context, unit_of_work

# Queue a due tick, or run it here.
StartTick = Callable[[Tick], Awaitable[None]]
MAX_ATTEMPTS = 5
FIRST_RETRY_SECONDS = 10  # then three times as long after each attempt
log = logs.get_logger("scheduler")


class Scheduler:
    """One in each worker; any number of them may poll at once."""

    def __init__(self, timetable: Timetable, start_tick: StartTick) -> None:
        self._timetable = timetable
        self._start_tick = start_tick
        self._recorded_until: dict[str, datetime] = {}

    async def poll(self, ctx: Context) -> None:
        """Once a second: record the ticks that have become due, and start those that no worker holds."""
        now = clock.now()
        async with unit_of_work(ctx) as db:
            runs = ScheduleRuns(db)
            recorded = self._recorded_until or await self._load_recorded(runs, now)
            due = [task for task in self._timetable if task.next_after(recorded[task.name]) <= now]
            await runs.add((task.name, tick) for task in due for tick in task.due(recorded[task.name], now))
            claimed = await runs.claim_due(now, now + LEASE_DURATION)
        self._recorded_until = recorded | {task.name: now for task in due}  # after the commit: else they are still due
        for tick in claimed:
            await self._start_tick(tick)

    async def _load_recorded(self, runs: ScheduleRuns, now: datetime) -> dict[str, datetime]:
        """Until when each task's ticks are recorded; a new task begins now."""
        latest = await runs.latest()
        return {task.name: latest.get(task.name, now) for task in self._timetable}


async def run_tick(ctx: Context, timetable: Timetable, tick: Tick) -> None:
    """Run it unless it is settled or leased to another worker; a failure is retried later, in the end given up."""
    scheduled = timetable.find(tick[0])
    if scheduled is None:
        return
    async with unit_of_work(ctx) as db:
        attempt = await ScheduleRuns(db).begin(tick, clock.now(), clock.now() + LEASE_DURATION)
    if attempt is None:
        return

    async def renew() -> None:
        async with unit_of_work(ctx) as db:
            await ScheduleRuns(db).renew_lease(tick, clock.now() + LEASE_DURATION)

    tick_context: Context = {**ctx, "tick": tick[1]}
    try:
        async with with_heartbeat("schedule_run_lease", renew):
            result = await scheduled.task(tick_context)
    except Exception as error:
        log.exception("scheduled task failed", task=scheduled.name, attempt=attempt)
        await _settle_failure(ctx, tick, attempt, type(error).__name__)
        return
    async with unit_of_work(ctx) as db:
        await ScheduleRuns(db).finish(tick, clock.now(), "" if result is None else str(result))


async def _settle_failure(ctx: Context, tick: Tick, attempt: int, error: str) -> None:
    async with unit_of_work(ctx) as db:
        if attempt >= MAX_ATTEMPTS:
            await ScheduleRuns(db).fail(tick, clock.now(), error)
        else:
            delay = timedelta(seconds=int(FIRST_RETRY_SECONDS * 3 ** (attempt - 1)))
            await ScheduleRuns(db).retry_later(tick, clock.now() + delay, error)
