"""Download own data: one ZIP archive with everything as JSON, and the documents as they were uploaded."""

import json
import tempfile
import zipfile
from datetime import date, datetime
from typing import IO, Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.names import public_name
from app.core import clock
from app.core.errors import Missing
from app.core.events import Person
from app.core.personal_data import OwnDataSection
from app.core.storage import Storage
from app.photos.repository import Photos
from app.privacy.own_data_repository import stream_section
from app.privacy.personal_data import own_data_sections
from app.vetting.repository import Documents

MAX_MEMORY_BYTES = 1_000_000  # a larger archive is written to disk
DATA_FILE = "your-data.json"
EXTENSIONS = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}
PUBLIC_NAME_FIELDS = ("who_came", "who_wrote")  # other people, shown as the public knows them
ABOUT = (
    "Everything that Doorstep stores about you. Times are in Asia/Kolkata; money is in paise and in rupees. Used codes"
    " are not stored, and your password only as a hash. Documents that you uploaded are in the folder documents, photos"
    " that you sent in the folder photos."
)


async def build_archive(db: AsyncSession, storage: Storage, me: Person) -> IO[bytes]:
    """Return a complete ZIP file without a name, positioned at its beginning; the caller closes it."""
    file = tempfile.SpooledTemporaryFile(max_size=MAX_MEMORY_BYTES)  # noqa: SIM115  # the caller closes it
    try:
        with zipfile.ZipFile(file, "w") as archive:
            with archive.open(_entry(DATA_FILE), "w") as data:
                await _write_data(db, me, data)
            await _add_documents(db, storage, me, archive)
            await _add_photos(db, storage, me, archive)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


async def _write_data(db: AsyncSession, me: Person, file: IO[bytes]) -> None:
    file.write(b'{\n"about": ' + _json(ABOUT) + b',\n"made_at": ' + _json(clock.now()))
    for section in own_data_sections():
        await _write_section(db, me, section, file)
    file.write(b"\n}\n")


async def _write_section(db: AsyncSession, me: Person, section: OwnDataSection, file: IO[bytes]) -> None:
    """Write an empty list only where people of this role expect the section."""
    head = b",\n" + _json(section.name) + b": ["
    separator = head + b"\n"
    async for row in stream_section(db, me.id, section):
        file.write(separator + _json(_readable(row)))
        separator = b",\n"
    if not separator.startswith(head):
        file.write(b"]")
    elif me.role in section.roles:
        file.write(head + b"]")


async def _add_documents(db: AsyncSession, storage: Storage, me: Person, archive: zipfile.ZipFile) -> None:
    for document in reversed(await Documents(db).of(me.id)):
        if document.stored_as is None:
            continue
        try:
            content = await storage.read(document.stored_as)
        except Missing:  # `doorstep check` reports missing files
            continue
        name = f"documents/{document.id}-{document.kind}.{EXTENSIONS[document.media_type]}"
        archive.writestr(_entry(name), content)


async def _add_photos(db: AsyncSession, storage: Storage, me: Person, archive: zipfile.ZipFile) -> None:
    for photo in await Photos(db).of_uploader(me.id):
        try:
            content = await storage.read(photo["stored_as"])
        except Missing:
            continue
        archive.writestr(_entry(f"photos/{photo['id']}.jpg"), content)


def _entry(name: str) -> zipfile.ZipInfo:
    """An entry dated now, in Indian time, readable by its owner alone."""
    entry = zipfile.ZipInfo(name, clock.now().astimezone(clock.IST).timetuple()[:6])
    entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
    return entry


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    """Add amounts in rupees; shorten other people's names as for the public."""
    readable: dict[str, Any] = {}
    for name, value in row.items():
        readable[name] = public_name(value) if name in PUBLIC_NAME_FIELDS and value else value
        if name.endswith("_paise") and value is not None:
            sign = "-" if value < 0 else ""
            readable[name.removesuffix("_paise")] = f"{sign}{abs(value) // 100}.{abs(value) % 100:02d}"
    return readable


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=_json_default).encode()


def _json_default(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(clock.IST).isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value).__name__)
