"""Build an export's file: streamed by COPY out of one snapshot, and published only when it is complete."""

import asyncio
import hashlib
import os
import shutil
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import IO, Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock, logs
from app.core.db import Database, Publish
from app.core.poll_loop import PollLoop
from app.core.storage import Storage
from app.exports import lifecycle
from app.exports.export import Export
from app.exports.queries import CompiledQuery, compile_export_query
from app.exports.repository import Exports
from app.notifications.notification import Notification, notify_many
from app.settings import Settings

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Times in the file are Asia/Kolkata.
CONNECTION_SETTINGS = {"application_name": "export", "timezone": str(clock.IST), "datestyle": "ISO"}
PROGRESS_SECONDS = 0.5  # between two renewals of the lease, which carry the progress
log = logs.get_logger("exports")


class Discarded(Exception):
    """The export was discarded, or taken over by another worker."""


class ExportBuilder:
    """Build one export at a time; any number of workers may try the same one, one of them builds it."""

    def __init__(self, database: Database, publish: Publish, storage: Storage, settings: Settings) -> None:
        self._database = database
        self._publish = publish
        self._storage = storage
        self._database_url = settings.database_url

    async def build(self, export_id: int) -> None:
        """Claim the export and build its file; do nothing if it is settled or leased to another worker."""
        async with self._unit_of_work() as db:
            now = clock.now()
            export = await Exports(db).claim(export_id, now, now - lifecycle.STALE_AFTER)
            if export is None:
                return
            query = await compile_export_query(db, export.kind, export.filters, export.requested_by_id)
        path = self._storage.create_file()
        try:
            copy = ExportCopy(self._database_url, export.bom, path)
            rows = await self._copy(copy, export, query)
            await self._publish_file(export, path, copy.digest.digest(), rows)
        except Discarded:
            pass
        except Exception as error:
            log.exception("export failed", export=export.id, kind=export.kind)
            await self._fail(export, type(error).__name__)
        finally:
            shutil.rmtree(path.parent, ignore_errors=True)

    async def _copy(self, copy: "ExportCopy", export: Export, query: CompiledQuery) -> int:
        """Return the number of rows. The lease is renewed also while PostgreSQL is still counting."""
        copying = asyncio.ensure_future(copy.run(query))
        lost = False

        async def renew() -> None:
            nonlocal lost
            os.utime(copy.path.parent)  # else the sweep would take the folder for an old one
            async with self._unit_of_work() as db:
                lost = not await Exports(db).heartbeat(export, clock.now(), copy.rows_done, copy.rows_total)
            if lost:
                copying.cancel()

        try:
            async with PollLoop("export_lease", renew, interval=PROGRESS_SECONDS, immediate=True):
                return await copying
        except asyncio.CancelledError:
            if lost:
                raise Discarded from None
            raise
        finally:
            copying.cancel()
            await asyncio.wait([copying])

    async def _publish_file(self, export: Export, path: Path, digest: bytes, rows: int) -> None:
        size = await asyncio.to_thread(os.path.getsize, path)
        async with self._unit_of_work() as db:
            owned = await Exports(db).lock_if_still_owned(export)
            if owned is None:
                raise Discarded
            lifecycle.mark_ready(owned, self._storage.finalize(db, path), size, digest, rows)
            data = {"export": owned.reference, "of": owned.kind}
            key = f"export-ready:{owned.id}"
            await notify_many(db, [Notification("export_ready", owned.requested_by_id, data, key, clock.now())])

    async def _fail(self, export: Export, error: str) -> None:
        async with self._unit_of_work() as db:
            owned = await Exports(db).lock_if_still_owned(export)
            if owned is not None:
                lifecycle.mark_failed(owned, error)

    def _unit_of_work(self) -> AbstractAsyncContextManager[AsyncSession]:
        return self._database.work(self._publish)


class ExportCopy:
    """COPY of one query into one file; updates digest and progress as rows arrive."""

    def __init__(self, database_url: str, with_byte_order_mark: bool, path: Path) -> None:
        self.path = path
        self.digest = hashlib.sha256()
        self.rows_done = 0
        self.rows_total = 0
        self._database_url = database_url
        self._with_byte_order_mark = with_byte_order_mark

    async def run(self, query: CompiledQuery) -> int:
        """Count and copy in one transaction, so that both see the same rows; return the count."""
        connection = await asyncpg.connect(self._database_url, timeout=5, server_settings=CONNECTION_SETTINGS)
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                self.rows_total = await connection.fetchval(query.count_sql, *query.count_values)
                with os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    await self._copy_rows(connection, query, file)
                    file.flush()
                    await asyncio.to_thread(os.fsync, file.fileno())
        finally:
            with suppress(Exception):
                await connection.close(timeout=5)
        return self.rows_total

    async def _copy_rows(self, connection: Any, query: CompiledQuery, file: IO[bytes]) -> None:
        async def write(chunk: bytes) -> None:
            self.digest.update(chunk)
            file.write(chunk)
            self.rows_done += chunk.count(b"\n")  # a line break inside a cell counts too: this is for the progress bar

        if self._with_byte_order_mark:
            await write(BYTE_ORDER_MARK)
        await connection.copy_from_query(query.rows_sql, *query.rows_values, output=write, format="csv", header=True)
