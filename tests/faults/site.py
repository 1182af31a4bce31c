"""A complete installation: PostgreSQL, Valkey, a web process, two workers and a mail server."""

import asyncio
import contextlib
import os
import secrets
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import select, text

from app.accounts.user import User
from app.check.run import find_violations
from app.core import clock
from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.outbox import Outbox
from app.core.schedule import ScheduleRun, ScheduleRuns
from app.core.storage import Storage
from app.listeners import install_listeners
from tests.core.conftest import ValkeyServer
from tests.factories import a_customer
from tests.faults.mail_sink import MailSink
from tests.processes import DOORSTEP, Running, environment, free_ports, run_command, spawn, start

# Due times that are moved back to simulate passing time. Leases are not among
# them: that they are alive must be seen by themselves.
WAITS = {
    "outbox": ("due_at",),
    "channel_states": ("wait_until", "disabled_at", "counted_since"),
    "exports": ("created_at",),
}
WORKER = (DOORSTEP, "worker")
_numbers = count(1)


@dataclass
class Site:
    """`after` is this process's own end of a commit, as a second web process would have it."""

    database: Database
    line: ValkeyServer
    mail: MailSink
    storage: Storage
    after: AfterCommit
    environment: dict[str, str]
    web: Running
    workers: list[Running] = field(default_factory=list)
    worker: Sequence[str] = WORKER

    def start_worker(self, zone: str = "UTC") -> Running:
        """On a server that counts in that zone."""
        self.workers.append(spawn(self.environment | {"TZ": zone}, self.worker))
        return self.workers[-1]

    async def end_workers(self, how: int = signal.SIGTERM) -> None:
        for worker in self.workers:
            worker.process.send_signal(how)
        for item in self.workers:
            await asyncio.to_thread(item.process.wait, 20)
            item.end()
        self.workers.clear()

    async def both_work(self) -> None:
        """Restart missing processes and remove jobs of workers that are gone from the queue."""
        self.workers = [worker for worker in self.workers if worker.process.poll() is None]
        while len(self.workers) < 2:
            self.start_worker(("UTC", "America/New_York")[len(self.workers)])
        await self.web.until_ready("redis")
        await self.web.until_ready("worker")
        await until(self._all_connected)

    async def _all_connected(self) -> bool:
        """Each of them talks to PostgreSQL."""
        async with self.database.work() as db:
            query = text("SELECT client_port FROM pg_stat_activity WHERE application_name = 'worker'")
            ports = set(await db.scalars(query))
        return all(ports & _ports_of(worker.process.pid) for worker in self.workers)

    async def sign_up(self) -> str:
        """By the real web process; the address to which a mail goes."""
        email = f"new.{secrets.token_hex(4)}@example.com"
        fields = {
            "full_name": "Lakshmi Iyer",
            "email": email,
            "phone": "+91 90000 00000",
            "password": "mangoes in the month of may",  # pragma: allowlist secret
            "address": "12 Beach Road",
            "pincode": "600020",
        }
        async with httpx.AsyncClient(base_url=self.web.url, timeout=10) as client:
            answer = await client.post("/api/register", json=fields)
        assert answer.status_code == 201, answer.text
        return email

    async def write(self, number: int, kind: str = "password_changed") -> list[str]:
        """Queue one email each to `count` people in one transaction; return their addresses."""
        async with self.database.work(self.after) as db:
            people = [await a_customer(db, f"Person {next(_numbers)}", email=_address()) for _ in range(number)]
            now = clock.now()
            for person in people:
                row = {"kind": kind, "recipient_id": person.id, "dedupe_key": f"{kind}:{person.id}", "data": {}}
                db.add(Outbox(**row, priority=0, created_at=now, due_at=now))
        return [person.email for person in people]

    async def due(self, name: str, tick: datetime | None = None) -> datetime:
        """Record an unclaimed run of the timetable, as a scheduler does."""
        tick = tick or clock.now()
        async with self.database.work() as db:
            await ScheduleRuns(db).add([(name, tick)])
        return tick

    async def run_of(self, name: str, tick: datetime) -> ScheduleRun:
        async with self.database.work() as db:
            return await db.get_one(ScheduleRun, (name, tick))

    async def has_run(self, name: str, tick: datetime, within: float = 15) -> ScheduleRun:
        async def over() -> bool:
            return (await self.run_of(name, tick)).finished_at is not None

        await until(over, within)
        return await self.run_of(name, tick)

    async def time_passes(self, **much: int) -> None:
        """For everything that waits for a moment."""
        async with self.database.work() as db:
            for table, columns in WAITS.items():
                moved = ", ".join(f"{name} = {name} - CAST(:much AS interval)" for name in columns)
                await db.execute(text(f"UPDATE {table} SET {moved}"), {"much": timedelta(**much)})

    async def rows(self, addresses: list[str]) -> list[Outbox]:
        """What waits or waited for these people."""
        async with self.database.work() as db:
            own = select(Outbox).join(User, User.id == Outbox.recipient_id).where(User.email.in_(addresses))
            return list(await db.scalars(own.order_by(Outbox.id)))

    async def scalar(self, question: str, **params: object) -> Any:
        async with self.database.work() as db:
            return await db.scalar(text(question), params)

    async def ready(self) -> dict[str, str]:
        async with httpx.AsyncClient(base_url=self.web.url, timeout=5) as client:
            return (await client.get("/health/ready")).json()

    async def arrived(self, addresses: list[str], within: float = 20) -> None:
        """Each address has received exactly one email."""
        await until(lambda: _now(len(self.mail.accepted(addresses)) == len(addresses)), within)
        await until(lambda: self._settled(addresses), 10)
        for address in addresses:
            assert len(set(self.mail.ids(address))) == 1, address

    async def once(self, addresses: list[str], within: float = 20) -> None:
        """Exactly once."""
        await self.arrived(addresses, within)
        assert set(self.mail.accepted(addresses).values()) == {1}

    async def _settled(self, addresses: list[str]) -> bool:
        return all(row.sent_at is not None or row.parked_at is not None for row in await self.rows(addresses))

    async def is_sound(self) -> None:
        """The output of `doorstep check`."""
        async with self.database.work() as db:
            found = await find_violations(db, self.storage)
        assert found == [], found[:5]


@asynccontextmanager
async def a_site(services: Any, folder: Path) -> AsyncIterator[Site]:
    name, line, mail = services.clone(), ValkeyServer(folder), MailSink()
    mail.start()
    variables = environment(
        services.app_url(name), line.url, SMTP_URL=mail.url, UPLOADS_DIR=str(folder / "uploads"), LOG_LEVEL="error"
    )
    database, after = Database(services.app_url(name)), AfterCommit(line.url)
    install_listeners()  # as a web process does
    await after.start()
    [port] = free_ports(1)
    site = Site(database, line, mail, Storage(folder / "uploads"), after, variables, start(variables, "web", port))
    try:
        await site.web.until_ready()
        yield site
        await run_command(variables, "check")
    finally:
        await site.end_workers(signal.SIGKILL)
        site.web.end()
        await after.stop()
        await database.close()
        mail.stop()
        line.stop()


async def until(true: Callable[[], Awaitable[bool]], within: float = 20) -> None:
    end = time.monotonic() + within
    while not await true():
        assert time.monotonic() < end, f"not within {within} s"
        await asyncio.sleep(0.05)


async def _now(true: bool) -> bool:
    return true


def _ports_of(pid: int) -> set[int]:
    """The process's own ends of its TCP lines."""
    handles = set()
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            handles.add(os.readlink(path))
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(item[1].rpartition(":")[2], 16) for item in lines if f"socket:[{item[9]}]" in handles}


def _address() -> str:
    return f"person.{secrets.token_hex(5)}@example.com"
