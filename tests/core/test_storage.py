"""Stored files exist if and only if their transaction committed."""

import asyncio
import os
import resource
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Database
from app.core.errors import Missing
from app.core.storage import MAIN_PART, Storage


@pytest.fixture
def storage(tmp_path) -> Storage:
    return Storage(tmp_path / "uploads")


def files(storage: Storage) -> list[str]:
    return sorted(path.name for path in storage.root.rglob("*") if path.is_file())


class Rollback(Exception):
    """Rolls back a unit of work."""


@asynccontextmanager
async def rolled_back(database: Database) -> AsyncIterator[AsyncSession]:
    """Open a unit of work that is rolled back at its end."""
    try:
        async with database.work() as db:
            yield db
            raise Rollback
    except Rollback:
        pass


async def test_a_file_stays_when_its_transaction_commits(own_database, storage):
    async with own_database.work() as db:
        name = await storage.store(db, {MAIN_PART: b"one", "1.jpg": b"two"})
    assert files(storage) == ["1.jpg", "paper"]
    assert (await storage.read(name), await storage.read(name, "1.jpg")) == (b"one", b"two")
    assert list(storage.incoming.iterdir()) == []
    assert storage.path(name).stat().st_mode & 0o777 == 0o600
    assert storage.root.joinpath("kept", name[:2]).stat().st_mode & 0o777 == 0o700


async def test_it_goes_when_the_transaction_is_rolled_back(own_database, storage):
    async with rolled_back(own_database) as db:
        await db.execute(text("SELECT 1"))
        await storage.store(db, {MAIN_PART: b"one"})
    assert files(storage) == []


async def test_it_goes_when_the_database_was_not_used_yet(own_database, storage):
    async with rolled_back(own_database) as db:
        await storage.store(db, {MAIN_PART: b"one"})
    assert files(storage) == []


async def test_it_goes_when_the_commit_itself_fails(own_database, storage):
    """A deferred constraint fails at commit."""

    async def fail() -> None:
        async with own_database.work() as db:
            await storage.store(db, {MAIN_PART: b"one"})
            await db.execute(text("CREATE TEMP TABLE late (n int UNIQUE DEFERRABLE INITIALLY DEFERRED) ON COMMIT DROP"))
            await db.execute(text("INSERT INTO late VALUES (1), (1)"))
            assert files(storage) == ["paper"]

    with pytest.raises(DBAPIError):
        await fail()
    assert files(storage) == []


async def test_a_savepoint_decides_nothing(own_database, storage):
    """Rolling back or releasing a savepoint neither deletes nor keeps files."""
    async with own_database.work() as db:
        old = await storage.store(db, {MAIN_PART: b"old"})
        nested = await db.begin_nested()
        await nested.rollback()
    assert files(storage) == ["paper"]
    async with rolled_back(own_database) as db:
        await storage.store(db, {MAIN_PART: b"new"})
        storage.delete(db, old)
        async with db.begin_nested():
            await db.execute(text("SELECT 1"))
        assert files(storage) == ["paper", "paper"]
    assert await storage.read(old) == b"old"
    assert files(storage) == ["paper"]


async def test_who_is_cancelled_while_writing_leaves_nothing(own_database, storage):
    async def store() -> None:
        async with own_database.work() as db:
            await storage.store(db, {MAIN_PART: os.urandom(30_000_000)})

    for pause in (0.0, 0.001, 0.005, 0.02):
        storing = asyncio.create_task(store())
        await asyncio.sleep(pause)
        storing.cancel()
        await asyncio.gather(storing, return_exceptions=True)
        if storing.cancelled():
            assert files(storage) == [], pause


async def test_erasing_waits_for_the_commit(own_database, storage):
    async with own_database.work() as db:
        name = await storage.store(db, {MAIN_PART: b"one", "1.jpg": b"two"})
    async with rolled_back(own_database) as db:
        storage.delete(db, name)
    assert files(storage) == ["1.jpg", "paper"]
    async with own_database.work() as db:
        storage.delete(db, name)
        assert files(storage) == ["1.jpg", "paper"]
    assert files(storage) == []
    with pytest.raises(Missing):
        await storage.read(name)


@contextmanager
def full_disk() -> Iterator[None]:
    """Limit file sizes of this process to 1,000 bytes for the block."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_full_disk_leaves_no_part_of_a_file(own_database, storage):
    with full_disk(), pytest.raises(OSError, match="large"):
        async with own_database.work() as db:
            await storage.store(db, {"1.jpg": b"small", MAIN_PART: b"x" * 5000})
    assert files(storage) == []


@pytest.mark.parametrize("name", ["", "..", "../../etc/passwd", "0" * 31, "0" * 33, "0" * 31 + "/", "A" * 32])
async def test_only_names_of_ours_lead_anywhere(storage, name):
    with pytest.raises(Missing):
        storage.path(name)


@pytest.mark.parametrize("part", ["", "..", "../paper", "0.jpg", "1.png", "1.jpg/..", "1000.jpg"])
async def test_only_parts_of_ours_lead_anywhere(storage, part):
    with pytest.raises(Missing):
        storage.path("0" * 32, part)


async def test_sweeping_takes_what_no_one_mentions_and_nothing_younger_than_ten_minutes(own_database, storage):
    async with own_database.work() as db:
        referenced, orphan, young = [await storage.store(db, {MAIN_PART: b"one"}) for _ in range(3)]
    unfinished = storage.ensure_incoming() / "unfinished"
    unfinished.mkdir()
    old = time.time() - 700
    for path in (storage.path(referenced), storage.path(orphan)):
        os.utime(path, (old, old))
        os.utime(path.parent, (old, old))
    os.utime(unfinished, (old, old))
    assert storage.sweep({referenced}) == 2
    assert sorted(storage.names()) == sorted([referenced, young])
    assert list(storage.incoming.iterdir()) == []
    assert storage.sweep({referenced}) == 0
