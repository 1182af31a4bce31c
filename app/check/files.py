"""Papers and exports on the disk and their rows: one for one, byte for byte, and nothing else in the private folder."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.storage import MAIN_PART, Storage
from app.exports.export import Export
from app.exports.repository import Exports
from app.vetting.repository import Documents, StoredFile


async def broken_files(db: AsyncSession, storage: Storage) -> AsyncIterator[str]:
    for row in await Documents(db).stored_files():
        if wrong := await asyncio.to_thread(_wrong_with, row, storage.path(str(row.stored_as))):
            yield f"document {row.id}: {wrong}"
    exports = await Exports(db).with_file()
    for export in exports:
        if wrong := await asyncio.to_thread(_wrong_with_export, export, storage.path(str(export.stored_as))):
            yield f"export {export.reference}: {wrong}"
    known = {*await Documents(db).stored_names(), *(str(export.stored_as) for export in exports)}
    for path in await asyncio.to_thread(storage.find_stale, known):
        yield f"{path.relative_to(storage.root)}: no row mentions it"


def _wrong_with(row: StoredFile, paper: Path) -> str:
    wanted = {MAIN_PART} | {f"{number}.jpg" for number in range(1, row.pages + 1)}
    there = {path.name for path in paper.parent.iterdir()} if paper.parent.is_dir() else set()
    if missing := wanted - there:
        return f"{', '.join(sorted(missing))} missing"
    if more := there - wanted:
        return f"{', '.join(sorted(more))} too many"
    content = paper.read_bytes()
    if len(content) != row.size:
        return f"{len(content)} bytes instead of {row.size}"
    return "" if hashlib.sha256(content).digest() == row.sha256 else "other bytes than were kept"


def _wrong_with_export(export: Export, path: Path) -> str:
    if not path.is_file():
        return "its file is missing"
    if path.stat().st_size != export.size:
        return f"{path.stat().st_size} bytes instead of {export.size}"
    with path.open("rb") as file:
        return "" if hashlib.file_digest(file, "sha256").digest() == export.sha256 else "other bytes than were written"
