"""Advisory locks and the names of violated constraints."""

import asyncio
import re
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.core.db import AdvisoryLock, Database, acquire_lock, violated_constraint

APP = Path(__file__).parents[2] / "app"


def test_every_advisory_lock_has_its_own_key():
    assert len({lock.value for lock in AdvisoryLock.__members__.values()}) == len(AdvisoryLock.__members__)


def test_advisory_locks_are_taken_by_name_only():
    literal = re.compile(r"pg_(try_)?advisory|\b70[0-9]{2}\b")
    files = [path for path in APP.rglob("*.py") if path != APP / "core" / "db.py"]
    assert [str(path.relative_to(APP)) for path in files if literal.search(path.read_text())] == []


async def test_only_the_same_lock_with_the_same_key_waits(own_database: Database):
    free = text("SELECT pg_try_advisory_xact_lock(:lock, :key)")
    async with own_database.work() as db, own_database.work() as other:
        await acquire_lock(db, AdvisoryLock.PROFESSIONAL_TIME, 5)
        results = {
            (lock, key): await other.scalar(free, {"lock": lock.value, "key": key})
            for lock in AdvisoryLock
            for key in (5, 6)
        }
    assert [name for name, acquired in results.items() if not acquired] == [(AdvisoryLock.PROFESSIONAL_TIME, 5)]


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("INSERT INTO things (id) VALUES (1)", "things_pkey"),
        ("INSERT INTO things (id, n) VALUES (2, -1)", "things_n_check"),
        ("INSERT INTO things (id, span) VALUES (2, int4range(3, 9))", "things_span_excl"),
        ("INSERT INTO things (id, n) VALUES (2, NULL)", None),
    ],
)
async def test_the_driver_names_the_violated_constraint(own_database: Database, statement: str, constraint: str | None):
    async with own_database.work() as db:
        await db.execute(
            text(
                "CREATE TEMP TABLE things (id int PRIMARY KEY, n int NOT NULL DEFAULT 1, span int4range,"
                " CONSTRAINT things_n_check CHECK (n > 0),"
                " CONSTRAINT things_span_excl EXCLUDE USING gist (span WITH &&)) ON COMMIT DROP"
            )
        )
        await db.execute(text("INSERT INTO things (id, span) VALUES (1, int4range(1, 5))"))
        with pytest.raises(IntegrityError) as caught:
            async with db.begin_nested():
                await db.execute(text(statement))
    assert violated_constraint(caught.value) == constraint


async def test_a_row_is_read_outside_any_transaction(own_database: Database):
    async with own_database.work() as db:
        await db.execute(text("CREATE TEMP TABLE things (id int)"))
        row = await own_database.fetch_row("SELECT $1::int AS number, to_regclass('pg_temp.things') AS things", 7)
        assert (row["number"], row["things"]) == (7, None), "on another connection"
    assert await own_database.fetch_row("SELECT 1 WHERE false") is None
    with pytest.raises(DBAPIError, match="division by zero"):
        await own_database.fetch_row("SELECT 1 / 0")
    assert (await own_database.fetch_row("SELECT 1 AS number"))["number"] == 1


async def test_a_connection_that_postgres_has_ended_is_left_aside(own_database: Database):
    pids = []
    async with own_database.work() as db:
        await db.execute(text("SELECT 1"))  # has a connection of its own
        for _ in range(2):
            pids.append((await own_database.fetch_row("SELECT pg_backend_pid() AS pid"))["pid"])
            await db.execute(text("SELECT pg_terminate_backend(:pid, 1000)"), {"pid": pids[-1]})
            await asyncio.sleep(0.05)
    assert pids[0] != pids[1]


@pytest.mark.parametrize(("statement_seconds", "idle"), [(10, "30s"), (600, "10min")])
async def test_a_command_with_long_statements_may_also_compute_for_long(own_url, statement_seconds, idle):
    database = Database(own_url, statement_timeout=statement_seconds)
    async with database.work() as db:
        assert await db.scalar(text("SHOW idle_in_transaction_session_timeout")) == idle
    await database.close()
