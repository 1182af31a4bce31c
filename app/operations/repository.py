"""The worker's work as PostgreSQL knows it: runs of the timetable, tasks that failed, mails that wait or are parked."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.user import User
from app.core.keyset import AnyRow
from app.core.outbox import Outbox
from app.core.schedule import ScheduleRun, TaskFailure

SHOWN = 50
ON_PURPOSE = ("out of date", "muted", "discarded")  # parked, and nothing is wrong
LAST = text("""
    SELECT DISTINCT ON (name) name, tick, started_at, finished_at, failed_at, told, attempts FROM schedule_runs
     WHERE started_at IS NOT NULL ORDER BY name, tick DESC
""")
DEPTH = text("""
    SELECT channel, count(*) AS waiting, extract(epoch FROM :now - min(due_at))::double precision AS oldest FROM outbox
     WHERE sent_at IS NULL AND parked_at IS NULL AND due_at <= :now GROUP BY channel
""")
# A channel that took nothing for too long; it is tried again a day later.
OFF = text("SELECT channel, disabled_at, last_error FROM channel_states WHERE disabled_at IS NOT NULL")


class Work:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def last_runs(self) -> dict[str, AnyRow]:
        """The latest run of each task of the timetable."""
        return {row.name: row for row in await self._db.execute(LAST)}

    async def failed_runs(self) -> Sequence[ScheduleRun]:
        query = select(ScheduleRun).where(ScheduleRun.failed_at.is_not(None)).order_by(ScheduleRun.failed_at.desc())
        return (await self._db.scalars(query.limit(SHOWN))).all()

    async def failures(self) -> Sequence[TaskFailure]:
        query = select(TaskFailure).where(TaskFailure.settled_at.is_(None)).order_by(TaskFailure.id.desc())
        return (await self._db.scalars(query.limit(SHOWN))).all()

    async def parked(self) -> Sequence[AnyRow]:
        """Mails that were given up."""
        what = Outbox.id, Outbox.kind, Outbox.channel, Outbox.attempts, Outbox.last_error, Outbox.parked_at
        query = (
            select(*what, User.full_name)
            .outerjoin(User, User.id == Outbox.recipient_id)
            .where(Outbox.parked_at.is_not(None), func.coalesce(Outbox.last_error, "").not_in(ON_PURPOSE))
        )
        return (await self._db.execute(query.order_by(Outbox.parked_at.desc()).limit(SHOWN))).all()

    async def depth(self, now: datetime) -> Sequence[AnyRow]:
        """Rows of the outbox that are due, by channel, and how many seconds the oldest has waited."""
        return (await self._db.execute(DEPTH, {"now": now})).all()

    async def switched_off(self) -> Sequence[AnyRow]:
        """Channels outside that are off: since when, and what they said last."""
        return (await self._db.execute(OFF)).all()

    async def send_again(self, mail_id: int, now: datetime) -> bool:
        fresh = {"parked_at": None, "attempts": 0, "due_at": now, "claimed_until": None}
        return await self._settle_mail(mail_id, fresh)

    async def discard_mail(self, mail_id: int) -> bool:
        return await self._settle_mail(mail_id, {"last_error": "discarded"})

    async def settle_failure(self, failure_id: int, now: datetime, how: str) -> TaskFailure | None:
        """Once: None when somebody did already."""
        mine = update(TaskFailure).where(TaskFailure.id == failure_id, TaskFailure.settled_at.is_(None))
        found: TaskFailure | None = await self._db.scalar(
            mine.values(settled_at=now, settled_as=how).returning(TaskFailure)
        )
        return found

    async def _settle_mail(self, mail_id: int, values: Mapping[str, object]) -> bool:
        lies = Outbox.parked_at.is_not(None), func.coalesce(Outbox.last_error, "").not_in(ON_PURPOSE)
        mine = update(Outbox).where(Outbox.id == mail_id, *lies).values(**values).returning(Outbox.id)
        return (await self._db.execute(mine)).scalar_one_or_none() is not None
