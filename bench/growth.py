"""Measure how the core path grows with the professionals of one city: a town of each size, side by side.

All towns stand at once and are asked in turn, so that a slow moment of the machine meets them all.
The application runs in this process without a cache; CPU is its own and the driver's. The last column is the ratio of
CPU to the smallest town; of many at once, of the time until the last was answered.
"""

import argparse
import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import asyncpg

from app.accounts.session import SessionKind
from app.core.db import Database
from app.main import create_app
from app.settings import Settings
from bench.in_process import Answer, InProcessClient
from bench.processes import settings
from bench.servers import UNREACHABLE_REDIS_URL, BenchServers, temporary_servers
from bench.statements import record_statements
from bench.tables import median_of, print_table, quantile
from bench.town import ADYAR, Town, build, sign_in

COOKIE = "__Host-ds="
JOB_LIST = "/jobs?tab=offers"
OFFERS_SHOWN = 10  # in each town's job list, so that the same is drawn
CANDIDATE_COUNT = 80  # professionals whose job lists are looked at for it
COLUMNS = ("what", "professionals", "statements", "CPU ms", "p50 ms", "p99 ms", "codes", "× the first")
BOOKINGS_PER_PROFESSIONAL = 24  # a week ahead, one day back
RIVALS = (16, 50)
READS = {  # who asks, and for what
    "slots": ("visitor", "/api/services/{service}/slots?pincode={pincode}"),
    "results, nothing kept": ("visitor", "/services?q=leak&pincode={pincode}"),
    "service page, nothing kept": ("visitor", "/services/{slug}?pincode={pincode}"),
    "job list": ("professional", JOB_LIST),
    "unassigned list": ("admin", "/admin/dispatch"),
}
ADMIN = """
    INSERT INTO users (role, email, full_name, phone, password_hash, email_verified_at, created_at)
    VALUES ('admin', 'admin@example.com', 'Meena Iyer', '+919999999999', 'none', now(), now()) RETURNING id
"""
OFFERS = """
    SELECT b.id, r.professional_id FROM bookings b JOIN reservations r ON r.booking_id = b.id
     WHERE b.state = 'requested' AND b.starts_at > now() + interval '1 day' ORDER BY b.starts_at, b.id LIMIT $1
"""
CANDIDATES = """
    SELECT o.professional_id FROM bookings b JOIN offered_services o ON o.service_id = b.service_id
      JOIN coverage c ON c.professional_id = o.professional_id AND c.pincode = b.pincode
     WHERE b.state = 'requested' AND b.starts_at > now()
     GROUP BY 1 ORDER BY abs(count(*) - 2 * $2::int), 1 LIMIT $1
"""
Send = Callable[[int], Awaitable[Answer]]


@dataclass(slots=True)
class Result:
    what: str
    size: int
    is_concurrent: bool = False
    statements: float = 0
    cpu: list[float] = field(default_factory=list)
    elapsed: list[float] = field(default_factory=list)
    codes: Counter[str] = field(default_factory=Counter)

    @property
    def cpu_ms(self) -> float:
        return median_of(self.cpu)

    def as_json(self) -> dict[str, Any]:
        return {
            "what": self.what,
            "size": self.size,
            "statements": self.statements,
            "cpu_ms": round(self.cpu_ms, 2),
            "p50_ms": round(quantile(self.elapsed, 0.5), 2),
            "p99_ms": round(quantile(self.elapsed, 0.99), 2),
            "codes": dict(self.codes),
        }

    def row(self, first: "Result") -> tuple[str | int | float, ...]:
        this, base = (max(self.elapsed), max(first.elapsed)) if self.is_concurrent else (self.cpu_ms, first.cpu_ms)
        codes = ", ".join(f"{count} × {code}" for code, count in sorted(self.codes.items()))
        waits = (quantile(self.elapsed, 0.5), quantile(self.elapsed, 0.99))
        return (self.what, self.size, self.statements, self.cpu_ms, *waits, codes, f"{this / base:.2f}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sizes", default="300,3000,12000", help="professionals of each town")
    parser.add_argument("--times", type=int, default=15, help="requests of each kind")
    parser.add_argument("--json", help="also write the results to this file")


def run(args: argparse.Namespace) -> None:
    sizes = [int(size) for size in args.sizes.split(",")]
    with ExitStack() as stack:
        places = []
        for size in sizes:
            servers = stack.enter_context(temporary_servers())
            places.append((servers, build(servers, professionals=size, bookings=size * BOOKINGS_PER_PROFESSIONAL)))
        results = asyncio.run(_measure(places, sizes, args.times))
    first = {result.what: result for result in reversed(results)}
    rows = [result.row(first[result.what]) for result in results]
    print_table(f"Growth with the professionals of one city, medians of {args.times}", COLUMNS, rows)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump([result.as_json() for result in results], file, indent=1)


async def _measure(places: Sequence[tuple[BenchServers, Town]], sizes: Sequence[int], times: int) -> list[Result]:
    """The results of each measurement in all towns, the sizes in order."""
    async with AsyncExitStack() as stack:
        towns = [
            await stack.enter_async_context(_open_town(servers, town, size))
            for (servers, town), size in zip(places, sizes, strict=True)
        ]
        results = []
        for what in READS:
            results += await _take_turns(what, towns, [town.reading(what) for town in towns], times)
        books = [await town.booking() for town in towns]
        results += await _take_turns("a booking", towns, books, times)
        sent = times + 1
        for count in RIVALS:
            what = f"{count} bookings at once"
            for town, book in zip(towns, books, strict=True):
                results.append(await town.run_concurrently(what, book, range(sent, sent + count)))
            sent += count
        results += await _take_turns("accepting", towns, [await town.accepting(times + 1) for town in towns], times)
        return results


async def _take_turns(what: str, towns: Sequence["_Town"], sends: Sequence[Send], times: int) -> list[Result]:
    """One request in each town to warm up, then the measured ones, town by town: all meet the same moments."""
    results = [Result(what, town.size) for town in towns]
    for number in range(times + 1):
        for town, send, result in zip(towns, sends, results, strict=True):
            await town.send_once(result if number else Result(what, town.size), send, number)
    return results


@asynccontextmanager
async def _open_town(servers: BenchServers, town: Town, size: int) -> AsyncIterator["_Town"]:
    environment = settings(servers, redis=UNREACHABLE_REDIS_URL) | {"LOG_LEVEL": "error", "TRUSTED_PROXIES": "1"}
    app = create_app(Settings.from_env(environment))
    database: Database = app.state.services.database
    owner = await asyncpg.connect(servers.owner)
    try:
        opened = _Town(InProcessClient(app), database, owner, town.service, size)
        await opened.prepare()
        yield opened
    finally:
        await owner.close()
        await database.close()


@dataclass(slots=True)
class _Town:
    client: InProcessClient
    database: Database
    owner: "asyncpg.Connection[asyncpg.Record]"
    slug: str
    size: int
    service: int = 0
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    networks: Any = field(default_factory=lambda: cycle(range(1 << 16)))

    async def prepare(self) -> None:
        self.service = await self.owner.fetchval("SELECT id FROM services WHERE slug = $1", self.slug)
        admin = await self.owner.fetchval(ADMIN)
        self.headers["admin"] = {"cookie": COOKIE + await sign_in(self.database, admin)}
        self.headers["professional"] = await self._professional_with_offers()

    async def _professional_with_offers(self) -> dict[str, str]:
        """Sign in as the candidate whose job list shows the number of offers nearest to OFFERS_SHOWN."""
        nearest, headers = 1_000, {}
        for row in await self.owner.fetch(CANDIDATES, CANDIDATE_COUNT, OFFERS_SHOWN):
            signed_in = {"cookie": COOKIE + await sign_in(self.database, row["professional_id"])}
            answer = await self._get(JOB_LIST, signed_in)(0)
            distance = abs(answer.body.count(b'id="offer-') - OFFERS_SHOWN)
            if distance < nearest:
                nearest, headers = distance, signed_in
            if not distance:
                break
        if nearest:
            print(f"With {self.size} professionals no job list shows {OFFERS_SHOWN} offers: {nearest} more or fewer.")
        return headers

    def reading(self, what: str) -> Send:
        role, path = READS[what]
        path = path.format(service=self.service, slug=self.slug, pincode=ADYAR)
        return self._get(path, self.headers.get(role))

    async def booking(self) -> Send:
        """Each books another start as another customer."""
        slots = self._get(f"/api/services/{self.service}/slots?pincode={ADYAR}")
        days = (await slots(0)).json()["days"]
        starts = [start for day in days[2:] for start in day["slots"]]
        customers = await self.owner.fetch("SELECT id FROM users WHERE role = 'customer' ORDER BY id LIMIT 200")
        tokens = [await sign_in(self.database, row["id"], SessionKind.TOKEN) for row in customers]
        return self._booking(starts, tokens)

    def _get(self, path: str, headers: dict[str, str] | None = None) -> Send:
        async def send(_number: int) -> Answer:
            return await self.client.get(path, self._network() | (headers or {}))

        return send

    def _booking(self, starts: Sequence[str], tokens: Sequence[str]) -> Send:
        async def send(number: int) -> Answer:
            order = {
                "service_id": self.service,
                "start": starts[number % len(starts)],
                "address": "Flat 3B, 12 Main Road",
                "pincode": ADYAR,
                "payment": {"method": "card", "card_number": "4242 4242 4242 4242", "expiry": "08/40", "cvv": "123"},
            }
            headers = self._network() | {"authorization": f"Bearer {tokens[number % len(tokens)]}"}
            return await self.client.post("/api/request/service", headers, order)

        return send

    async def accepting(self, count: int) -> Send:
        """Each accepts another offer, as the professional whose time is reserved for it."""
        offers = await self.owner.fetch(OFFERS, count)
        tokens = [await sign_in(self.database, row["professional_id"], SessionKind.TOKEN) for row in offers]

        async def send(number: int) -> Answer:
            headers = self._network() | {"authorization": f"Bearer {tokens[number]}"}
            path = f"/api/request/edit/{offers[number]['id']}"
            return await self.client.post(path, headers, {"action": "accept"})

        return send

    async def send_once(self, result: Result, send: Send, number: int) -> None:
        """`statements` become the most of any request."""
        with record_statements(self.database) as recorded:
            await self._timed(result, send, number)
        result.statements = max(result.statements, len(recorded))

    async def run_concurrently(self, what: str, send: Send, numbers: Sequence[int]) -> Result:
        result = Result(what, self.size, is_concurrent=True)
        started = time.process_time()
        with record_statements(self.database) as recorded:
            await asyncio.gather(*(self._timed(result, send, number) for number in numbers))
        result.cpu = [(time.process_time() - started) * 1000 / len(numbers)]
        result.statements = round(len(recorded) / len(numbers), 1)
        return result

    async def _timed(self, result: Result, send: Send, number: int) -> None:
        started, used = time.perf_counter(), time.process_time()
        response = await send(number)
        result.elapsed.append((time.perf_counter() - started) * 1000)
        result.cpu.append((time.process_time() - used) * 1000)
        result.codes[str(response.status_code)] += 1

    def _network(self) -> dict[str, str]:
        """Another network for each request, so that rate limits are counted but never reached."""
        number = next(self.networks)
        return {"x-forwarded-for": f"10.{number >> 8}.{number & 255}.1"}
