"""The life of an export: request, ready or failed, download, retry, discard, expiry (T0-26)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.errors import Invalid, Missing, Refused
from app.core.events import PLATFORM, Person
from app.core.i18n import _
from app.core.queue import EXPORT_QUEUE, enqueue_after_commit
from app.core.references import new_reference
from app.core.storage import Storage
from app.exports.export import KINDS, Export
from app.exports.repository import Exports

FILE_RETENTION = timedelta(days=7)
STALE_AFTER = timedelta(seconds=20)  # a claim without a heartbeat for so long is released
MAX_EXPORTS_IN_PROGRESS = 5  # per user
PROFESSIONAL_KINDS = ("earnings",)
MONEY_KINDS = ("invoices",)  # for admins with the right for money


class ExpiredExport(Exception):
    """The export's file has been erased."""


def kinds_for(person: Person) -> Sequence[str]:
    """List the kinds of exports that this user may request."""
    own = person.role == "professional"
    return [kind for kind in KINDS if (kind in PROFESSIONAL_KINDS) == own]


async def request_export(db: AsyncSession, by: Person, kind: str, filters: Mapping[str, str], *, bom: bool) -> Export:
    """Request an export. Raises Invalid("table"), Refused("many")."""
    if kind not in kinds_for(by):
        raise Invalid({"table": _("Choose what to export.")})
    if await Exports(db).in_progress_count(by.id) >= MAX_EXPORTS_IN_PROGRESS:
        raise Refused(_("You already have 5 exports in progress. Wait until one is ready."), reason="many")
    cleaned = {name: value for name, value in filters.items() if value}
    export = Export(
        reference=new_reference(),
        requested_by_id=by.id,
        kind=kind,
        filters=cleaned,
        bom=bom,
        state="queued",
        created_at=clock.now(),
    )
    db.add(export)
    await db.flush()
    _record_request(export, by)
    _enqueue(db, export)
    return export


def mark_ready(export: Export, stored_as: str, size: int, sha256: bytes, rows: int) -> None:
    """Mark an export as ready; `rows` does not count the header."""
    export.state, export.stored_as, export.size, export.sha256 = "ready", stored_as, size, sha256
    export.rows_total = export.rows_done = rows
    export.ready_at, export.expires_at, export.heartbeat_at = clock.now(), clock.now() + FILE_RETENTION, None
    export.record("export.ready", by=PLATFORM, nudges=_nudges(export), rows=rows, size=size)


def is_expired(export: Export, now: datetime) -> bool:
    """Whether the file is erased or due to be."""
    return export.state in ("expired", "discarded") or (export.expires_at is not None and export.expires_at <= now)


def record_download(export: Export, by: Person, now: datetime) -> str:
    """Record a download and return the file's name in the storage. Raises ExpiredExport, Missing."""
    if is_expired(export, now):
        raise ExpiredExport
    if export.stored_as is None:
        raise Missing
    export.record("export.seen", by=by)
    return export.stored_as


def mark_failed(export: Export, why: str) -> None:
    export.state, export.error, export.heartbeat_at = "failed", why, None
    export.record("export.failed", by=PLATFORM, nudges=_nudges(export), error=why)


async def retry(db: AsyncSession, by: Person, ref: str) -> Export:
    """Queue a failed export again. Raises Refused("state")."""
    export = await Exports(db).by_reference(by.id, ref, lock=True)
    if export.state != "failed":
        raise Refused(_("This export hasn't failed."), reason="state", about="export")
    export.state, export.error, export.rows_done, export.rows_total = "queued", None, 0, None
    _record_request(export, by)
    _enqueue(db, export)
    return export


async def discard(db: AsyncSession, storage: Storage, by: Person, ref: str) -> Export:
    """Discard an export and erase its file; one in progress stops."""
    export = await Exports(db).by_reference(by.id, ref, lock=True)
    if export.state in ("expired", "discarded"):
        return export
    _erase_file(db, storage, export, "discarded")
    export.record("export.discarded", by=by)
    return export


async def expire(db: AsyncSession, storage: Storage) -> int:
    """Erase the files of exports that became ready a week ago."""
    expired = await Exports(db).expired(clock.now())
    for export in expired:
        _erase_file(db, storage, export, "expired")
        export.record("export.expired", by=PLATFORM)
    return len(expired)


async def requeue_stale(db: AsyncSession) -> int:
    """Enqueue exports that no worker is building; a job that is queued already is not duplicated."""
    stale = await Exports(db).stale(clock.now() - STALE_AFTER)
    for export in stale:
        _enqueue(db, export)
    return len(stale)


def _record_request(export: Export, by: Person) -> None:
    """Record the request; the search text may name a person, so it is an erasable value."""
    search_text = export.filters.get("q", "")
    filters = {name: value for name, value in export.filters.items() if name != "q"}
    export.record(
        "export.asked", by=by, kind=export.kind, filters=filters, personal={"q": search_text} if search_text else None
    )


def _enqueue(db: AsyncSession, export: Export) -> None:
    enqueue_after_commit(db, "build_export", queue=EXPORT_QUEUE, export_id=export.id)


def _erase_file(db: AsyncSession, storage: Storage, export: Export, state: str) -> None:
    if export.stored_as is not None:
        storage.delete(db, export.stored_as)
    export.state, export.stored_as, export.size, export.sha256 = state, None, None, None


def _nudges(export: Export) -> list[tuple[str, str]]:
    return [
        (f"user:{export.requested_by_id}", f"export-{export.reference}"),
        (f"user:{export.requested_by_id}", "exports"),
    ]
