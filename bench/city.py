"""Measure what a professional, an admin and the scheduled tasks cost in a city of a long history, beside a town.

Each act runs in this process: pages by the application without a cache, the others as domain calls or as the worker
runs them. *Rows read* are those that its SELECTs read from tables and indexes. The last column is the CPU of one unit
beside that of the small town. Savepoints are no statements here.
"""

import argparse
import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import Users
from app.accounts.session import SessionKind, Sessions
from app.blocking.block import block
from app.core import clock
from app.core.db import Database
from app.core.schedule import ScheduleRuns
from app.core.storage import Storage
from app.jobs.reassignment import withdraw_services
from app.jobs.schedule_changes import KEEP_ANSWER, ScheduleChange, change_schedule, find_affected_jobs
from app.main import create_app
from app.privacy.deletion import delete_account
from app.services import Services
from app.settings import Settings
from bench.admin import COOKIE, explain_reads
from bench.city_town import HELD_PAYOUTS, SampleService, add_bookings, add_history, fill_calendar
from bench.growth import ADMIN
from bench.in_process import Answer, InProcessClient
from bench.processes import settings
from bench.servers import UNREACHABLE_REDIS_URL, BenchServers, temporary_servers
from bench.statements import record_statements
from bench.tables import median_of, print_table
from bench.town import ADYAR, Town, build, sign_in
from tasks.context import Context
from tasks.scheduler import run_tick
from tasks.timetable import TIMETABLE

COLUMNS = ("what", "professionals", "units", "statements", "CPU ms", "wall ms", "rows read", "× the small town")
WAIT_COLUMNS = ("meanwhile", "professionals", "jobs", "times", "longest ms", "codes")
SMALL_TOWN = (300, 7_200)  # professionals, bookings
DUE_COUNT = 10  # bookings that each task finds
CHANGES = re.compile(r"\b(INSERT INTO|DELETE FROM|UPDATE \w+ SET|set_config|advisory)")
JOB_COUNTS = (3, 300)  # open bookings of a professional who is blocked
RESERVATION_COUNT = 30  # of a professional who withdraws a service or takes time off
FAR_DAY = 60  # no generated booking is so far ahead
EARLIER_DAY = 90  # nor so far back, and not closed
CUSTOMER_OF_CANCELLED = "SELECT customer_id FROM bookings WHERE id = $1"
CANDIDATES = """
    SELECT c.professional_id FROM coverage c JOIN offered_services o ON o.professional_id = c.professional_id
      JOIN professionals p ON p.user_id = c.professional_id JOIN pincodes h ON h.pincode = p.home_pincode
     WHERE c.pincode = $1 AND o.service_id = $2 AND c.professional_id <> $3
     ORDER BY h.latitude - (SELECT latitude FROM pincodes WHERE pincode = $1) DESC, c.professional_id LIMIT 13
"""
UNASSIGNED = """
    SELECT reference FROM bookings WHERE state = 'requested' AND starts_at > now() + interval '1 day'
     ORDER BY pincode <> $1, starts_at, id LIMIT 1
"""
FREE_PROFESSIONALS = """
    SELECT user_id FROM professionals
     WHERE NOT EXISTS (SELECT FROM reservations r WHERE r.professional_id = user_id AND r.span && tstzrange($1, $2))
     ORDER BY user_id LIMIT $3
"""
REMINDED = "SELECT count(*) FROM outbox WHERE kind = ANY($1)"
TASKS = (  # name, state of what it finds, days and minutes until those start
    ("expire_holds", "held", FAR_DAY, 0),
    ("cancel_unfilled_bookings", "requested", 0, 30),
    ("end_priority_offers", "priority", FAR_DAY, 600),
    ("complete_overdue_jobs", "started", -EARLIER_DAY, 0),
    ("close_old_bookings", "completed", -EARLIER_DAY, 600),
)
Run = Callable[[], Awaitable[object]]


@dataclass(slots=True)
class Result:
    """The runs of one act; `units` is how many things a run did, `rows` how many rows its first run read."""

    what: str
    size: int
    units: int = 1
    rows: int = 0
    statements: int = 0
    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    @property
    def unit_ms(self) -> float:
        return median_of(self.cpu) / self.units

    def as_json(self) -> dict[str, Any]:
        times = {"cpu_ms": round(median_of(self.cpu), 2), "wall_ms": round(median_of(self.wall), 2)}
        counts = {"units": self.units, "statements": self.statements, "rows": self.rows}
        return {"what": self.what, "size": self.size, **counts, **times}

    def row(self, first: "Result") -> tuple[str | int | float, ...]:
        costs = (self.statements, median_of(self.cpu), median_of(self.wall), self.rows)
        return (self.what, self.size, self.units, *costs, f"{self.unit_ms / first.unit_ms:.2f}")


@dataclass(slots=True)
class Wait:
    """How others were served while a professional was blocked."""

    what: str
    size: int
    jobs: int
    elapsed: list[float] = field(default_factory=list)
    codes: Counter[str] = field(default_factory=Counter)

    def row(self) -> tuple[str | int | float, ...]:
        codes = ", ".join(f"{times} × {code}" for code, times in sorted(self.codes.items()))
        return (self.what, self.size, self.jobs, len(self.elapsed), max(self.elapsed, default=0.0), codes)

    def as_json(self) -> dict[str, Any]:
        slowest = round(max(self.elapsed, default=0.0), 2)
        return {"what": self.what, "size": self.size, "jobs": self.jobs, "slowest_ms": slowest, "codes": self.codes}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--professionals", type=int, default=12_000)
    parser.add_argument("--bookings", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=5, help="runs of each act that can be repeated")
    parser.add_argument("--json", help="also write the results to this file")


def run(args: argparse.Namespace) -> None:
    results: list[Result] = []
    waits: list[Wait] = []
    for professionals, bookings in (SMALL_TOWN, (args.professionals, args.bookings)):
        with temporary_servers() as servers:
            started = time.perf_counter()
            town = build(servers, professionals=professionals, bookings=bookings)
            measured = asyncio.run(_measure(servers, town, professionals, args.times, started))
            results += measured[0]
            waits += measured[1]
            print(f"{professionals:,} professionals: measured", flush=True)
    first = {result.what: result for result in results if result.size == SMALL_TOWN[0]}
    rows = [result.row(first[result.what]) for what in first for result in results if result.what == what]
    print_table(
        f"{args.professionals:,} professionals and {args.bookings:,} bookings beside a small town", COLUMNS, rows
    )
    print_table("While a professional is blocked", WAIT_COLUMNS, [wait.row() for wait in waits])
    if args.json:
        fields = {"acts": [row.as_json() for row in results], "waits": [row.as_json() for row in waits]}
        Path(args.json).write_text(json.dumps(fields, indent=1), encoding="utf-8")


async def _measure(
    servers: BenchServers, town: Town, size: int, times: int, started: float
) -> tuple[list[Result], list[Wait]]:
    environment = settings(servers, redis=UNREACHABLE_REDIS_URL) | {"LOG_LEVEL": "error", "TRUSTED_PROXIES": "1"}
    app = create_app(Settings.from_env(environment))
    services: Services = app.state.services
    owner = await asyncpg.connect(servers.owner, command_timeout=1_800)
    await add_history(owner)
    print(f"{size:,} professionals: built in {time.perf_counter() - started:.0f} s", flush=True)
    try:
        sample = await owner.fetchrow("SELECT id, name, price FROM services WHERE slug = $1", town.service)
        assert sample is not None
        service = SampleService(*sample)
        candidates = [row[0] for row in await owner.fetch(CANDIDATES, ADYAR, service.id, town.professional)]
        admin_id = await owner.fetchval(ADMIN)
        city = _City(InProcessClient(app), services, owner, town, service, candidates, admin_id, size, times)
        return await city.measure(), city.waits
    finally:
        await owner.close()
        await services.database.close()


@dataclass(slots=True)
class _City:
    client: InProcessClient
    services: Services
    owner: Any
    town: Town
    service: SampleService
    candidates: list[int]
    admin_id: int
    size: int
    times: int
    results: dict[str, Result] = field(default_factory=dict)
    waits: list[Wait] = field(default_factory=list)
    networks: Any = field(default_factory=count)
    ticks: int = 0

    @property
    def database(self) -> Database:
        return self.services.database

    async def measure(self) -> list[Result]:
        await self._measure_pages()
        await self._measure_tasks()
        await self._measure_reminders()
        await self._measure_changes()
        for job_count in JOB_COUNTS:
            await self._measure_block(job_count)
        await self._measure_block(JOB_COUNTS[-1], others=True)
        return list(self.results.values())

    async def _measure_pages(self) -> None:
        professional = {"cookie": COOKIE + await sign_in(self.database, self.town.professional)}
        admin = {"cookie": COOKIE + await sign_in(self.database, self.admin_id)}
        reference = await self.owner.fetchval(UNASSIGNED, ADYAR)
        pages = (
            ("job list", "/jobs", professional),
            ("job list, fragment", f"/jobs?seen={self.town.reference}", professional | {"hx-request": "true"}),
            ("unassigned list", "/admin/dispatch", admin),
            ("an unassigned booking", f"/admin/dispatch/{reference}", admin),
            ("the same, fragment", f"/admin/dispatch/{reference}", admin | {"hx-request": "true"}),
        )
        for what, path, headers in pages:
            await self._repeat(what, lambda path=path, headers=headers: self._get(path, headers))  # type: ignore[misc]

    async def _measure_tasks(self) -> None:
        for name, state, day, minute in TASKS:
            await self._run_task(name)  # whatever the town itself has due
            await self._repeat(f"{name}, none due", lambda name=name: self._run_task(name))  # type: ignore[misc]
            for _ in range(self.times):
                await self._add_due(state, day, minute)
                await self._record(f"{name}, {DUE_COUNT} due", lambda name=name: self._run_task(name))  # type: ignore[misc]
        await self._run_task("release_payouts")
        await self._repeat("release_payouts, none due", lambda: self._run_task("release_payouts"))
        for number in range(self.times):
            await self.owner.execute(HELD_PAYOUTS, DUE_COUNT, number * DUE_COUNT)
            await self._record(f"release_payouts, {DUE_COUNT} due", lambda: self._run_task("release_payouts"))

    async def _add_due(self, state: str, day: int, minute: int) -> None:
        start = clock.now() + timedelta(days=day, minutes=minute)
        people = await self.owner.fetch(FREE_PROFESSIONALS, start, start + timedelta(minutes=70), DUE_COUNT)
        lapsed = clock.now() - timedelta(minutes=1)
        ids = [row[0] for row in people]
        await add_bookings(self.owner, self.service, ids, [state] * len(ids), [start] * len(ids), lapsed)

    async def _measure_reminders(self) -> None:
        for what, name, kinds in (
            ("evening reminders, each", "send_evening_reminders", ["evening"]),
            ("job reminders of a day, each", "send_job_reminders", ["booking_soon", "job_soon"]),
        ):
            result = await self._record(what, lambda name=name: self._run_task(name))  # type: ignore[misc]
            result.units = max(1, await self.owner.fetchval(REMINDED, kinds))
        await self._repeat("job reminders, five minutes later", lambda: self._run_task("send_job_reminders"))

    async def _measure_changes(self) -> None:
        quitting, withdrawing, away = (self.candidates.pop() for _ in range(3))
        await fill_calendar(self.owner, self.service, withdrawing, RESERVATION_COUNT)

        async def withdraw(db: AsyncSession) -> None:
            await withdraw_services(db, withdrawing, {self.service.id})

        await self._record(f"a service withdrawn, {RESERVATION_COUNT} open jobs", lambda: self._work(withdraw))
        await fill_calendar(self.owner, self.service, away, RESERVATION_COUNT)
        first = clock.at(clock.today())
        change = ScheduleChange(away=Range(first, first + timedelta(days=30), bounds="[)"))

        async def take_time_off(db: AsyncSession) -> None:
            me = await Users(db).get(away)
            jobs = await find_affected_jobs(db, me, change)
            await change_schedule(db, me, change, {job.reference: KEEP_ANSWER for job in jobs})

        await self._record(f"time off, {RESERVATION_COUNT} open jobs", lambda: self._work(take_time_off))
        await fill_calendar(self.owner, self.service, quitting, JOB_COUNTS[0])

        async def delete(db: AsyncSession) -> None:
            me = await Users(db).get(quitting)
            await delete_account(db, Storage(Path("/nonexistent")), Sessions(self.database), me)

        await self._record(f"an account deleted, {JOB_COUNTS[0]} open jobs", lambda: self._work(delete))

    async def _measure_block(self, job_count: int, *, others: bool = False) -> None:
        blocked = self.candidates.pop()
        jobs = await fill_calendar(self.owner, self.service, blocked, job_count)
        await self.owner.execute("ANALYZE bookings")

        async def apply(db: AsyncSession) -> None:
            await block(db, Sessions(self.database), await Users(db).get(self.admin_id), blocked, "Three complaints")

        if not others:
            await self._record(f"blocked with {job_count} open jobs", lambda: self._work(apply))
            return
        blocking = asyncio.create_task(self._work(apply))
        await asyncio.gather(
            self._wait_for(
                Wait("a booking in the same pincode", self.size, job_count), blocking, await self._bookings()
            ),
            self._wait_for(
                Wait("one of the jobs cancelled", self.size, job_count), blocking, self._cancellations(jobs)
            ),
        )
        await blocking

    async def _wait_for(self, wait: Wait, blocking: "asyncio.Task[None]", sends: AsyncIterator[Answer]) -> None:
        """Send one request after the other while the block is under way, as long as there are any."""
        self.waits.append(wait)
        while not blocking.done():
            started = time.perf_counter()
            response = await anext(sends, None)
            if response is None:
                break
            wait.elapsed.append((time.perf_counter() - started) * 1000)
            wait.codes[str(response.status_code)] += 1

    async def _bookings(self) -> AsyncIterator[Answer]:
        slots = await self._get(f"/api/services/{self.service.id}/slots?pincode={ADYAR}", {})
        starts = [start for day in slots.json()["days"][2:] for start in day["slots"]]
        customers = await self.owner.fetch("SELECT id FROM users WHERE role = 'customer' ORDER BY id LIMIT 200")
        tokens = [await sign_in(self.database, row["id"], SessionKind.TOKEN) for row in customers]

        async def send() -> AsyncIterator[Answer]:
            for number in range(len(starts)):
                order = {
                    "service_id": self.service.id,
                    "start": starts[number * 7 % len(starts)],
                    "address": "Flat 3B, 12 Main Road",
                    "pincode": ADYAR,
                    "payment": {
                        "method": "card",
                        "card_number": "4242 4242 4242 4242",
                        "expiry": "08/40",
                        "cvv": "123",
                    },
                }
                yield await self._post("/api/request/service", tokens[number % len(tokens)], order)

        return send()

    async def _cancellations(self, jobs: Sequence[int]) -> AsyncIterator[Answer]:
        for booking in reversed(jobs):
            customer = await self.owner.fetchval(CUSTOMER_OF_CANCELLED, booking)
            token = await sign_in(self.database, customer, SessionKind.TOKEN)
            yield await self._post(f"/api/request/edit/{booking}", token, {"action": "cancel"})

    async def _get(self, path: str, headers: dict[str, str]) -> Answer:
        answer = await self.client.get(path, headers)
        if answer.status_code != 200:
            raise RuntimeError(f"{answer.status_code}: {path}")
        return answer

    async def _post(self, path: str, token: str, body: dict[str, Any]) -> Answer:
        number = next(self.networks)  # another network for each request, so that no rate limit is reached
        headers = {"authorization": f"Bearer {token}", "x-forwarded-for": f"10.{number >> 8}.{number & 255}.1"}
        return await self.client.post(path, headers, body)

    async def _work(self, act: Callable[[AsyncSession], Awaitable[None]]) -> None:
        async with self.database.work(self.services.after_commit) as db:
            await act(db)

    async def _run_task(self, name: str) -> None:
        """As a worker does, with a tick of its own."""
        self.ticks += 1
        tick = (name, clock.now() + timedelta(milliseconds=self.ticks))
        context = Context(services=self.services)
        async with self.database.work() as db:
            await ScheduleRuns(db).add([tick])
        await run_tick(context, TIMETABLE, tick)

    async def _repeat(self, what: str, act: Run) -> None:
        """Once to warm up, then the measured runs."""
        await act()
        for _ in range(self.times):
            await self._record(what, act)

    async def _record(self, what: str, act: Run) -> Result:
        """Run it and add the run to those of the same act."""
        is_first = what not in self.results
        result = self.results.setdefault(what, Result(what, self.size))
        with record_statements(self.database) as recorded:
            started, used = time.perf_counter(), time.process_time()
            await act()
            result.cpu.append((time.process_time() - used) * 1000)
            result.wall.append((time.perf_counter() - started) * 1000)
        result.statements = max(result.statements, len(recorded))
        if is_first:
            result.rows = await self._rows_read(recorded)
        return result

    async def _rows_read(self, recorded: Sequence[tuple[str, Any]]) -> int:
        """Explain each SELECT that was sent; one that was sent many times, once."""
        times = Counter(statement for statement, _ in recorded)
        total = 0
        for statement, parameters in dict(recorded).items():
            if statement.lstrip()[:4].upper() in ("SELE", "WITH") and not CHANGES.search(statement):
                total += times[statement] * (await explain_reads(self.owner, statement, parameters))[1]
        return total
