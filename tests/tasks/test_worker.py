"""The worker as a process: it works, survives an outage of Redis, and stops on a signal."""

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from redis.asyncio import Redis
from saq.job import Status
from sqlalchemy import text

from app.core import clock
from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.queue import MAIL_QUEUE, connect_queue, enqueue_after_commit
from app.core.schedule import ScheduleRuns
from tests.core.conftest import ValkeyServer, valkey  # noqa: F401  the fixture is used by name
from tests.factories import a_customer, a_hold, a_professional, a_service, a_start
from tests.processes import spawn

pytestmark = pytest.mark.slow


class WorkerProcess:
    def __init__(self, database_url: str, redis_url: str) -> None:
        variables = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "DOORSTEP_ENV": "test"}
        command = [sys.executable, "-m", "app.cli", "worker"]
        self.running = spawn({**os.environ, **variables}, command)
        self.process = self.running.process

    def stop(self) -> float:
        started = time.monotonic()
        self.process.terminate()
        self.process.wait(20)
        return time.monotonic() - started


@pytest.fixture
def worker(own_url: str, valkey: ValkeyServer) -> Iterator[WorkerProcess]:  # noqa: F811
    made = WorkerProcess(own_url, valkey.url)
    yield made
    if made.process.poll() is None:
        made.process.kill()
    made.process.wait()
    made.running.end()


async def _is_up(valkey: ValkeyServer) -> bool:  # noqa: F811
    redis: Redis = Redis.from_url(valkey.url)
    found = await redis.get("doorstep:3:worker")
    await redis.aclose()
    return found is not None


async def _wait_for(valkey: ValkeyServer) -> None:  # noqa: F811
    for _ in range(150):
        if await _is_up(valkey):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the worker did not come up")


async def _due(database: Database, name: str) -> None:
    """As the clock of another worker would write it down."""
    async with database.work() as db:
        await ScheduleRuns(db).add([(name, clock.now())])


async def test_what_is_due_is_run_and_the_worker_stops_when_signalled(worker, valkey, own_database):  # noqa: F811
    await _wait_for(valkey)
    await _expired_session(own_database)
    await _due(own_database, "prune_sessions")
    await _worker_removed(own_database, 5)
    assert worker.stop() < 4
    assert worker.process.returncode == 0


async def test_a_task_queued_after_a_commit_reaches_the_worker(worker, valkey, own_database):  # noqa: F811
    await _wait_for(valkey)
    after = AfterCommit(valkey.url)
    await after.start()
    async with own_database.work(after) as db:
        enqueue_after_commit(db, "drain_outbox", queue=MAIL_QUEUE)
    queue = connect_queue(valkey.url, MAIL_QUEUE)
    for _ in range(50):
        done = await queue.job("drain_outbox:{}")
        if done is not None and done.status == Status.COMPLETE:
            break
        await asyncio.sleep(0.1)
    assert done is not None
    assert done.status == Status.COMPLETE
    await queue.redis.aclose()
    await after.stop()


async def test_what_the_clock_does_is_recorded_as_done_by_a_task(worker, valkey, own_database):  # noqa: F811
    with clock.freeze(clock.now() - timedelta(minutes=20)):
        async with own_database.work() as db:
            service = await a_service(db)
            await a_professional(db, services=[service])
            booking = await a_hold(db, await a_customer(db), service, a_start(days=2))
    await _wait_for(valkey)
    await _due(own_database, "expire_holds")
    event_query = "SELECT facts ->> 'channel' FROM events WHERE subject = :s AND name = 'booking.cancelled'"
    for _ in range(100):
        async with own_database.reading() as db:
            if (payment := await db.scalar(text(event_query), {"s": booking.subject})) is not None:
                break
        await asyncio.sleep(0.1)
    assert payment == "task"


async def test_without_redis_the_clock_goes_on_and_afterwards_too(worker, valkey, own_database):  # noqa: F811
    await _wait_for(valkey)
    valkey.kill()
    await asyncio.sleep(2)
    assert worker.process.poll() is None
    await _expired_session(own_database)
    await _due(own_database, "prune_sessions")
    await _worker_removed(own_database, 8)
    valkey.start()
    await _wait_for(valkey)
    await _expired_session(own_database)
    await _due(own_database, "prune_sessions")
    await _worker_removed(own_database, 8)


async def _sessions(database: Database) -> int:
    async with database.reading() as db:
        return int((await db.execute(text("SELECT count(*) FROM sessions"))).scalar_one())


async def _worker_removed(database: Database, within: float) -> None:
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
                    VALUES ('customer', md5(random()::text) || '@example.com', 'Asha', '+910000000001', 'x', now())
                    RETURNING id)
                INSERT INTO sessions (digest, user_id, epoch, created_at, last_seen_at, expires_at, fresh_at)
                SELECT md5(random()::text)::bytea, id, 0, now(), now(), now() - interval '40 days', now() FROM person
                """
            )
        )
