"""Run mixed traffic of all roles for a while: two web processes, a worker that is killed twice, and a check at the end.

Failures are a 5xx other than 503 with Retry-After, a connection error, a time-out, a log line of an error, work left
over by the worker, and a violation of `doorstep check`. Exit code 1 if there was any.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop
from aiosmtpd.controller import Controller
from sqlalchemy.exc import SQLAlchemyError

from app.check.run import find_violations
from app.core.queue import QUEUE_NAMES, connect_queue
from app.dev.state import LOOPBACK, free_port
from app.services import compose
from app.settings import Settings
from bench.processes import Process, Worker, settings, web
from bench.servers import BenchServers, temporary_servers
from bench.soak_town import build_town
from bench.soak_users import Traffic, administer, book_by_api, book_on_pages, follow, run_user, visit, work
from bench.tables import median_of, print_table, quantile

WEB_PROCESS_COUNT = 2
SAMPLE_SECONDS, DRAIN_SECONDS, CHECK_STATEMENT_SECONDS = 10.0, 600.0, 600
WORKER_PAUSE_SECONDS = 5.0  # from its death to its successor
MAX_FLAT_GROWTH = 1.1  # of resident memory, last quarter beside first
SHOWN_VIOLATIONS, SHOWN_ERRORS = 20, 10
EXPECTED_EVENTS = ("booking.requested", "booking.assigned", "booking.completed")  # else the traffic did nothing
ROLE_SHARES = ((visit, 0.4), (book_on_pages, 0.25), (book_by_api, 0.1), (work, 0.2), (administer, 0.05))
ROUTE_COLUMNS = ("route", "responses", "p50 ms", "p99 ms", "codes", "failures")
MEMORY_COLUMNS = ("process", "samples", "first quarter MB", "last quarter MB", "MB an hour", "")
EVENTS = "SELECT name, count(*) FROM events WHERE at > $1 GROUP BY name ORDER BY name"
# What must be zero when the worker has nothing more to do. Emails that wait for the end of quiet hours may wait.
LEFT_OVER = {
    "unsent messages": "SELECT count(*) FROM outbox WHERE sent_at IS NULL AND parked_at IS NULL"
    " AND due_at < now() + interval '30 minutes'",
    "messages given up": "SELECT count(*) FROM outbox WHERE last_error NOT IN ('out of date', 'muted')"
    " AND parked_at IS NOT NULL",
    "exports not ready": "SELECT count(*) FROM exports WHERE state IN ('queued', 'running', 'failed')",
    "failed tasks": "SELECT (SELECT count(*) FROM task_failures)"
    " + (SELECT count(*) FROM schedule_runs WHERE failed_at IS NOT NULL)",
}


class MailServer:
    """Accepts every email and counts its Message-ID."""

    def __init__(self) -> None:
        self.received: Counter[bytes] = Counter()
        port = free_port()
        self.url = f"smtp://{LOOPBACK}:{port}"
        self._controller = Controller(self, hostname=LOOPBACK, port=port)

    def __enter__(self) -> "MailServer":
        self._controller.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._controller.stop()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.received[envelope.content.lower().partition(b"message-id:")[2].partition(b"\r\n")[0]] += 1
        return "250 OK"


@dataclass(slots=True)
class SoakResult:
    """`memory` has the resident kB of each web process over time; `left` what the worker had not done in time."""

    traffic: Traffic | None = None
    memory: list[list[float]] = field(default_factory=lambda: [[] for _ in range(WEB_PROCESS_COUNT)])
    events: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    drained_seconds: float = 0
    emails: Counter[bytes] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--professionals", type=int, default=12_000)
    parser.add_argument("--users", type=int, default=40, help="virtual users of all roles")
    parser.add_argument("--think", type=float, default=1.0, help="mean seconds between two requests of a user")
    parser.add_argument("--streams", type=int, default=100, help="open event streams")
    parser.add_argument("--json", help="also write the results to this file")


def run(args: argparse.Namespace) -> None:
    result = SoakResult()
    with ExitStack() as stack:
        servers = stack.enter_context(temporary_servers())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="doorstep-soak-")))
        mail = stack.enter_context(MailServer())
        build_town(servers, args.professionals)
        environment = {"SMTP_URL": mail.url, "UPLOADS_DIR": str(folder / "files")}
        environment |= {"TRUSTED_PROXIES": "1", "LOG_LEVEL": "warning"}
        with (folder / "log").open("wb") as log, ExitStack() as running:
            processes = [running.enter_context(web(servers, log=log, **environment)) for _ in range(WEB_PROCESS_COUNT)]
            worker = Worker(servers, log, **environment)
            running.callback(worker.stop)
            uvloop.run(_soak(servers, processes, worker, args, result))
        result.emails = mail.received
        result.violations = asyncio.run(_check(settings(servers) | environment))
        result.errors = list(_logged_errors(folder / "log"))
    failures = _print(result, args)
    if args.json:
        Path(args.json).write_text(json.dumps(_as_json(result, args, failures), indent=1, default=str), "utf-8")
    if failures:
        raise SystemExit(1)


async def _soak(
    servers: BenchServers, processes: list[Process], worker: Worker, args: argparse.Namespace, result: SoakResult
) -> None:
    seconds = args.minutes * 60
    ports = tuple(process.port for process in processes)
    traffic = result.traffic = await Traffic.open(servers, ports, args.think, seconds)
    try:
        began = await traffic.pool.fetchval("SELECT now()")
        async with asyncio.TaskGroup() as open_pages:
            streams = [open_pages.create_task(follow(traffic, number)) for number in range(args.streams)]
            async with asyncio.TaskGroup() as tasks:
                for role, share in ROLE_SHARES:
                    for _ in range(max(1, round(args.users * share))):
                        tasks.create_task(run_user(traffic, role))
                tasks.create_task(_kill_twice(worker, seconds))
                tasks.create_task(_sample_memory(processes, traffic, result))
            await _drain(servers, traffic, result)
            for stream in streams:
                stream.cancel()
        result.events = {row["name"]: row["count"] for row in await traffic.pool.fetch(EVENTS, began)}
    finally:
        await traffic.close()


async def _kill_twice(worker: Worker, seconds: float) -> None:
    for _ in range(2):
        await asyncio.sleep(seconds / 3 - WORKER_PAUSE_SECONDS)
        worker.kill()
        await asyncio.sleep(WORKER_PAUSE_SECONDS)
        worker.start()


async def _sample_memory(processes: list[Process], traffic: Traffic, result: SoakResult) -> None:
    while not traffic.is_over:
        for samples, process in zip(result.memory, processes, strict=True):
            samples.append(process.memory_kb)
        await asyncio.sleep(SAMPLE_SECONDS)


async def _drain(servers: BenchServers, traffic: Traffic, result: SoakResult) -> None:
    """Wait until the worker has done everything, or for ten minutes."""
    queues = [connect_queue(servers.redis, name) for name in QUEUE_NAMES]
    started = time.monotonic()
    while True:
        result.left = {what: await traffic.pool.fetchval(statement) for what, statement in LEFT_OVER.items()}
        result.left["queued tasks"] = sum([await queue.count("queued") for queue in queues])
        result.drained_seconds = time.monotonic() - started
        if not any(result.left.values()) or result.drained_seconds > DRAIN_SECONDS:
            break
        await asyncio.sleep(1)
    for queue in queues:
        await queue.redis.aclose()


async def _check(environment: dict[str, str]) -> list[str]:
    """What `doorstep check` reports."""
    services = compose(Settings.from_env(environment), statement_timeout=CHECK_STATEMENT_SECONDS)
    try:
        async with services.database.sessions() as db:
            found = await find_violations(db, services.storage)
    except SQLAlchemyError as error:
        return [f"doorstep check ended early: {error}"]
    finally:
        await services.database.close()
    return [f"{violation.rule}: {violation.subject}" for violation in found]


def _logged_errors(log: Path) -> Iterable[str]:
    """One line for each error in the logs of all processes: what, where, and the last frames."""
    for line in log.read_text("utf-8", "replace").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            yield line
            continue
        if entry.get("level") in ("error", "critical"):
            last = (entry.pop("exception", None) or [{}])[-1]
            frames = [f"{Path(frame['filename']).name}:{frame['lineno']}" for frame in last.get("frames", [])]
            what = f"{last.get('exc_type', '')} {last.get('exc_value', '')}".strip()
            yield f"{entry.get('event')} {entry.get('route', '')} {what} at {' '.join(frames[-8:])}"


def _print(result: SoakResult, args: argparse.Namespace) -> list[str]:
    """Print the tables; return what failed."""
    assert result.traffic is not None
    results = dict(sorted(result.traffic.results.items()))
    rows = [
        (
            kind,
            len(route.elapsed),
            quantile(route.elapsed, 0.5),
            quantile(route.elapsed, 0.99),
            ", ".join(f"{count:,} × {status}" for status, count in sorted(route.statuses.items())),
            _counts(route.failures),
        )
        for kind, route in results.items()
    ]
    total = sum(len(route.elapsed) for route in results.values())
    title = (
        f"{args.minutes:g} minutes, {args.professionals:,} professionals, {args.users} users, {args.streams} streams"
    )
    print_table(f"{title}: {total:,} responses, {total / args.minutes / 60:.1f} a second", ROUTE_COLUMNS, rows)
    print_table("What happened", ("event", "times"), [*result.events.items()])
    print_table("Resident memory of the web processes", MEMORY_COLUMNS, map(_memory_row, range(1, 3), result.memory))
    worker_rows = [
        *((what, number, "0") for what, number in result.left.items()),
        ("seconds to drain after the traffic", result.drained_seconds, ""),
        ("emails", len(result.emails), ""),
        ("of these received twice, after a kill", sum(number > 1 for number in result.emails.values()), ""),
        ("events on open streams", result.traffic.live_events, ""),
        ("violations of doorstep check", len(result.violations), "0"),
        ("errors in the logs", len(result.errors), "0"),
    ]
    print_table("The worker, killed twice, and the data", ("what", "number", "target"), worker_rows)
    failures = [f"{kind}: {_counts(route.failures)}" for kind, route in results.items() if route.failures]
    failures += [f"{number} {what}" for what, number in result.left.items() if number]
    failures += [f"no {name}" for name in EXPECTED_EVENTS if name not in result.events]
    failures += result.violations[:SHOWN_VIOLATIONS] + _most_common(result.errors)
    print("\n".join(["Failures:", *failures]) if failures else "No failures.")
    return failures


def _memory_row(number: int, samples: list[float]) -> tuple[str | int | float, ...]:
    """MB of the quarters' medians, and the slope of the line through the samples after the first quarter."""
    quarter = max(1, len(samples) // 4)
    first, last = median_of(samples[:quarter]) / 1024, median_of(samples[-quarter:]) / 1024
    later = samples[quarter:]
    slope = statistics.linear_regression(range(len(later)), later).slope if len(later) > 1 else 0.0
    verdict = "flat" if last <= first * MAX_FLAT_GROWTH else "grows"
    return f"web {number}", len(samples), first, last, slope / 1024 * 3600 / SAMPLE_SECONDS, verdict


def _most_common(lines: list[str]) -> list[str]:
    return [f"{number} × {line}" for line, number in Counter(lines).most_common(SHOWN_ERRORS)]


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{number} × {what}" for what, number in counter.items())


def _as_json(result: SoakResult, args: argparse.Namespace, failures: list[str]) -> dict[str, Any]:
    assert result.traffic is not None
    return {
        "arguments": {"minutes": args.minutes, "professionals": args.professionals, "users": args.users},
        "routes": {kind: route.as_json() for kind, route in sorted(result.traffic.results.items())},
        "events": result.events,
        "memory_kb": result.memory,
        "left": result.left,
        "drained_seconds": round(result.drained_seconds, 1),
        "emails": len(result.emails),
        "live_events": result.traffic.live_events,
        "violations": result.violations,
        "errors": result.errors,
        "failures": failures,
    }
