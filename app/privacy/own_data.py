"""Own data to take along: one archive with everything in JSON, and the papers as they were sent."""

import json
import tempfile
import zipfile
from datetime import date, datetime
from typing import IO, Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.user import public_name
from app.core import clock
from app.core.errors import Missing
from app.core.events import Person
from app.core.storage import Storage
from app.privacy.own_data_repository import SECTIONS, OwnData, Section

IN_MEMORY = 1_000_000  # bytes; more than that waits on disk
DATA = "your-data.json"
ENDINGS = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}
PEOPLE = ("who_came", "who_wrote")  # as the public knows them
ABOUT = (
    "Everything that Doorstep keeps about you. Times are Asia/Kolkata's, money is in paise and in rupees. Codes are not"
    " kept once they are used, your password only as a fingerprint. Papers that you sent are in the folder papers."
)


async def archive(db: AsyncSession, storage: Storage, me: Person) -> IO[bytes]:
    """A ZIP file without a name, at its beginning: made whole before its first byte is sent."""
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  # whoever sends it closes it
    try:
        with zipfile.ZipFile(file, "w") as made:
            with made.open(_entry(DATA), "w") as data:
                await _write(db, me, data)
            await _add_papers(db, storage, me, made)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


async def _write(db: AsyncSession, me: Person, file: IO[bytes]) -> None:
    file.write(b'{\n"about": ' + _json(ABOUT) + b',\n"made_at": ' + _json(clock.now()))
    for section in SECTIONS:
        await _write_section(db, me, section, file)
    file.write(b"\n}\n")


async def _write_section(db: AsyncSession, me: Person, section: Section, file: IO[bytes]) -> None:
    """Empty only where people of this role expect it."""
    head = b",\n" + _json(section.name) + b": ["
    before = head + b"\n"
    async for row in OwnData(db, me.id).rows(section):
        file.write(before + _json(_told(row)))
        before = b",\n"
    if not before.startswith(head):
        file.write(b"]")
    elif me.role in section.roles:
        file.write(head + b"]")


async def _add_papers(db: AsyncSession, storage: Storage, me: Person, made: zipfile.ZipFile) -> None:
    for paper in await OwnData(db, me.id).files():
        try:
            content = await storage.read(paper.stored_as)
        except Missing:  # `doorstep check` speaks of files that are gone
            continue
        made.writestr(_entry(f"papers/{paper.id}-{paper.kind}.{ENDINGS[paper.media_type]}"), content)


def _entry(name: str) -> zipfile.ZipInfo:
    """Of this moment, in India's time as everything in it, and for its owner alone to read."""
    entry = zipfile.ZipInfo(name, clock.now().astimezone(clock.IST).timetuple()[:6])
    entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
    return entry


def _told(row: dict[str, Any]) -> dict[str, Any]:
    """Money also in rupees, other people only as everybody sees them."""
    told: dict[str, Any] = {}
    for name, value in row.items():
        told[name] = public_name(value) if name in PEOPLE and value else value
        if name.endswith("_paise") and value is not None:
            told[name.removesuffix("_paise")] = f"{'-' if value < 0 else ''}{abs(value) // 100}.{abs(value) % 100:02d}"
    return told


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=_plain).encode()


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(clock.IST).isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value).__name__)
