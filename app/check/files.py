"""Compare the files of documents, photos and exports with their rows; report missing, changed, unreferenced files."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.storage import MAIN_PART, Storage
from app.exports.export import Export
from app.exports.repository import Exports
from app.photos.photo_upload import THUMBNAIL_PART
from app.photos.repository import Photos
from app.vetting.repository import Documents, StoredFile


async def find_broken_files(db: AsyncSession, storage: Storage) -> AsyncIterator[str]:
    for row in await Documents(db).stored_files():
        if error := await asyncio.to_thread(_document_file_error, row, storage.path(str(row.stored_as))):
            yield f"document {row.id}: {error}"
    photos = await Photos(db).stored()
    for photo in photos:
        if error := await asyncio.to_thread(_photo_file_error, photo["bytes"], storage.path(photo["stored_as"])):
            yield f"photo {photo['id']}: {error}"
    exports = await Exports(db).with_file()
    for export in exports:
        if error := await asyncio.to_thread(_export_file_error, export, storage.path(str(export.stored_as))):
            yield f"export {export.reference}: {error}"
    referenced = {*await Documents(db).stored_names(), *(photo["stored_as"] for photo in photos)}
    referenced |= {str(export.stored_as) for export in exports}
    for path in await asyncio.to_thread(storage.find_stale, referenced):
        yield f"{path.relative_to(storage.root)}: no row refers to it"


def _document_file_error(row: StoredFile, main_file: Path) -> str:
    expected = {MAIN_PART} | {f"{number}.jpg" for number in range(1, row.pages + 1)}
    present = {path.name for path in main_file.parent.iterdir()} if main_file.parent.is_dir() else set()
    if missing := expected - present:
        return f"{', '.join(sorted(missing))} missing"
    if unexpected := present - expected:
        return f"{', '.join(sorted(unexpected))} unexpected"
    content = main_file.read_bytes()
    if len(content) != row.size:
        return f"{len(content)} bytes instead of {row.size}"
    return "" if hashlib.sha256(content).digest() == row.sha256 else "digest differs"


def _photo_file_error(size: int, path: Path) -> str:
    if not path.is_file() or not path.with_name(THUMBNAIL_PART).is_file():
        return "its file is missing"
    return "" if path.stat().st_size == size else f"{path.stat().st_size} bytes instead of {size}"


def _export_file_error(export: Export, path: Path) -> str:
    if not path.is_file():
        return "its file is missing"
    if path.stat().st_size != export.size:
        return f"{path.stat().st_size} bytes instead of {export.size}"
    with path.open("rb") as file:
        return "" if hashlib.file_digest(file, "sha256").digest() == export.sha256 else "digest differs"
