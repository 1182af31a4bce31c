"""The timetable's memory: which run of which task was due, and what became of it. Two schedulers run each tick once."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, ColumnElement, Index, Integer, and_, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.core.orm import Base, Keyed

Tick = tuple[str, datetime]
AT_ONCE = 50
KEPT = timedelta(days=2)  # of what runs every few minutes; what runs daily or less often is kept for a year
KEPT_RARE = timedelta(days=400)
SILENT = timedelta(minutes=2)  # some line of the timetable is due every minute: after two, nobody works


class ScheduleRun(Keyed):
    """One tick of one task: handed to somebody until `handed_until`, worked on until `running_until` and renewed.

    Both times run out when a worker dies, and then anybody takes it up again.
    """

    __tablename__ = "schedule_runs"
    __table_args__ = (
        CheckConstraint("finished_at IS NULL OR failed_at IS NULL", name="schedule_runs_one_end_check"),
        Index("schedule_runs_open_idx", "tick", postgresql_where=text("finished_at IS NULL AND failed_at IS NULL")),
    )
    name: Mapped[str] = mapped_column(primary_key=True)
    tick: Mapped[datetime] = mapped_column(primary_key=True)
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    handed_until: Mapped[datetime | None]
    running_until: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    told: Mapped[str] = mapped_column(default="", server_default="")


class TaskFailure(Base):
    """A task that was given up: its name, its ids, what went wrong; until somebody tries it again or discards it."""

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


OPEN = and_(ScheduleRun.finished_at.is_(None), ScheduleRun.failed_at.is_(None))


class Runs:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def latest(self) -> dict[str, datetime]:
        """The last tick of each task that anybody knew of."""
        rows = await self._db.execute(select(ScheduleRun.name, func.max(ScheduleRun.tick)).group_by(ScheduleRun.name))
        return {row[0]: row[1] for row in rows}

    async def last_heard(self) -> datetime | None:
        """When a worker last began something."""
        found: datetime | None = await self._db.scalar(select(func.max(ScheduleRun.started_at)))
        return found

    async def add(self, ticks: Iterable[Tick]) -> None:
        """They are due. What somebody quicker added is left as it is."""
        rows = [{"name": name, "tick": tick} for name, tick in ticks]
        if rows:
            await self._db.execute(insert(ScheduleRun).values(rows).on_conflict_do_nothing())

    async def hand_out(self, now: datetime, until: datetime) -> Sequence[Tick]:
        """Open ticks that nobody has in hand: ours until `until`, oldest first."""
        free = (
            select(ScheduleRun.name, ScheduleRun.tick)
            .where(OPEN, _over(ScheduleRun.handed_until, now), _over(ScheduleRun.running_until, now))
            .order_by(ScheduleRun.tick)
            .limit(AT_ONCE)
            .with_for_update(skip_locked=True)
            .cte("free")
        )
        taken = (
            update(ScheduleRun)
            .where(ScheduleRun.name == free.c.name, ScheduleRun.tick == free.c.tick)
            .values(handed_until=until)
            .returning(ScheduleRun.name, ScheduleRun.tick)
        )
        return sorted(((name, tick) for name, tick in await self._db.execute(taken)), key=lambda one: one[1])

    async def begin(self, tick: Tick, now: datetime, until: datetime) -> int | None:
        """Whoever gets it works on it alone: how many tries it makes; None when it is settled or another is at it."""
        begun = (
            update(ScheduleRun)
            .where(_is(tick), OPEN, _over(ScheduleRun.running_until, now))
            .values(running_until=until, attempts=ScheduleRun.attempts + 1, started_at=now)
            .returning(ScheduleRun.attempts)
        )
        found: int | None = (await self._db.execute(begun)).scalar_one_or_none()
        return found

    async def go_on(self, tick: Tick, until: datetime) -> None:
        await self._db.execute(update(ScheduleRun).where(_is(tick), OPEN).values(running_until=until))

    async def finished(self, tick: Tick, now: datetime, told: str) -> None:
        ended = {"finished_at": now, "running_until": None, "handed_until": None, "told": told}
        await self._db.execute(update(ScheduleRun).where(_is(tick), OPEN).values(**ended))

    async def again(self, tick: Tick, at: datetime, why: str) -> None:
        await self._db.execute(
            update(ScheduleRun).where(_is(tick), OPEN).values(handed_until=at, running_until=None, told=why)
        )

    async def failed(self, tick: Tick, now: datetime, why: str) -> None:
        """Given up; the row stays until somebody decides."""
        ended = {"failed_at": now, "running_until": None, "handed_until": None, "told": why}
        await self._db.execute(update(ScheduleRun).where(_is(tick), OPEN).values(**ended))

    async def retry(self, tick: Tick) -> bool:
        """Somebody has put right what was wrong. False when it had not failed."""
        fresh = {"failed_at": None, "attempts": 0, "handed_until": None, "running_until": None}
        query = update(ScheduleRun).where(_is(tick), ScheduleRun.failed_at.is_not(None)).values(**fresh)
        return (await self._db.execute(query.returning(ScheduleRun.name))).scalar_one_or_none() is not None

    async def discard(self, tick: Tick, now: datetime) -> bool:
        """Nobody runs it any more. False when it had not failed."""
        settled = {"failed_at": None, "finished_at": now, "told": "discarded"}
        query = update(ScheduleRun).where(_is(tick), ScheduleRun.failed_at.is_not(None)).values(**settled)
        return (await self._db.execute(query.returning(ScheduleRun.name))).scalar_one_or_none() is not None

    async def prune(self, often: Iterable[str], now: datetime) -> int:
        """Forget what went well long ago; failures stay. `often` are the tasks of every few minutes."""
        old = or_(
            and_(ScheduleRun.name.in_(list(often)), ScheduleRun.tick < now - KEPT), ScheduleRun.tick < now - KEPT_RARE
        )
        gone = delete(ScheduleRun).where(ScheduleRun.finished_at.is_not(None), old)
        return len((await self._db.execute(gone.returning(ScheduleRun.name))).all())


def is_silent(heard: datetime | None, now: datetime) -> bool:
    return heard is None or now - heard > SILENT


def _is(tick: Tick) -> ColumnElement[bool]:
    return and_(ScheduleRun.name == tick[0], ScheduleRun.tick == tick[1])


def _over(column: Mapped[datetime | None], now: datetime) -> ColumnElement[bool]:
    return or_(column.is_(None), column <= now)
