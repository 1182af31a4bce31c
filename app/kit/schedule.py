"""The timetable's memory: which run of which task was due, and what became of it. Two schedulers run each tick once."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.rows import Base, Keyed


class ScheduleRun(Keyed):
    """One tick of one task. Claimed until `claimed_until`; a claim that ran out is taken up again by anybody."""

    __tablename__ = "schedule_runs"
    __table_args__ = (
        CheckConstraint("finished_at IS NULL OR failed_at IS NULL", name="schedule_runs_one_end_check"),
        Index("schedule_runs_open_idx", "tick", postgresql_where=text("finished_at IS NULL AND failed_at IS NULL")),
    )
    name: Mapped[str] = mapped_column(primary_key=True)
    tick: Mapped[datetime] = mapped_column(primary_key=True)
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    claimed_until: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    told: Mapped[str] = mapped_column(default="", server_default="")


class TaskFailure(Base):
    """A task that was given up: its name, its ids, what went wrong; until somebody tries it again or discards it."""

    __tablename__ = "task_failures"
    __table_args__ = (Index("task_failures_open_idx", "id", postgresql_where=text("settled_at IS NULL")),)
    name: Mapped[str]
    ids: Mapped[str]
    error: Mapped[str]
    attempts: Mapped[int] = mapped_column(Integer)
    failed_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    settled_as: Mapped[str | None]
