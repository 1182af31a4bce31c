"""The private folder: what people upload, under random names, outside everything that is served by address.

A file stays if and only if the transaction that mentions it commits. What a killed process leaves is swept later.
"""

import asyncio
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from app.core.errors import Missing

LARGEST = 10 * 1024 * 1024  # bytes of one uploaded file
MAIN = "paper"  # the file itself; beside it stand its pictures, "1.jpg" and on
STALE_AFTER = 600  # seconds after which nobody is still writing
_NAME = re.compile(r"[0-9a-f]{32}")
_PART = re.compile(r"paper|[1-9][0-9]{0,2}\.jpg")


@dataclass(slots=True)
class Upload:
    """A file as it came in a form, on disk without a name: it is gone when nobody holds it.

    `name` is whatever the sender called it. Of a file that is `too_large` nothing was kept.
    """

    name: str
    file: IO[bytes]
    size: int
    too_large: bool = False


class Storage:
    """`root` is made when the first file comes. Everything blocking happens in a thread."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def incoming(self) -> Path:
        """Where files are written and thrown away; nothing here is older than a few minutes."""
        return self.root / "incoming"

    def make_room(self) -> Path:
        self.incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self.incoming

    async def keep(self, db: AsyncSession, parts: Mapping[str, bytes]) -> str:
        """Write `parts` (MAIN and pictures) under a new random name; undone if the transaction is. OSError: full."""
        name = secrets.token_hex(16)
        when_undone(db, lambda: self._remove(name))
        await _to_the_end(asyncio.to_thread(self._write, name, parts))
        return name

    def begin(self) -> Path:
        """A file that is written piece by piece, in a folder of its own that bears its name."""
        folder = self.make_room() / secrets.token_hex(16)
        folder.mkdir(mode=0o700)
        return folder / MAIN

    def finish(self, db: AsyncSession, written: Path) -> str:
        """All of it is there: from now on it is kept under its name; undone if the transaction is."""
        name = written.parent.name
        when_undone(db, lambda: self._remove(name))
        kept = self._folder(name)
        kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        written.parent.rename(kept)
        _settle(kept.parent)
        return name

    def erase(self, db: AsyncSession, name: str) -> None:
        """Once the transaction is committed the files are gone for good."""
        when_done(db, lambda: self._remove(name))

    async def read(self, name: str, part: str = MAIN) -> bytes:
        """Raises Missing."""
        try:
            return await asyncio.to_thread(self.path(name, part).read_bytes)
        except FileNotFoundError:
            raise Missing from None

    def path(self, name: str, part: str = MAIN) -> Path:
        """Raises Missing for everything that is no name of ours."""
        if not _NAME.fullmatch(name) or not _PART.fullmatch(part):
            raise Missing
        return self._folder(name) / part

    def names(self) -> Iterator[str]:
        """Everything kept, in no order."""
        return (folder.name for folder in self.root.glob("kept/??/*"))

    def left_behind(self, known: Collection[str]) -> list[Path]:
        """Folders that no row mentions, and what was never finished; nothing younger than ten minutes."""
        orphans = [path for path in self.root.glob("kept/??/*") if path.name not in known]
        return [path for path in (*orphans, *self.root.glob("incoming/*")) if _age(path) > STALE_AFTER]

    def sweep(self, known: Collection[str]) -> int:
        gone = self.left_behind(known)
        for path in gone:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        return len(gone)

    def _folder(self, name: str) -> Path:
        return self.root / "kept" / name[:2] / name

    def _write(self, name: str, parts: Mapping[str, bytes]) -> None:
        """All of it is on the disk before its name is."""
        unfinished, kept = self.make_room() / name, self._folder(name)
        try:
            unfinished.mkdir(mode=0o700)
            for part, content in parts.items():
                _write_through(unfinished / part, content)
            kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            unfinished.rename(kept)
            _settle(kept.parent)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise

    def _remove(self, name: str) -> None:
        shutil.rmtree(self._folder(name), ignore_errors=True)


async def _to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """A thread cannot be stopped: whoever is cancelled waits for it, so that undoing comes after doing."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def when_undone(db: AsyncSession, then: Callable[[], None]) -> None:
    """`then` is called if the transaction is rolled back, not for a mere savepoint of it."""
    _follow(db)
    db.info.setdefault("when_undone", []).append(then)


def when_done(db: AsyncSession, then: Callable[[], None]) -> None:
    """`then` is called once the transaction is committed."""
    _follow(db)
    db.info.setdefault("when_done", []).append(then)


def _follow(db: AsyncSession) -> None:
    if not db.info.setdefault("followed", False):
        db.info["followed"] = True
        event.listen(db.sync_session, "after_commit", lambda session: _call(session, "when_done", "when_undone"))
        event.listen(db.sync_session, "after_rollback", lambda session: _call(session, "when_undone", "when_done"))


def _call(session: Session, those: str, not_these: str) -> None:
    # SQLAlchemy says it of savepoints too, and they decide nothing.
    if session.in_nested_transaction():
        return
    session.info.pop(not_these, None)
    for then in session.info.pop(those, []):
        then()


def _write_through(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _settle(folder: Path) -> None:
    """The folder's own entries reach the disk too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _age(path: Path) -> float:
    """Seconds since anything about it changed."""
    try:
        return time.time() - max(one.stat().st_mtime for one in (path, *path.glob("*")))
    except FileNotFoundError:
        return 0
