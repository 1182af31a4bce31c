"""The worker as a process: it works, it outlives Redis, it stops when told."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from app.kit.after import AfterCommit
from app.kit.db import Database
from app.kit.queue import later
from tests.kit.conftest import Line, line  # noqa: F401  the fixture `line` is used by name

pytestmark = pytest.mark.slow


class WorkerProcess:
    def __init__(self, database_url: str, redis_url: str) -> None:
        given = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "DOORSTEP_ENV": "test"}
        command = [sys.executable, "-m", "app.cli", "worker"]
        self.process = subprocess.Popen(command, env={**os.environ, **given}, stderr=subprocess.PIPE, text=True)

    def stop(self) -> float:
        started = time.monotonic()
        self.process.terminate()
        self.process.wait(20)
        return time.monotonic() - started


@pytest.fixture
def worker(own_url: str, line: Line) -> Iterator[WorkerProcess]:  # noqa: F811
    made = WorkerProcess(own_url, line.url)
    yield made
    if made.process.poll() is None:
        made.process.kill()
        made.process.wait()


async def _is_up(line: Line) -> bool:  # noqa: F811
    redis: Redis = Redis.from_url(line.url)
    found = await redis.get("doorstep:3:worker")
    await redis.aclose()
    return found is not None


async def _wait_for(line: Line) -> None:  # noqa: F811
    for _ in range(150):
        if await _is_up(line):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the worker did not come up")


async def test_a_task_asked_for_runs_and_the_worker_stops_when_told(worker, line, own_database):  # noqa: F811
    await _wait_for(line)
    await _expired_session(own_database)
    after = AfterCommit(line.url)
    await after.start()
    async with own_database.work(after) as db:
        later(db, "prune_sessions")
    await _gone(own_database, 5)
    await after.stop()
    assert worker.stop() < 4
    assert worker.process.returncode == 0


async def test_the_worker_outlives_redis(worker, line, own_database):  # noqa: F811
    await _wait_for(line)
    line.kill()
    await asyncio.sleep(2)
    assert worker.process.poll() is None
    line.start()
    await _wait_for(line)
    await _expired_session(own_database)
    after = AfterCommit(line.url)
    await after.start()
    for _ in range(50):
        async with own_database.work(after) as db:
            later(db, "prune_sessions")
        if not await _sessions(own_database):
            break
        await asyncio.sleep(0.2)
    assert not await _sessions(own_database)
    await after.stop()


async def _sessions(database: Database) -> int:
    async with database.reading() as db:
        return int((await db.execute(text("SELECT count(*) FROM sessions"))).scalar_one())


async def _gone(database: Database, within: float) -> None:
    end = time.monotonic() + within
    while await _sessions(database):
        assert time.monotonic() < end, "the task did not run"
        await asyncio.sleep(0.05)


async def _expired_session(database: Database) -> None:
    async with database.work() as db:
        await db.execute(
            text(
                """
                WITH person AS (
                    INSERT INTO users (role, email, full_name, phone, password_hash, created_at)
                    VALUES ('customer', 'asha@example.com', 'Asha', '+910000000001', 'x', now()) RETURNING id)
                INSERT INTO sessions (digest, user_id, epoch, created_at, last_seen_at, expires_at, fresh_at)
                SELECT 'x', id, 0, now(), now(), now() - interval '40 days', now() FROM person
                """
            )
        )
