"""Exports, found through whoever asked for them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import Missing
from app.core.events import nudge
from app.exports.export import Export

BEING_MADE = Export.state.in_(("queued", "running"))
SHOWN = 50


class Exports:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def of(self, person_id: int, reference: str, *, lock: bool = False) -> Export:
        """Missing when it is somebody else's."""
        query = select(Export).where(Export.by_id == person_id, Export.reference == reference.upper())
        query = query.with_for_update() if lock else query
        found = (await self._db.scalars(query.execution_options(populate_existing=True))).one_or_none()
        if found is None:
            raise Missing
        return found

    async def numbered(self, person_id: int, export_id: int) -> str:
        """The reference of one that programs know by its number. Missing when it is somebody else's."""
        query = select(Export.reference).where(Export.by_id == person_id, Export.id == export_id)
        found: str | None = await self._db.scalar(query)
        if found is None:
            raise Missing
        return found

    async def latest(self, person_id: int) -> Sequence[Export]:
        mine = select(Export).where(Export.by_id == person_id, Export.state != "discarded")
        return (await self._db.scalars(mine.order_by(Export.id.desc()).limit(SHOWN))).all()

    async def being_made(self, person_id: int) -> int:
        query = select(func.count()).select_from(Export).where(Export.by_id == person_id, BEING_MADE)
        return (await self._db.execute(query)).scalar_one()

    async def claim(self, export_id: int, now: datetime, silent_since: datetime) -> Export | None:
        """Whoever gets it builds it alone; None when somebody does already, or it is settled."""
        free = or_(Export.state == "queued", _unheard(silent_since))
        started = {"state": "running", "started_at": now, "heard_at": now, "rows_done": 0, "rows_total": None}
        claimed = update(Export).where(Export.id == export_id, free).values(**started).returning(Export)
        found: Export | None = (await self._db.scalars(claimed)).one_or_none()
        return found

    async def heard(self, export: Export, now: datetime, done: int, total: int) -> bool:
        """A sign of life; False when it was discarded meanwhile."""
        mine = update(Export).where(
            Export.id == export.id, Export.state == "running", Export.started_at == export.started_at
        )
        kept = mine.values(heard_at=now, rows_done=min(done, total), rows_total=total or None).returning(Export.id)
        nudge(self._db, f"user:{export.by_id}", f"export-{export.reference}")
        return (await self._db.execute(kept)).scalar_one_or_none() is not None

    async def mine_still(self, export: Export) -> Export | None:
        """Locked, if it is still this worker's to settle."""
        query = select(Export).where(
            Export.id == export.id, Export.state == "running", Export.started_at == export.started_at
        )
        found = await self._db.scalars(query.with_for_update().execution_options(populate_existing=True))
        return found.one_or_none()

    async def silent(self, since: datetime) -> Sequence[Export]:
        """Being made, and nobody was heard of since."""
        queued = and_(Export.state == "queued", Export.created_at <= since)
        return (await self._db.scalars(select(Export).where(or_(queued, _unheard(since))))).all()

    async def kept(self) -> Sequence[Export]:
        """Whose file is on the disk."""
        return (await self._db.scalars(select(Export).where(Export.stored_as.is_not(None)))).all()

    async def stored_names(self) -> set[str]:
        return {str(export.stored_as) for export in await self.kept()}

    async def over(self, now: datetime) -> Sequence[Export]:
        query = select(Export).where(Export.state == "ready", Export.expires_at <= now).limit(100)
        return (await self._db.scalars(query.with_for_update(skip_locked=True))).all()


def _unheard(since: datetime) -> ColumnElement[bool]:
    return and_(Export.state == "running", or_(Export.heard_at.is_(None), Export.heard_at <= since))
