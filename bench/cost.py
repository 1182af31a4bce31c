"""Measure the CPU and the statements of single requests, one after the other, in this process and without a cache.

CPU is that of this process, its driver included; the client adds next to nothing, and `/health` shows what a request
costs without a page behind it. Pages are requested in turn, so that all see the same load of the machine.
"""

import argparse
import asyncio
import gc
import time
from dataclasses import dataclass, field
from itertools import count

import asyncpg

from app.accounts.session import SessionKind
from app.core.db import Database
from app.main import create_app
from app.settings import Settings
from bench.growth import ADMIN, COOKIE
from bench.in_process import Answer, InProcessClient
from bench.processes import settings
from bench.servers import UNREACHABLE_REDIS_URL, BenchServers, temporary_servers
from bench.statements import record_statements
from bench.tables import Cell, median_of, print_table
from bench.town import ADYAR, Town, build, sign_in

COLUMNS = ("request", "statements", "CPU ms", "minimum", "× the cheapest", "target")
WARM_UP = 12  # requests of each: the driver's cache, PostgreSQL's plans after five, templates, formats
MOST_OFFERS = """
    SELECT o.professional_id FROM bookings b JOIN offered_services o ON o.service_id = b.service_id
      JOIN coverage c ON c.professional_id = o.professional_id AND c.pincode = b.pincode
     WHERE b.state = 'requested' AND b.starts_at > now() AND o.professional_id <> $1
     GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1
"""
DECLINE_ALL = """
    INSERT INTO declines (booking_id, professional_id, kind, reason, at)
    SELECT id, $1, 'passed', '', now() FROM bookings WHERE state = 'requested'
"""
FINISHED = "SELECT reference, customer_id FROM bookings WHERE state = 'closed' ORDER BY id LIMIT 1"
OPEN_BOOKING = "SELECT id FROM bookings WHERE customer_id <> $1 AND state = 'assigned' ORDER BY id LIMIT 1"


@dataclass(slots=True)
class Cost:
    """One kind of request; `shows` is a part of its body that proves that it is what it is called."""

    name: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    target: str = ""
    shows: str = ""
    status: int = 200
    statements: int = 0
    cpu: list[float] = field(default_factory=list)

    def row(self, cheapest: float) -> tuple[Cell, ...]:
        median = median_of(self.cpu)
        return self.name, self.statements, median, min(self.cpu), f"{median / cheapest:.1f}", self.target


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--professionals", type=int, default=300)
    parser.add_argument("--bookings", type=int, default=20_000)
    parser.add_argument("--times", type=int, default=60, help="requests of each kind")


def run(args: argparse.Namespace) -> None:
    with temporary_servers() as servers:
        town = build(servers, professionals=args.professionals, bookings=args.bookings)
        costs = asyncio.run(measure(servers, town, args.times))
    cheapest = median_of(costs[0].cpu)
    rows = [
        (
            cost.name,
            cost.statements,
            median_of(cost.cpu),
            min(cost.cpu),
            f"{median_of(cost.cpu) / cheapest:.1f}",
            cost.target,
        )
        for cost in costs
    ]
    print_table(f"CPU of one request in process, nothing cached, medians of {args.times}", COLUMNS, rows)


async def measure(servers: BenchServers, town: Town, times: int) -> list[Cost]:
    environment = settings(servers, redis=UNREACHABLE_REDIS_URL) | {"LOG_LEVEL": "error", "TRUSTED_PROXIES": "1"}
    app = create_app(Settings.from_env(environment))
    database: Database = app.state.services.database
    client, networks = InProcessClient(app), count()
    owner = await asyncpg.connect(servers.owner)

    async def send(cost: Cost) -> Answer:
        number = next(networks)  # another network each time: rate limits are counted but never reached
        headers = {"x-forwarded-for": f"10.{number >> 8 & 255}.{number & 255}.1", **cost.headers}
        return await client.get(cost.path, headers)

    try:
        costs = await _costs(owner, database, town)
        for cost in costs:
            _check(cost, await send(cost))
        gc.collect()
        gc.freeze()  # as a web process does when it has started
        for number in range(times + WARM_UP):
            for cost in costs:
                started = time.process_time()
                await send(cost)
                if number >= WARM_UP:
                    cost.cpu.append((time.process_time() - started) * 1000)
        for cost in costs:
            with record_statements(database) as recorded:
                await send(cost)
            cost.statements = len(recorded)
    finally:
        await owner.close()
        await database.close()
    return costs


def _check(cost: Cost, answer: Answer) -> None:
    if answer.status_code != cost.status or cost.shows.encode() not in answer.body:
        raise RuntimeError(f"{cost.name}: {answer.status_code}, or without {cost.shows!r}")


async def _costs(owner: "asyncpg.Connection[asyncpg.Record]", database: Database, town: Town) -> list[Cost]:
    offered, done = (
        await owner.fetchval(MOST_OFFERS, town.professional),
        await owner.fetchrow(FINISHED) or ("", 0),
    )
    other = await owner.fetchval(OPEN_BOOKING, town.customer)
    await owner.execute(DECLINE_ALL, town.professional)
    admin = await owner.fetchval(ADMIN)

    async def cookie(user_id: int) -> dict[str, str]:
        return {"cookie": COOKIE + await sign_in(database, user_id)}

    async def token(user_id: int) -> dict[str, str]:
        return {"authorization": f"Bearer {await sign_in(database, user_id, SessionKind.TOKEN)}"}

    customer, api_customer = await cookie(town.customer), await token(town.customer)
    signed_in_admin = await cookie(admin)
    return [
        Cost("the cheapest (`/health`)", "/health"),
        Cost("home", "/", target="≤ 4 ms"),
        Cost("results", f"/services?q=leak&pincode={ADYAR}", target="≤ 4 ms"),
        Cost("service", f"/services/{town.service}?pincode={ADYAR}", target="≤ 4 ms", shows='name="start"'),
        Cost("booking", f"/bookings/{town.reference}", customer, "≤ 2 ms, ≤ 3"),
        Cost("booking, work done", f"/bookings/{done[0]}", await cookie(done[1]), "≤ 2 ms, ≤ 3"),
        Cost("bookings", "/bookings", customer),
        Cost("job list with offers", "/jobs", await cookie(offered), "≤ 2 ms, ≤ 3", "/acceptance"),
        Cost("job list without offers", "/jobs", await cookie(town.professional), "≤ 2 ms, ≤ 3", "No offers right now"),
        Cost("admin: bookings", "/admin/bookings", signed_in_admin, "≤ 6 ms"),
        Cost("admin: unassigned", "/admin/dispatch", signed_in_admin),
        Cost("API: refused before its work", f"/api/request/service/{other}", api_customer, status=404),
        Cost("API: own bookings", f"/api/request/service/{town.customer}", api_customer, "≤ 1 ms"),
        Cost("API: every booking", "/api/request", await token(admin), "≤ 1 ms"),
        Cost("API: job list with offers", f"/api/servicerequest/{offered}", await token(offered), "≤ 1.5 ms"),
        Cost(
            "API: job list without offers",
            f"/api/servicerequest/{town.professional}",
            await token(town.professional),
            "≤ 1.5 ms",
        ),
    ]
