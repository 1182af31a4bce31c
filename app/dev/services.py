"""Starts and stops real PostgreSQL and Valkey for one data folder: for `doorstep dev`, and for the tests."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.dev.datadir import forget, settle
from app.dev.postgres import APP, OWNER, Postgres
from app.dev.processes import CannotStart, Rest
from app.dev.state import Memory
from app.dev.valkey import Valkey

OURS = ("postgres", "valkey", "uploads", "secret_key", "postgres.log", "valkey.log", "servers.json")


class Services:
    """The two servers of one data folder. Give `postgres=False` or `valkey=False` for one that is elsewhere."""

    def __init__(self, data: Path, *, durable: bool = True, postgres: bool = True, valkey: bool = True) -> None:
        self.data, self.durable = data, durable
        self._wanted = (postgres, valkey)
        self.postgres: Postgres | None = None
        self.valkey: Valkey | None = None

    def start(self, rest: Rest = time.sleep) -> None:
        """Returns when both answer. An exception leaves what has started to `stop`."""
        remembered = self.data / "servers.json"
        memory = Memory.read(remembered)
        memory.keep(remembered)
        if self._wanted[0]:
            place = settle(self.data, memory.mark)
            self.postgres = Postgres(place, memory, self.data / "postgres.log", durable=self.durable)
            self.postgres.start(rest)
        if self._wanted[1]:
            self.valkey = Valkey(self.data / "valkey", memory, self.data / "valkey.log", durable=self.durable)
            self.valkey.start(rest)
        memory.keep(remembered)

    def stop(self, *, within: float = 10) -> None:
        """Both end; after so many seconds the hard way."""
        until = time.monotonic() + within
        if self.valkey:
            self.valkey.stop(within=within / 2)
        if self.postgres:
            self.postgres.stop(within=max(0.2, until - time.monotonic()))

    def owner_url(self, database: str) -> str:
        assert self.postgres is not None
        return self.postgres.url(OWNER, database)

    def app_url(self, database: str) -> str:
        assert self.postgres is not None
        return self.postgres.url(APP, database)


@contextmanager
def held(data: Path) -> Iterator[None]:
    """The data folder is ours alone meanwhile. Raises CannotStart when it cannot be used, or another run uses it."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        lock = os.open(data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as problem:
        raise CannotStart(f"The data folder {data} cannot be used: {problem.strerror}.") from problem
    try:
        _lock(lock, data)
        yield
    finally:
        os.close(lock)


def _lock(lock: int, data: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CannotStart(f"Doorstep already runs on the data folder {data}: stop it first, or give --data.") from None


def wipe(data: Path) -> None:
    """Remove everything that we made for this data folder, and nothing else that may stand in it."""
    if not (data / "servers.json").exists():
        return
    forget(data)
    for name in OURS:
        path = data / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
