"""One web process against the bare framework that returns ready bytes of the same size: rate, delay, CPU, queries.

Warm is what visitors get; `page not kept` is the same process drawing each page anew from the lists that it keeps;
`nothing kept` is a process without Redis, which asks the database everything.
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
from bench.load import FINE, HOST, Pressed, fetch, press, request
from bench.processes import Process, bare, settings, web
from bench.servers import UNREACHABLE_REDIS_URL, BenchServers, temporary_servers
from bench.slots import statements
from bench.tables import middle, percent, show
from bench.town import ADYAR, Town, build, sign_in

CONNECTIONS = 16
HEAD = ("page", "how", "bytes", "req/s", "of bare", "p50 ms", "p99 ms", "CPU ms", "CPU of bare", "queries", "target")
COOKIE = "__Host-ds="


@dataclass(slots=True)
class Page:
    """One address and how it is asked for; `target` is the share of the bare framework's rate."""

    name: str
    how: str
    path: str
    cookie: str
    target: str
    process: Process | None = None
    ask: Callable[[], bytes] | None = None  # where it is not always the same GET
    fine: tuple[bytes, ...] = FINE
    size: int = 0
    queries: int = 0
    runs: list[tuple[Pressed, float]] = field(default_factory=list)

    @property
    def request(self) -> bytes:
        return request(self.path, self.cookie)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--professionals", type=int, default=300)
    parser.add_argument("--bookings", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each run")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each; the medians are shown")


def run(args: argparse.Namespace) -> None:
    with temporary_servers() as servers:
        town = build(servers, professionals=args.professionals, bookings=args.bookings)
        pages = asyncio.run(_pages(servers, town))
        with web(servers) as warm, web(servers, redis=UNREACHABLE_REDIS_URL) as nothing_kept:
            for page in pages:
                page.process = nothing_kept if page.how == "nothing kept" else warm
            uvloop.run(sizes(pages))
            with bare({page.name: page.size for page in pages}) as framework:
                shown = uvloop.run(measure(pages, framework, args.seconds, args.rounds))
    show(f"Pages at {CONNECTIONS} connections, medians of {args.rounds} runs of {args.seconds:g} s", HEAD, shown)


async def _pages(servers: BenchServers, town: Town) -> list[Page]:
    database = Database(servers.app)
    try:
        customer = COOKIE + await sign_in(database, town.customer)
        professional = COOKIE + await sign_in(database, town.professional)
    finally:
        await database.close()
    looked = {
        "home": "/",
        "results": f"/services?q=leak&pincode={ADYAR}",
        "service": f"/services/{town.service}?pincode={ADYAR}",
    }
    pages = [Page(name, "warm", path, "", "≥ 70 %") for name, path in looked.items()]
    pages += [Page(name, "page not kept", path, "", "") for name, path in looked.items()]
    pages += [Page(name, "nothing kept", path, "", "≥ 15 %") for name, path in looked.items()]
    pages += [
        Page("booking", "signed in", f"/bookings/{town.reference}", customer, "≥ 12 %, ≤ 4 queries"),
        Page("jobs", "signed in", "/jobs", professional, "≥ 12 %, ≤ 4 queries"),
    ]
    await _count_queries(servers, pages)
    return pages


async def _count_queries(servers: BenchServers, pages: list[Page]) -> None:
    """In a process that keeps nothing, on its second look, so that what is prepared once is not counted."""
    app = create_app(Settings.from_env({**settings(servers, redis=UNREACHABLE_REDIS_URL), "LOG_LEVEL": "warning"}))
    database: Database = app.state.services.database
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # Litestar's types are narrower
    async with httpx.AsyncClient(transport=transport, base_url=f"https://{HOST}") as client:
        for page in pages:
            if page.how not in ("nothing kept", "signed in"):
                continue
            for _ in range(2):
                with statements(database) as asked:
                    answer = await client.get(page.path, headers={"cookie": page.cookie} if page.cookie else {})
                answer.raise_for_status()
                page.queries = len(asked)
    await database.close()


async def sizes(pages: list[Page]) -> None:
    for page in pages:
        assert page.process is not None
        _, body = await fetch(page.process.port, _asking(page)())
        page.size = len(body)


async def measure(pages: list[Page], framework: Process, seconds: float, rounds: int) -> list[tuple[Any, ...]]:
    """Every run of a page stands beside a run of the bare framework, so that both meet the same machine."""
    ready: dict[str, Page] = {page.name: Page(page.name, "bare", f"/{page.name}", "", "") for page in pages}
    ratios: Mapping[int, list[float]] = {id(page): [] for page in pages}
    for page in pages:  # every connection to the database has met every statement before anything counts
        assert page.process is not None
        await press(page.process.port, _asking(page), 1.0, CONNECTIONS, page.fine)
    for _ in range(rounds):
        for page in pages:
            floor = ready[page.name]
            floor.size, floor.process = page.size, framework
            bare_rate = await _run(floor, seconds)
            ratios[id(page)].append(await _run(page, seconds) / bare_rate)
    rows = []
    for name, floor in ready.items():
        rows.append(_row(floor, floor, None))
        rows += [_row(page, floor, middle(ratios[id(page)])) for page in pages if page.name == name]
    return rows


async def _run(page: Page, seconds: float) -> float:
    assert page.process is not None
    before = page.process.cpu_ms
    pressed = await press(page.process.port, _asking(page), seconds, CONNECTIONS, page.fine)
    page.runs.append((pressed, (page.process.cpu_ms - before) / len(pressed.elapsed)))
    return pressed.rate


def _asking(page: Page) -> Callable[[], bytes]:
    """What is not kept has an address of its own each time, so that no ready page is found."""
    if page.ask is not None:
        return page.ask
    if not page.how.endswith("kept"):
        ready = page.request
        return lambda: ready
    numbers, mark = count(), "&" if "?" in page.path else "?"
    return lambda: request(f"{page.path}{mark}n={next(numbers)}")


def _row(page: Page, floor: Page, ratio: float | None) -> tuple[Any, ...]:
    runs = [pressed for pressed, _ in page.runs]
    cpu, least = middle(used for _, used in page.runs), middle(used for _, used in floor.runs)
    return (
        page.name,
        page.how,
        page.size,
        middle(pressed.rate for pressed in runs),
        percent(ratio, 1) if ratio else "100 %",
        middle(pressed.p50 for pressed in runs),
        middle(pressed.p99 for pressed in runs),
        cpu,
        f"× {cpu / least:.1f}" if ratio else "–",
        page.queries or None,
        page.target,
    )
