"""A database of one's own for each measurement, gone afterwards; its own servers, or those the environment names."""

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

from app.dev.services import Services, held, wipe
from app.schema import upgrade

DEAD = "redis://127.0.0.1:1/0"  # nobody listens there: a process that keeps nothing


@dataclass(frozen=True, slots=True)
class Place:
    """Where the measured data stand. `owner` may change the schema, `app` is what web processes use."""

    owner: str
    app: str
    redis: str


@contextmanager
def place() -> Iterator[Place]:
    """The schema and the pincodes. DATABASE_URL needs MIGRATION_DATABASE_URL, whose role may make databases."""
    given = os.environ.get("DATABASE_URL")
    if given:
        yield from _on(given, os.environ.get("MIGRATION_DATABASE_URL") or given, os.environ.get("REDIS_URL", DEAD))
        return
    data = Path(tempfile.mkdtemp(prefix="doorstep-bench-"))
    servers = Services(data)
    try:
        with held(data):
            servers.start()
            assert servers.postgres is not None
            assert servers.valkey is not None
            servers.postgres.make_database("bench")
            found = Place(servers.owner_url("bench"), servers.app_url("bench"), servers.valkey.url())
            upgrade(found.owner, found.app)
            yield found
    finally:
        servers.stop()
        wipe(data)
        shutil.rmtree(data, ignore_errors=True)


def _on(app: str, owner: str, redis: str) -> Iterator[Place]:
    name = f"doorstep_bench_{secrets.token_hex(4)}"
    asyncio.run(_tell(owner, f"CREATE DATABASE {name}"))
    try:
        found = Place(_at(owner, name), _at(app, name), redis)
        upgrade(found.owner, found.app)
        yield found
    finally:
        asyncio.run(_tell(owner, f"DROP DATABASE {name} WITH (FORCE)"))


async def _tell(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _at(url: str, database: str) -> str:
    return urlsplit(url)._replace(path=f"/{database}").geturl()
