"""Private file storage: uploads under random names, outside everything that is served as static files.

A file is kept if and only if the transaction that refers to it commits. Leftovers of killed processes are swept later.
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

MAX_UPLOAD_BYTES = 10 * 1024 * 1024  # bytes of one uploaded file
MAIN_PART = "paper"  # the name of the file itself; its page images beside it are "1.jpg" and on
STALE_AFTER_SECONDS = 600  # after which no process is still writing
_NAME = re.compile(r"[0-9a-f]{32}")
_PART = re.compile(r"paper|[1-9][0-9]{0,2}\.jpg")


@dataclass(slots=True)
class Upload:
    """An uploaded file, unlinked on disk: closing deletes it.

    `name` is the sender's file name. The content of a file that is `too_large` is discarded.
    """

    name: str
    file: IO[bytes]
    size: int
    too_large: bool = False


class Storage:
    """Stores files under `root`, which is created on first use. Blocking work runs in a thread."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def incoming(self) -> Path:
        """The folder for unfinished files; nothing in it is older than a few minutes."""
        return self.root / "incoming"

    def ensure_incoming(self) -> Path:
        """Create the folder for unfinished files if needed, and return it."""
        self.incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self.incoming

    async def store(self, db: AsyncSession, parts: Mapping[str, bytes]) -> str:
        """Write `parts` (MAIN_PART and images) under a new random name; removed on rollback. OSError: disk full."""
        name = secrets.token_hex(16)
        on_rollback(db, lambda: self._remove(name))
        await _finish(asyncio.to_thread(self._write, name, parts))
        return name

    def create_file(self) -> Path:
        """Return the path of a new file to be written piece by piece; its folder has the file's name."""
        folder = self.ensure_incoming() / secrets.token_hex(16)
        folder.mkdir(mode=0o700)
        return folder / MAIN_PART

    def finalize(self, db: AsyncSession, written: Path) -> str:
        """Move a file from `create_file` to its final place and return its name; removed on rollback."""
        name = written.parent.name
        on_rollback(db, lambda: self._remove(name))
        folder = self._folder(name)
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        written.parent.rename(folder)
        _sync_folder(folder.parent)
        return name

    def delete(self, db: AsyncSession, name: str) -> None:
        """Delete the files once the transaction is committed."""
        on_commit(db, lambda: self._remove(name))

    async def read(self, name: str, part: str = MAIN_PART) -> bytes:
        """Return the content of a file. Raises Missing."""
        try:
            return await asyncio.to_thread(self.path(name, part).read_bytes)
        except FileNotFoundError:
            raise Missing from None

    def path(self, name: str, part: str = MAIN_PART) -> Path:
        """Return the path of a stored file; Missing if `name` or `part` is malformed."""
        if not _NAME.fullmatch(name) or not _PART.fullmatch(part):
            raise Missing
        return self._folder(name) / part

    def names(self) -> Iterator[str]:
        """Yield the names of all stored files, unordered."""
        return (folder.name for folder in self.root.glob("kept/??/*"))

    def find_stale(self, referenced: Collection[str]) -> list[Path]:
        """Return folders that are not `referenced` and unfinished files, older than STALE_AFTER_SECONDS."""
        orphans = [path for path in self.root.glob("kept/??/*") if path.name not in referenced]
        return [path for path in (*orphans, *self.root.glob("incoming/*")) if _age(path) > STALE_AFTER_SECONDS]

    def sweep(self, referenced: Collection[str]) -> int:
        """Delete what `find_stale` returns; return how many."""
        stale = self.find_stale(referenced)
        for path in stale:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        return len(stale)

    def _folder(self, name: str) -> Path:
        return self.root / "kept" / name[:2] / name

    def _write(self, name: str, parts: Mapping[str, bytes]) -> None:
        """Write and sync all parts before the folder appears under its name."""
        unfinished, folder = self.ensure_incoming() / name, self._folder(name)
        try:
            unfinished.mkdir(mode=0o700)
            for part, content in parts.items():
                _write_synced(unfinished / part, content)
            folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            unfinished.rename(folder)
            _sync_folder(folder.parent)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise

    def _remove(self, name: str) -> None:
        shutil.rmtree(self._folder(name), ignore_errors=True)


async def _finish(work: Coroutine[Any, Any, None]) -> None:
    """Wait for a thread even when cancelled, so that rollback hooks run after its work."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def on_rollback(db: AsyncSession, callback: Callable[[], None]) -> None:
    """Call `callback` if the transaction is rolled back; not for a savepoint."""
    _register_hooks(db)
    db.info.setdefault("on_rollback", []).append(callback)


def on_commit(db: AsyncSession, callback: Callable[[], None]) -> None:
    """Call `callback` once the transaction is committed."""
    _register_hooks(db)
    db.info.setdefault("on_commit", []).append(callback)


def _register_hooks(db: AsyncSession) -> None:
    if not db.info.setdefault("has_hooks", False):
        db.info["has_hooks"] = True
        event.listen(db.sync_session, "after_commit", lambda session: _call(session, "on_commit", "on_rollback"))
        event.listen(db.sync_session, "after_rollback", lambda session: _call(session, "on_rollback", "on_commit"))


def _call(session: Session, hooks: str, other_hooks: str) -> None:
    # SQLAlchemy fires these events for savepoints too.
    if session.in_nested_transaction():
        return
    session.info.pop(other_hooks, None)
    for callback in session.info.pop(hooks, []):
        callback()


def _write_synced(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Flush the folder's entries to disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _age(path: Path) -> float:
    """Return the seconds since `path` or anything directly in it changed."""
    try:
        return time.time() - max(entry.stat().st_mtime for entry in (path, *path.glob("*")))
    except FileNotFoundError:
        return 0
