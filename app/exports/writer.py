"""From asking for a file to fetching it: queued, built by a worker, kept a week, gone (T0-26)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.errors import Invalid, Missing, Refused
from app.core.events import PLATFORM, Person
from app.core.i18n import _
from app.core.queue import EXPORTS, later
from app.core.references import reference
from app.core.storage import Storage
from app.exports.export import KINDS, Export
from app.exports.repository import Exports

KEPT = timedelta(days=7)
SILENT = timedelta(seconds=20)  # whoever builds it and is not heard for so long is gone
AT_ONCE = 5  # of one person, being made
FOR_PROFESSIONALS = ("earnings",)


class Gone(Exception):
    """There was a file, and there is none any more."""


def kinds_for(person: Person) -> Sequence[str]:
    """An admin's tables; of a professional only what is their own."""
    own = person.role == "professional"
    return [kind for kind in KINDS if (kind in FOR_PROFESSIONALS) == own]


async def ask(db: AsyncSession, by: Person, kind: str, filters: Mapping[str, str], *, bom: bool) -> Export:
    """Raises Invalid("table"), Refused("many")."""
    if kind not in kinds_for(by):
        raise Invalid({"table": _("Choose what is exported.")})
    if await Exports(db).being_made(by.id) >= AT_ONCE:
        raise Refused(_("Five of your exports are being made. Wait until one of them is ready."), reason="many")
    kept = {name: value for name, value in filters.items() if value}
    export = Export(
        reference=reference(), by_id=by.id, kind=kind, filters=kept, bom=bom, state="queued", created_at=clock.now()
    )
    db.add(export)
    await db.flush()
    _asked(export, by)
    _hand_over(db, export)
    return export


def ready(export: Export, stored_as: str, size: int, sha256: bytes, rows: int) -> None:
    """The worker has built it. `rows` without the head."""
    export.state, export.stored_as, export.size, export.sha256 = "ready", stored_as, size, sha256
    export.rows_total = export.rows_done = rows
    export.ready_at, export.expires_at, export.heard_at = clock.now(), clock.now() + KEPT, None
    export.record("export.ready", by=PLATFORM, nudges=_nudges(export), rows=rows, size=size)


def is_gone(export: Export, now: datetime) -> bool:
    """Also when nobody has cleared it away yet."""
    return export.state in ("expired", "discarded") or (export.expires_at is not None and export.expires_at <= now)


def fetch(export: Export, by: Person, now: datetime) -> str:
    """The name of its file in the storage; whoever downloads it is written down. Raises Gone, Missing."""
    if is_gone(export, now):
        raise Gone
    if export.stored_as is None:
        raise Missing
    export.record("export.seen", by=by)
    return export.stored_as


def failed(export: Export, why: str) -> None:
    export.state, export.error, export.heard_at = "failed", why, None
    export.record("export.failed", by=PLATFORM, nudges=_nudges(export), error=why)


async def again(db: AsyncSession, by: Person, ref: str) -> Export:
    """One that failed is made anew."""
    export = await Exports(db).of(by.id, ref, lock=True)
    if export.state != "failed":
        raise Refused(_("This export has not failed."), reason="state")
    export.state, export.error, export.rows_done, export.rows_total = "queued", None, 0, None
    _asked(export, by)
    _hand_over(db, export)
    return export


async def discard(db: AsyncSession, storage: Storage, by: Person, ref: str) -> Export:
    """Its file is gone at once; one that is being made stops."""
    export = await Exports(db).of(by.id, ref, lock=True)
    if export.state in ("expired", "discarded"):
        return export
    _forget_file(db, storage, export, "discarded")
    export.record("export.discarded", by=by)
    return export


async def expire(db: AsyncSession, storage: Storage) -> int:
    """A week after it was ready its file is gone."""
    over = await Exports(db).over(clock.now())
    for export in over:
        _forget_file(db, storage, export, "expired")
        export.record("export.expired", by=PLATFORM)
    return len(over)


async def take_up(db: AsyncSession) -> int:
    """What nobody builds, though it was asked for a while ago, is handed over again; what waits already waits once."""
    waiting = await Exports(db).silent(clock.now() - SILENT)
    for export in waiting:
        _hand_over(db, export)
    return len(waiting)


def _asked(export: Export, by: Person) -> None:
    """Whom somebody looked for is a name: it can be forgotten when they leave."""
    words = export.filters.get("q", "")
    filters = {name: value for name, value in export.filters.items() if name != "q"}
    export.record("export.asked", by=by, kind=export.kind, filters=filters, personal={"q": words} if words else None)


def _hand_over(db: AsyncSession, export: Export) -> None:
    later(db, "build_export", queue=EXPORTS, export_id=export.id)


def _forget_file(db: AsyncSession, storage: Storage, export: Export, state: str) -> None:
    if export.stored_as is not None:
        storage.erase(db, export.stored_as)
    export.state, export.stored_as, export.size, export.sha256 = state, None, None, None


def _nudges(export: Export) -> list[tuple[str, str]]:
    return [(f"user:{export.by_id}", f"export-{export.reference}"), (f"user:{export.by_id}", "exports")]
