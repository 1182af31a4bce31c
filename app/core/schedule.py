"""The timetable of background tasks, and its runs in PostgreSQL: any number of workers run each tick once."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from croniter import croniter
from sqlalchemy import CheckConstraint, ColumnElement, Index, Integer, and_, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.lease import claim_due, is_expired, is_stale, renew_lease
from app.core.orm import Base, NaturalKeyBase

Tick = tuple[str, datetime]  # the task's name and when it is due
CLAIM_BATCH_SIZE = 50
FREQUENT_RUN_RETENTION = timedelta(days=2)  # of tasks that run every few minutes
RARE_RUN_RETENTION = timedelta(days=400)  # of tasks that run daily or less often
PROCESS_STARTED_AT = clock.now()
WORKER_STALE_AFTER = timedelta(minutes=2)  # some task is due every minute: after two, no worker works


@dataclass(frozen=True, slots=True)
class ScheduledTask:
    """A task and when it is due; `cron` in Asia/Kolkata.

    After a pause every missed tick of the last `catch_up` is run, or the latest alone when that is zero. The task reads
    its tick from ctx["tick"], looks at the state again, and is safe to run twice.
    """

    cron: str
    task: Callable[..., Awaitable[object]]
    catch_up: timedelta = timedelta()

    @property
    def name(self) -> str:
        return self.task.__qualname__

    def next_after(self, moment: datetime) -> datetime:
        following: datetime = croniter(self.cron, moment.astimezone(clock.IST)).get_next(datetime)
        return following

    def due(self, since: datetime, now: datetime) -> list[datetime]:
        """Return the ticks after `since` up to `now` that are to be run."""
        tick = self.next_after(max(since, now - self.catch_up) if self.catch_up else self._before_latest(since, now))
        ticks = []
        while tick <= now:
            ticks.append(tick)
            tick = self.next_after(tick)
        return ticks if self.catch_up else ticks[-1:]

    def _before_latest(self, since: datetime, now: datetime) -> datetime:
        """A moment just before the latest tick, so that a long pause is not walked through minute by minute."""
        latest: datetime = croniter(self.cron, now.astimezone(clock.IST)).get_prev(datetime)
        return max(since, latest - timedelta(seconds=1))


class Timetable:
    """All scheduled tasks, in order."""

    def __init__(self, *tasks: ScheduledTask) -> None:
        self._tasks = tasks

    def __iter__(self) -> Iterator[ScheduledTask]:
        return iter(self._tasks)

    def __len__(self) -> int:
        return len(self._tasks)

    def find(self, name: str) -> ScheduledTask | None:
        """None for a task of another version of Doorstep."""
        return next((task for task in self._tasks if task.name == name), None)


class ScheduleRun(NaturalKeyBase):
    """One tick of one task: claimed by a scheduler until `claimed_until`, worked on until `leased_until` (renewed).

    Both leases run out when a worker dies, and then any other takes the tick over.
    """

    __tablename__ = "schedule_runs"
    __table_args__ = (
        CheckConstraint("finished_at IS NULL OR failed_at IS NULL", name="schedule_runs_one_end_check"),
        Index("schedule_runs_open_idx", "tick", postgresql_where=text("finished_at IS NULL AND failed_at IS NULL")),
    )
    name: Mapped[str] = mapped_column(primary_key=True)
    tick: Mapped[datetime] = mapped_column(primary_key=True)
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    claimed_until: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    result: Mapped[str] = mapped_column(default="", server_default="")


class TaskFailure(Base):
    """A queued task that failed for good: its name, ids and error, until an admin retries or discards it."""

    __tablename__ = "task_failures"
    __table_args__ = (Index("task_failures_open_idx", "id", postgresql_where=text("settled_at IS NULL")),)
    name: Mapped[str]
    queue: Mapped[str]
    ids: Mapped[dict[str, Any]]
    error: Mapped[str]
    attempts: Mapped[int] = mapped_column(Integer)
    failed_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    settled_as: Mapped[str | None]


UNSETTLED = and_(ScheduleRun.finished_at.is_(None), ScheduleRun.failed_at.is_(None))
RELEASED: dict[str, datetime | None] = {"leased_until": None, "claimed_until": None}


class ScheduleRuns:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def latest(self) -> dict[str, datetime]:
        """Return the last known tick of each task."""
        rows = await self._db.execute(select(ScheduleRun.name, func.max(ScheduleRun.tick)).group_by(ScheduleRun.name))
        return {row[0]: row[1] for row in rows}

    async def last_started_at(self) -> datetime | None:
        """Return when a worker last began a task."""
        moment: datetime | None = await self._db.scalar(select(func.max(ScheduleRun.started_at)))
        return moment

    async def last_finished(self, name: str) -> datetime | None:
        """Return when the latest finished run of the task began."""
        query = select(ScheduleRun.started_at).where(ScheduleRun.name == name, ScheduleRun.finished_at.is_not(None))
        moment: datetime | None = await self._db.scalar(query.order_by(ScheduleRun.tick.desc()).limit(1))
        return moment

    async def add(self, ticks: Iterable[Tick]) -> None:
        """Record due ticks; ticks that another scheduler added stay as they are."""
        rows = [{"name": name, "tick": tick} for name, tick in ticks]
        if rows:
            await self._db.execute(insert(ScheduleRun).values(rows).on_conflict_do_nothing())

    async def claim_due(self, now: datetime, until: datetime) -> Sequence[Tick]:
        """Claim unsettled ticks that no worker holds until `until`; oldest first."""
        due = UNSETTLED, is_expired(ScheduleRun.claimed_until, now), is_expired(ScheduleRun.leased_until, now)
        runs = await claim_due(
            self._db,
            ScheduleRun,
            due,
            {"claimed_until": until},
            order_by=[ScheduleRun.tick],
            limit=CLAIM_BATCH_SIZE,
        )
        return sorted(((run.name, run.tick) for run in runs), key=lambda tick: tick[1])

    async def begin(self, tick: Tick, now: datetime, until: datetime) -> int | None:
        """Lease the tick to this worker; return the number of the attempt, None if it is settled or leased."""
        begun = (
            update(ScheduleRun)
            .where(_is(tick), UNSETTLED, is_expired(ScheduleRun.leased_until, now))
            .values(leased_until=until, attempts=ScheduleRun.attempts + 1, started_at=now)
            .returning(ScheduleRun.attempts)
        )
        attempt: int | None = (await self._db.execute(begun)).scalar_one_or_none()
        return attempt

    async def renew_lease(self, tick: Tick, until: datetime) -> None:
        await renew_lease(self._db, ScheduleRun, [_is(tick), UNSETTLED], {"leased_until": until})

    async def finish(self, tick: Tick, now: datetime, result: str) -> None:
        await self._settle(tick, finished_at=now, result=result, **RELEASED)

    async def retry_later(self, tick: Tick, at: datetime, error: str) -> None:
        await self._settle(tick, claimed_until=at, leased_until=None, result=error)

    async def fail(self, tick: Tick, now: datetime, error: str) -> None:
        """Give up; the row stays until an admin retries or discards it."""
        await self._settle(tick, failed_at=now, result=error, **RELEASED)

    async def retry(self, tick: Tick) -> bool:
        """Run a failed tick again. False when it had not failed."""
        return await self._settle_failed(tick, failed_at=None, attempts=0, **RELEASED)

    async def discard(self, tick: Tick, now: datetime) -> bool:
        """Leave a failed tick undone. False when it had not failed."""
        return await self._settle_failed(tick, failed_at=None, finished_at=now, result="discarded")

    async def prune(self, frequent: Iterable[str], now: datetime) -> int:
        """Delete old runs that finished; failures stay. `frequent` are the tasks of every few minutes."""
        is_old = or_(
            and_(ScheduleRun.name.in_(list(frequent)), ScheduleRun.tick < now - FREQUENT_RUN_RETENTION),
            ScheduleRun.tick < now - RARE_RUN_RETENTION,
        )
        deleted = delete(ScheduleRun).where(ScheduleRun.finished_at.is_not(None), is_old)
        return len((await self._db.execute(deleted.returning(ScheduleRun.name))).all())

    async def _settle(self, tick: Tick, **values: Any) -> None:
        await self._db.execute(update(ScheduleRun).where(_is(tick), UNSETTLED).values(**values))

    async def _settle_failed(self, tick: Tick, **values: Any) -> bool:
        failed = update(ScheduleRun).where(_is(tick), ScheduleRun.failed_at.is_not(None)).values(**values)
        return (await self._db.execute(failed.returning(ScheduleRun.name))).scalar_one_or_none() is not None


def is_worker_stale(last_started_at: datetime | None, now: datetime) -> bool:
    """No worker has begun a task for two minutes."""
    return is_stale(last_started_at, now, WORKER_STALE_AFTER)


def is_worker_silent(last_started_at: datetime | None, now: datetime) -> bool:
    """The same, for a warning: after a start of this process the workers have two minutes to begin."""
    return is_worker_stale(max(last_started_at or PROCESS_STARTED_AT, PROCESS_STARTED_AT), now)


def _is(tick: Tick) -> ColumnElement[bool]:
    return and_(ScheduleRun.name == tick[0], ScheduleRun.tick == tick[1])
