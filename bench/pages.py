"""Measure rate, delay, CPU and queries of one web process against the bare framework with responses of the same size.

`warm` is what visitors get; `page uncached` renders each page anew from cached data; `no cache` is a process without
Redis, which reads everything from the database.
"""

import argparse
import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx
import uvloop

from app.core.db import Database
from app.main import create_app
from app.settings import Settings
from bench.load import HOST, SUCCESS_STATUSES, LoadResult, fetch, request, run_load
from bench.processes import Process, bare, settings, web
from bench.servers import UNREACHABLE_REDIS_URL, BenchServers, temporary_servers
from bench.statements import record_statements
from bench.tables import median_of, percent, print_table
from bench.town import ADYAR, Town, build, sign_in

CONNECTION_COUNT = 16
COLUMNS = (
    "page",
    "mode",
    "bytes",
    "req/s",
    "of bare",
    "p50 ms",
    "p99 ms",
    "CPU ms",
    "CPU of bare",
    "queries",
    "target",
)
COOKIE = "__Host-ds="


@dataclass(slots=True)
class Page:
    """One path and how it is requested; `target` is a share of the bare framework's rate."""

    name: str
    cache_mode: str
    path: str
    cookie: str
    target: str
    process: Process | None = None
    make_request: Callable[[], bytes] | None = None  # if requests differ from each other
    accepted_statuses: tuple[bytes, ...] = SUCCESS_STATUSES
    size: int = 0
    queries: int = 0
    runs: list[tuple[LoadResult, float]] = field(default_factory=list)

    @property
    def request(self) -> bytes:
        return request(self.path, self.cookie)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--professionals", type=int, default=300)
    parser.add_argument("--bookings", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each run")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each; the medians are rows")


def run(args: argparse.Namespace) -> None:
    with temporary_servers() as servers:
        town = build(servers, professionals=args.professionals, bookings=args.bookings)
        pages = asyncio.run(_pages(servers, town))
        with web(servers) as warm, web(servers, redis=UNREACHABLE_REDIS_URL) as uncached:
            for page in pages:
                page.process = uncached if page.cache_mode == "no cache" else warm
            uvloop.run(sizes(pages))
            with bare({page.name: page.size for page in pages}) as framework:
                rows = uvloop.run(measure(pages, framework, args.seconds, args.rounds))
    print_table(
        f"Pages at {CONNECTION_COUNT} connections, medians of {args.rounds} runs of {args.seconds:g} s", COLUMNS, rows
    )


async def _pages(servers: BenchServers, town: Town) -> list[Page]:
    database = Database(servers.app)
    try:
        customer = COOKIE + await sign_in(database, town.customer)
        professional = COOKIE + await sign_in(database, town.professional)
    finally:
        await database.close()
    public_paths = {
        "home": "/",
        "results": f"/services?q=leak&pincode={ADYAR}",
        "service": f"/services/{town.service}?pincode={ADYAR}",
    }
    pages = [Page(name, "warm", path, "", "≥ 70 %") for name, path in public_paths.items()]
    pages += [Page(name, "page uncached", path, "", "") for name, path in public_paths.items()]
    pages += [Page(name, "no cache", path, "", "≥ 15 %") for name, path in public_paths.items()]
    pages += [
        Page("booking", "signed in", f"/bookings/{town.reference}", customer, "≥ 12 %, ≤ 3 queries"),
        Page("jobs", "signed in", "/jobs", professional, "≥ 12 %, ≤ 3 queries"),
    ]
    await _count_queries(servers, pages)
    return pages


async def _count_queries(servers: BenchServers, pages: list[Page]) -> None:
    """Count the queries of a second request in a process without a cache."""
    app = create_app(Settings.from_env({**settings(servers, redis=UNREACHABLE_REDIS_URL), "LOG_LEVEL": "warning"}))
    database: Database = app.state.services.database
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # Litestar's types are narrower
    async with httpx.AsyncClient(transport=transport, base_url=f"https://{HOST}") as client:
        for page in pages:
            if page.cache_mode not in ("no cache", "signed in"):
                continue
            for _ in range(2):
                with record_statements(database) as queries:
                    response = await client.get(page.path, headers={"cookie": page.cookie} if page.cookie else {})
                response.raise_for_status()
                page.queries = len(queries)
    await database.close()


async def sizes(pages: list[Page]) -> None:
    for page in pages:
        assert page.process is not None
        _, body = await fetch(page.process.port, _request_factory(page)())
        page.size = len(body)


async def measure(pages: list[Page], framework: Process, seconds: float, rounds: int) -> list[tuple[Any, ...]]:
    """Run each page right after the bare framework, so that both see the same load of the machine."""
    prepared: dict[str, Page] = {page.name: Page(page.name, "bare", f"/{page.name}", "", "") for page in pages}
    ratios: Mapping[int, list[float]] = {id(page): [] for page in pages}
    for page in pages:  # prepares every statement on every connection
        assert page.process is not None
        await run_load(page.process.port, _request_factory(page), 1.0, CONNECTION_COUNT, page.accepted_statuses)
    for _ in range(rounds):
        for page in pages:
            baseline = prepared[page.name]
            baseline.size, baseline.process = page.size, framework
            bare_rate = await _run(baseline, seconds)
            ratios[id(page)].append(await _run(page, seconds) / bare_rate)
    rows = []
    for name, baseline in prepared.items():
        rows.append(_row(baseline, baseline, None))
        rows += [_row(page, baseline, median_of(ratios[id(page)])) for page in pages if page.name == name]
    return rows


async def _run(page: Page, seconds: float) -> float:
    assert page.process is not None
    before = page.process.cpu_ms
    result = await run_load(
        page.process.port, _request_factory(page), seconds, CONNECTION_COUNT, page.accepted_statuses
    )
    page.runs.append((result, (page.process.cpu_ms - before) / len(result.elapsed)))
    return result.rate


def _request_factory(page: Page) -> Callable[[], bytes]:
    """Return a function that builds requests; uncached pages get a different URL each time."""
    if page.make_request is not None:
        return page.make_request
    if not page.cache_mode.endswith(("uncached", "no cache")):
        prepared = page.request
        return lambda: prepared
    numbers, separator = count(), "&" if "?" in page.path else "?"
    return lambda: request(f"{page.path}{separator}n={next(numbers)}")


def _row(page: Page, baseline: Page, ratio: float | None) -> tuple[Any, ...]:
    runs = [result for result, _ in page.runs]
    cpu, baseline_cpu = median_of(used for _, used in page.runs), median_of(used for _, used in baseline.runs)
    return (
        page.name,
        page.cache_mode,
        page.size,
        median_of(result.rate for result in runs),
        percent(ratio, 1) if ratio else "100 %",
        median_of(result.p50 for result in runs),
        median_of(result.p99 for result in runs),
        cpu,
        f"× {cpu / baseline_cpu:.1f}" if ratio else "–",
        page.queries or None,
        page.target,
    )
