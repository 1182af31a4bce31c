"""Starts and stops PostgreSQL and Valkey for one data folder: for `doorstep dev` and for tests."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.dev.datadir import prepare, remove
from app.dev.postgres import APP, OWNER, Postgres
from app.dev.processes import Sleep, StartError
from app.dev.state import ServerState
from app.dev.valkey import Valkey

DATA_FILES = ("postgres", "valkey", "uploads", "secret_key", "postgres.log", "valkey.log", "servers.json")


class Servers:
    """The servers of one data folder; `postgres=False` or `valkey=False` leaves one out."""

    def __init__(self, data: Path, *, durable: bool = True, postgres: bool = True, valkey: bool = True) -> None:
        self.data, self.durable = data, durable
        self._enabled = (postgres, valkey)
        self.postgres: Postgres | None = None
        self.valkey: Valkey | None = None

    def start(self, sleep: Sleep = time.sleep) -> None:
        """Start the servers and wait until they answer. After an exception, `stop` ends what was started."""
        path = self.data / "servers.json"
        state = ServerState.read(path)
        state.save(path)
        if self._enabled[0]:
            directory = prepare(self.data, state.mark)
            self.postgres = Postgres(directory, state, self.data / "postgres.log", durable=self.durable)
            self.postgres.start(sleep)
        if self._enabled[1]:
            self.valkey = Valkey(self.data / "valkey", state, self.data / "valkey.log", durable=self.durable)
            self.valkey.start(sleep)
        state.save(path)

    def stop(self, *, within: float = 10) -> None:
        """Stop the servers; kill them after `within` seconds."""
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
def lock_data_dir(data: Path) -> Iterator[None]:
    """Lock the data folder for the block. Raises StartError when it cannot be used or another run uses it."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        lock = os.open(data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StartError(f"The data folder {data} can't be used: {error.strerror}.") from error
    try:
        _lock(lock, data)
        yield
    finally:
        os.close(lock)


def _lock(lock: int, data: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StartError(
            f"Doorstep is already running in the data folder {data}. Stop it, or choose another with --data."
        ) from None


def delete_data(data: Path) -> None:
    """Delete everything that we created in this data folder, and nothing else in it."""
    if not (data / "servers.json").exists():
        return
    remove(data)
    for name in DATA_FILES:
        path = data / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
