"""Behind PgBouncer in session mode, configured as docs/database.md says: bookings, races and time-outs."""

import asyncio
import os
import shutil
from asyncio.subprocess import DEVNULL
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from app.bookings.holds import BookingRequest, hold
from app.core.db import Database
from app.core.errors import Refused
from app.dev.state import LOOPBACK, free_port
from tests.application import serving, settings
from tests.bookings.scenes import Scene
from tests.factories import ADYAR, a_customer, a_professional, a_service, a_start

UNPRIVILEGED_ID = 65534  # of the user and the group nobody
POOL_SIZE, OVERFLOW = 10, 5  # of the pooler; what Database opens beyond its own pool
TIMEOUTS = {"statement_timeout": "10s", "lock_timeout": "5s", "idle_in_transaction_session_timeout": "30s"}
pytestmark = pytest.mark.skipif(
    shutil.which("pgbouncer") is None and "DOORSTEP_REQUIRE_BROWSER" not in os.environ, reason="no pgbouncer here"
)


@asynccontextmanager
async def pooler(url: str, folder: Path, *, ignores: str = ",".join(TIMEOUTS)) -> AsyncIterator[str]:
    """The URL of the same database behind a PgBouncer of its own."""
    target, port = urlsplit(url), free_port()
    database = target.path.lstrip("/")
    config = folder / "pgbouncer.ini"
    config.write_text(f"""[databases]
{database} = host={target.hostname} port={target.port} user={target.username} password={target.password}
[pgbouncer]
listen_addr = {LOOPBACK}
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = session
default_pool_size = {POOL_SIZE}
ignore_startup_parameters = {ignores}
""")
    credentials: dict[str, Any] = (
        {"user": UNPRIVILEGED_ID, "group": UNPRIVILEGED_ID} if os.geteuid() == 0 else {}
    )  # it refuses to run as root
    with config.open() as file:
        process = await asyncio.create_subprocess_exec(
            *("pgbouncer", "/dev/stdin"), stdin=file, stdout=DEVNULL, stderr=DEVNULL, **credentials
        )
    try:
        await _wait_for_port(port)
        yield f"postgresql://anyone@{LOOPBACK}:{port}/{database}"
    finally:
        process.kill()
        await process.wait()


async def _wait_for_port(port: int) -> None:
    for _attempt in range(100):
        try:
            _reader, writer = await asyncio.open_connection(LOOPBACK, port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise AssertionError("pgbouncer did not start")


@pytest.fixture
async def pooled_url(own_url: str, tmp_path: Path) -> AsyncIterator[str]:
    async with pooler(own_url, tmp_path) as url:
        yield url


async def test_a_job_is_booked_and_done(pooled_url: str, services):
    async with serving(settings(pooled_url, services.redis_url)) as app:
        scene = await Scene.set(app)
        reference = await scene.done(await scene.browser(scene.asha))
        assert (await scene.booking(reference)).state == "completed"
        await scene.close()


async def test_of_many_customers_one_gets_the_slot(pooled_url: str):
    """More of them than the process has connections, and no more of those than the pooler has."""
    database = Database(pooled_url, pool_size=POOL_SIZE - OVERFLOW)
    async with database.work() as db:
        service = await a_service(db)
        await a_professional(db, services=[service])
        customers = [await a_customer(db, f"Asha {n}") for n in range(2 * POOL_SIZE)]

    async def attempt(customer) -> str:
        try:
            async with database.work() as db:
                await hold(db, customer, BookingRequest(service.id, a_start(), "Flat 3B", ADYAR))
        except Refused as refusal:
            return refusal.reason
        return "held"

    outcomes = Counter(await asyncio.wait_for(asyncio.gather(*map(attempt, customers)), 30))
    await database.close()
    assert outcomes == {"held": 1, "taken": 2 * POOL_SIZE - 1}


async def test_the_time_outs_are_those_of_the_role(pooled_url: str, own_url: str):
    """The pooler passes none of ours on, so the role has them; it may set its own."""
    direct, name_of_database = await asyncpg.connect(own_url), urlsplit(own_url).path.lstrip("/")
    for name, value in TIMEOUTS.items():
        await direct.execute(f"ALTER ROLE CURRENT_USER IN DATABASE {name_of_database} SET {name} = '{value}'")
    await direct.close()
    database = Database(pooled_url, statement_timeout=99)
    shown = [(await database.fetch_row(f"SHOW {name}"))[0] for name in TIMEOUTS]
    await database.close()
    assert shown == list(TIMEOUTS.values())


async def test_a_pooler_that_does_not_ignore_them_refuses_us(own_url: str, tmp_path: Path):
    async with pooler(own_url, tmp_path, ignores="extra_float_digits") as url:
        database = Database(url)
        with pytest.raises(Exception, match="unsupported startup parameter"):
            await database.fetch_row("SELECT 1")
        await database.close()
