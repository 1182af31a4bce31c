"""Exports: streamed by COPY out of one snapshot into a file that is nobody's until it is whole."""

import asyncio
import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg

from app.core import clock, logs
from app.core.storage import Storage
from app.exports import writer
from app.exports.export import Export
from app.exports.queries import Asked, query_of
from app.exports.repository import Exports
from app.notifications.notification import Told
from app.notifications.notify import tell_all
from tasks.context import Context, work

BOM = b"\xef\xbb\xbf"
LINE = {"application_name": "export", "timezone": str(clock.IST), "datestyle": "ISO"}  # moments are written in India's
EVERY = 0.5  # seconds between two signs of life
log = logs.get("exports")


class Discarded(Exception):
    """Nobody wants it any more."""


async def build_export(ctx: Context, *, export_id: int) -> None:
    """Once, however often it is handed over; what a dead worker began is begun anew."""
    async with work(ctx) as db:
        now = clock.now()
        export = await Exports(db).claim(export_id, now, now - writer.SILENT)
        if export is None:
            return
        asked = await query_of(db, export.kind, export.filters, export.by_id)
    storage = Storage(ctx["settings"].uploads_dir)
    path = storage.begin()
    try:
        build = _Build(ctx, export, path)
        rows = await build.run(asked)
        await _settle(ctx, storage, export, path, build.digest.digest(), rows)
    except Discarded:
        pass
    except Exception as problem:
        log.exception("an export failed", export=export.id, kind=export.kind)
        async with work(ctx) as db:
            mine = await Exports(db).mine_still(export)
            if mine is not None:
                writer.failed(mine, type(problem).__name__)
    finally:
        shutil.rmtree(path.parent, ignore_errors=True)


async def _settle(ctx: Context, storage: Storage, export: Export, path: Path, digest: bytes, rows: int) -> None:
    size = await asyncio.to_thread(os.path.getsize, path)
    async with work(ctx) as db:
        mine = await Exports(db).mine_still(export)
        if mine is None:
            raise Discarded
        writer.ready(mine, storage.finish(db, path), size, digest, rows)
        await tell_all(db, [_told(mine)])


def _told(export: Export) -> Told:
    data = {"export": export.reference, "of": export.kind}
    return Told("export_ready", export.by_id, data, f"export-ready:{export.id}", clock.now())


class _Build:
    """One file on its way: counted, digested and written as it comes."""

    def __init__(self, ctx: Context, export: Export, path: Path) -> None:
        self._ctx, self._export, self._path = ctx, export, path
        self.digest = hashlib.sha256()
        self._done = 0
        self._total = 0

    async def run(self, asked: Asked) -> int:
        """How many rows there were. Signs of life come also while PostgreSQL is still counting."""
        making = asyncio.ensure_future(self._make(asked))
        try:
            while not making.done():
                await self._hear()
                await asyncio.wait([making], timeout=EVERY)
            return await making
        finally:
            making.cancel()
            await asyncio.wait([making])

    async def _make(self, asked: Asked) -> int:
        """One transaction: what is counted is what is copied."""
        settings = self._ctx["settings"]
        line = await asyncpg.connect(settings.database_url, timeout=5, server_settings=LINE)
        try:
            async with line.transaction(isolation="repeatable_read", readonly=True):
                self._total = await line.fetchval(asked.counting, *asked.counting_values)
                with os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    await self._copy(line, asked, file)
                    file.flush()
                    await asyncio.to_thread(os.fsync, file.fileno())
        finally:
            with suppress(Exception):
                await line.close(timeout=5)
        return self._total

    async def _copy(self, line: Any, asked: Asked, file: Any) -> None:
        async def take(piece: bytes) -> None:
            self.digest.update(piece)
            file.write(piece)
            self._done += piece.count(b"\n")  # a line break inside a cell counts too much: it is for the bar alone

        if self._export.bom:
            await take(BOM)
        await line.copy_from_query(asked.rows, *asked.values, output=take, format="csv", header=True)

    async def _hear(self) -> None:
        """Still at it, so far; the folder is young again for whoever sweeps."""
        os.utime(self._path.parent)
        async with work(self._ctx) as db:
            if not await Exports(db).heard(self._export, clock.now(), self._done, self._total):
                raise Discarded


async def take_up_exports(ctx: Context) -> int:
    """By the pulse: what Redis lost, or a killed worker had in hand, waits no longer than its silence counts."""
    async with work(ctx) as db:
        return await writer.take_up(db)


async def expire_exports(ctx: Context) -> int:
    async with work(ctx) as db:
        return await writer.expire(db, Storage(ctx["settings"].uploads_dir))
