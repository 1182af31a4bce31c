"""Find, claim and renew exports; users find only their own."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import Missing
from app.core.events import nudge
from app.core.lease import is_expired, renew_lease, still_owned
from app.core.references import parse_reference
from app.exports.export import Export

IN_PROGRESS = Export.state.in_(("queued", "running"))
MAX_LISTED = 50


class Exports:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def by_reference(self, person_id: int, reference: str, *, lock: bool = False) -> Export:
        """Find an export of this user; raises Missing."""
        query = select(Export).where(
            Export.requested_by_id == person_id, Export.reference == parse_reference(reference)
        )
        query = query.with_for_update() if lock else query
        found = (await self._db.scalars(query.execution_options(populate_existing=True))).one_or_none()
        if found is None:
            raise Missing
        return found

    async def reference_of(self, person_id: int, export_id: int) -> str:
        """Find the reference of this user's export by its id; raises Missing."""
        query = select(Export.reference).where(Export.requested_by_id == person_id, Export.id == export_id)
        found: str | None = await self._db.scalar(query)
        if found is None:
            raise Missing
        return found

    async def latest(self, person_id: int) -> Sequence[Export]:
        query = select(Export).where(Export.requested_by_id == person_id, Export.state != "discarded")
        return (await self._db.scalars(query.order_by(Export.id.desc()).limit(MAX_LISTED))).all()

    async def in_progress_count(self, person_id: int) -> int:
        query = select(func.count()).select_from(Export).where(Export.requested_by_id == person_id, IN_PROGRESS)
        return (await self._db.execute(query)).scalar_one()

    async def claim(self, export_id: int, now: datetime, stale_before: datetime) -> Export | None:
        """Claim an export to build it; None if another worker has it or it is finished."""
        free = or_(Export.state == "queued", _is_stale(stale_before))
        started = {"state": "running", "started_at": now, "heartbeat_at": now, "rows_done": 0, "rows_total": None}
        claimed = update(Export).where(Export.id == export_id, free).values(**started).returning(Export)
        found: Export | None = (await self._db.scalars(claimed)).one_or_none()
        return found

    async def heartbeat(self, export: Export, now: datetime, done: int, total: int) -> bool:
        """Renew the lease and report progress; False when the export was discarded or taken over."""
        values = {"heartbeat_at": now, "rows_done": min(done, total), "rows_total": total or None}
        nudge(self._db, f"user:{export.requested_by_id}", f"export-{export.reference}")
        return await renew_lease(self._db, Export, _owned(export), values)

    async def lock_if_still_owned(self, export: Export) -> Export | None:
        """Return the locked row, None when the export was discarded or taken over."""
        return await still_owned(self._db, Export, _owned(export))

    async def stale(self, since: datetime) -> Sequence[Export]:
        """List exports in progress without a heartbeat since `since`, and queued ones older than that."""
        queued = and_(Export.state == "queued", Export.created_at <= since)
        return (await self._db.scalars(select(Export).where(or_(queued, _is_stale(since))))).all()

    async def with_file(self) -> Sequence[Export]:
        """List exports that have a file."""
        return (await self._db.scalars(select(Export).where(Export.stored_as.is_not(None)))).all()

    async def file_names_of(self, person_id: int) -> Sequence[str]:
        """Names of the files of exports that this person requested."""
        query = select(Export.stored_as).where(Export.requested_by_id == person_id, Export.stored_as.is_not(None))
        return [str(name) for name in await self._db.scalars(query)]

    async def stored_names(self) -> set[str]:
        return {str(export.stored_as) for export in await self.with_file()}

    async def expired(self, now: datetime) -> Sequence[Export]:
        query = select(Export).where(Export.state == "ready", Export.expires_at <= now).limit(100)
        return (await self._db.scalars(query.with_for_update(skip_locked=True))).all()


def _is_stale(since: datetime) -> ColumnElement[bool]:
    return and_(Export.state == "running", is_expired(Export.heartbeat_at, since))


def _owned(export: Export) -> list[ColumnElement[bool]]:
    """The claim that this worker made: another one would have a later start."""
    return [Export.id == export.id, Export.state == "running", Export.started_at == export.started_at]
