"""The timetable at work. Each due tick is a row in PostgreSQL, handed to the queue or run on the spot; whoever dies
leaves it to the next. What was missed while nobody worked is caught up."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from croniter import croniter

from app.core import clock, logs
from app.core.schedule import Runs, Tick
from tasks.context import Context, work

Task = Callable[[Context], Awaitable[object]]
Hand = Callable[[Tick], Awaitable[None]]
HANDED = timedelta(seconds=20)  # a tick that nobody works on for so long is handed out again
RENEWED = 5  # seconds between two signs of life of whoever works on one
MOST_TRIES = 5
log = logs.get("clock")


@dataclass(frozen=True, slots=True)
class Line:
    """`cron` in Asia/Kolkata. After a pause every missed tick of the last `catch_up` is run, else the latest alone.

    The task reads its tick from ctx["tick"], looks at the state again, and is safe to run twice.
    """

    cron: str
    task: Task
    catch_up: timedelta = timedelta()

    @property
    def name(self) -> str:
        return self.task.__qualname__

    def next_after(self, moment: datetime) -> datetime:
        following: datetime = croniter(self.cron, moment.astimezone(clock.IST)).get_next(datetime)
        return following

    def due(self, since: datetime, now: datetime) -> list[datetime]:
        """The ticks after `since` up to `now` that are to be run."""
        tick = self.next_after(max(since, now - self.catch_up) if self.catch_up else self._latest(since, now))
        found = []
        while tick <= now:
            found.append(tick)
            tick = self.next_after(tick)
        return found if self.catch_up else found[-1:]

    def _latest(self, since: datetime, now: datetime) -> datetime:
        """A moment just before the latest tick, so that a long pause is not walked through minute by minute."""
        before: datetime = croniter(self.cron, now.astimezone(clock.IST)).get_prev(datetime)
        return max(since, before - timedelta(seconds=1))


class Clock:
    """One in each worker; any number of them may tick at once."""

    def __init__(self, lines: Sequence[Line], hand: Hand) -> None:
        self._lines = lines
        self._hand = hand
        self._seen: dict[str, datetime] = {}

    async def beat(self, context: Context) -> None:
        """Once a second: write down what has become due, and hand out what nobody has in hand."""
        now = clock.now()
        async with work(context) as db:
            runs = Runs(db)
            seen = self._seen or await self._remembered(runs, now)
            due = [line for line in self._lines if line.next_after(seen[line.name]) <= now]
            await runs.add((line.name, tick) for line in due for tick in line.due(seen[line.name], now))
            handed = await runs.hand_out(now, now + HANDED)
        self._seen = seen | {line.name: now for line in due}  # only now: what was not written down is due still
        for tick in handed:
            await self._hand(tick)

    async def _remembered(self, runs: Runs, now: datetime) -> dict[str, datetime]:
        """Until when each line was looked after; a line that nobody knew of begins now."""
        latest = await runs.latest()
        return {line.name: latest.get(line.name, now) for line in self._lines}


async def run_tick(context: Context, lines: Sequence[Line], tick: Tick) -> None:
    """Work on it, unless it is settled or somebody else does; a failure is tried again later, at last given up."""
    line = next((one for one in lines if one.name == tick[0]), None)
    if line is None:  # of a version that is gone
        return
    async with work(context) as db:
        tries = await Runs(db).begin(tick, clock.now(), clock.now() + HANDED)
    if tries is None:
        return
    try:
        async with _signs_of_life(context, tick):
            told = await line.task({**context, "tick": tick[1]})
    except Exception as problem:
        log.exception("a task of the timetable failed", task=line.name, tries=tries)
        await _settle_failure(context, tick, tries, type(problem).__name__)
        return
    async with work(context) as db:
        await Runs(db).finished(tick, clock.now(), "" if told is None else str(told))


async def _settle_failure(context: Context, tick: Tick, tries: int, why: str) -> None:
    async with work(context) as db:
        if tries >= MOST_TRIES:
            await Runs(db).failed(tick, clock.now(), why)
        else:
            await Runs(db).again(tick, clock.now() + timedelta(seconds=int(10 * 3 ** (tries - 1))), why)


@asynccontextmanager
async def _signs_of_life(context: Context, tick: Tick) -> AsyncIterator[None]:
    async def renew() -> None:
        while True:
            await asyncio.sleep(RENEWED)
            with contextlib.suppress(Exception):  # the next one may get through; else another worker takes over
                async with work(context) as db:
                    await Runs(db).go_on(tick, clock.now() + HANDED)

    renewing = asyncio.create_task(renew())
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)
