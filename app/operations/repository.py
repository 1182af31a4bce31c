"""Background work stored in PostgreSQL: runs of the timetable, failed tasks, pending and parked messages."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.user import User
from app.core.outbox import Outbox
from app.core.paging import AnyRow
from app.core.schedule import ScheduleRun, TaskFailure

MAX_ROWS_SHOWN = 50
EXPECTED_ERRORS = ("out of date", "muted", "discarded")  # parked on purpose: nothing is wrong
LAST_RUNS = text("""
    SELECT DISTINCT ON (name) name, tick, started_at, finished_at, failed_at, result, attempts FROM schedule_runs
     WHERE started_at IS NOT NULL ORDER BY name, tick DESC
""")
OUTBOX_DEPTH = text("""
    SELECT channel, count(*) AS waiting, extract(epoch FROM :now - min(due_at))::double precision AS oldest FROM outbox
     WHERE sent_at IS NULL AND parked_at IS NULL AND due_at <= :now GROUP BY channel
""")
PARKED_BY_ERROR = Outbox.parked_at.is_not(None), func.coalesce(Outbox.last_error, "").not_in(EXPECTED_ERRORS)


class BackgroundWork:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def last_runs(self) -> dict[str, AnyRow]:
        """Return the latest run of each scheduled task by its name."""
        return {row.name: row for row in await self._db.execute(LAST_RUNS)}

    async def failed_runs(self) -> Sequence[ScheduleRun]:
        query = select(ScheduleRun).where(ScheduleRun.failed_at.is_not(None)).order_by(ScheduleRun.failed_at.desc())
        return (await self._db.scalars(query.limit(MAX_ROWS_SHOWN))).all()

    async def open_failures(self) -> Sequence[TaskFailure]:
        query = select(TaskFailure).where(TaskFailure.settled_at.is_(None)).order_by(TaskFailure.id.desc())
        return (await self._db.scalars(query.limit(MAX_ROWS_SHOWN))).all()

    async def parked_messages(self) -> Sequence[AnyRow]:
        """Return the messages parked after errors, with the recipient's name."""
        columns = Outbox.id, Outbox.kind, Outbox.channel, Outbox.attempts, Outbox.last_error, Outbox.parked_at
        query = select(*columns, User.full_name).outerjoin(User, User.id == Outbox.recipient_id).where(*PARKED_BY_ERROR)
        return (await self._db.execute(query.order_by(Outbox.parked_at.desc()).limit(MAX_ROWS_SHOWN))).all()

    async def outbox_depth(self, now: datetime) -> Sequence[AnyRow]:
        """Return for each channel how many messages are due, and how many seconds the oldest has waited."""
        return (await self._db.execute(OUTBOX_DEPTH, {"now": now})).all()

    async def retry_message(self, message_id: int, now: datetime) -> bool:
        """Send a parked message again. False when it is not parked any more."""
        values = {"parked_at": None, "attempts": 0, "due_at": now, "claimed_until": None}
        return await self._settle_message(message_id, values)

    async def discard_message(self, message_id: int) -> bool:
        return await self._settle_message(message_id, {"last_error": "discarded"})

    async def settle_failure(self, failure_id: int, now: datetime, settled_as: str) -> TaskFailure | None:
        """Settle it once; None when that was done already."""
        query = update(TaskFailure).where(TaskFailure.id == failure_id, TaskFailure.settled_at.is_(None))
        failure: TaskFailure | None = await self._db.scalar(
            query.values(settled_at=now, settled_as=settled_as).returning(TaskFailure)
        )
        return failure

    async def _settle_message(self, message_id: int, values: Mapping[str, object]) -> bool:
        query = update(Outbox).where(Outbox.id == message_id, *PARKED_BY_ERROR).values(**values).returning(Outbox.id)
        return (await self._db.execute(query)).scalar_one_or_none() is not None
