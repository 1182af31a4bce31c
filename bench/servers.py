"""Create a temporary database for each measurement, on new servers or those named by the environment."""

import asyncio
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from app.dev.servers import Servers, delete_data, lock_data_dir
from app.schema import upgrade

UNREACHABLE_REDIS_URL = "redis://127.0.0.1:1/0"  # unreachable: a process without a cache


@dataclass(frozen=True, slots=True)
class BenchServers:
    """URLs of the servers. `owner` may change the schema, `app` is what web processes use."""

    owner: str
    app: str
    redis: str


@contextmanager
def temporary_servers() -> Iterator[BenchServers]:
    """Yield servers with the schema and the pincodes. DATABASE_URL needs MIGRATION_DATABASE_URL with CREATEDB."""
    database_url = os.environ.get("DATABASE_URL")
    if database_url:
        owner_url = os.environ.get("MIGRATION_DATABASE_URL") or database_url
        yield from _on_existing_servers(database_url, owner_url, os.environ.get("REDIS_URL", UNREACHABLE_REDIS_URL))
        return
    data = Path(tempfile.mkdtemp(prefix="doorstep-bench-"))
    servers = Servers(data)
    try:
        with lock_data_dir(data):
            servers.start()
            assert servers.postgres is not None
            assert servers.valkey is not None
            servers.postgres.create_database("bench")
            created = BenchServers(servers.owner_url("bench"), servers.app_url("bench"), servers.valkey.url())
            upgrade(created.owner, created.app)
            yield created
    finally:
        servers.stop()
        delete_data(data)
        shutil.rmtree(data, ignore_errors=True)


def _on_existing_servers(app: str, owner: str, redis: str) -> Iterator[BenchServers]:
    name = f"doorstep_bench_{secrets.token_hex(4)}"
    asyncio.run(_execute(owner, f"CREATE DATABASE {name}"))
    try:
        created = BenchServers(_with_database(owner, name), _with_database(app, name), redis)
        upgrade(created.owner, created.app)
        yield created
    finally:
        asyncio.run(_execute(owner, f"DROP DATABASE {name} WITH (FORCE)"))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _with_database(url: str, database: str) -> str:
    return urlsplit(url)._replace(path=f"/{database}").geturl()
