"""Measure each admin table and the report at 1,000,000 bookings, against the cheapest page of the same process.

"Rows read" counts the rows that PostgreSQL read from tables and indexes, including those it filtered out.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg
import httpx

from app.core import clock
from app.core.db import Database
from app.core.paging import encode_cursor
from app.main import create_app
from app.settings import Settings
from bench.admin_town import fill
from bench.admin_town_rows import Sizes
from bench.load import HOST
from bench.processes import settings
from bench.servers import BenchServers, temporary_servers
from bench.statements import record_statements
from bench.tables import median_of, print_table, quantile
from bench.town import sign_in

COLUMNS = ("page", "queries", "rows read", "database ms", "p50 ms", "p99 ms", "target")
TABLE_TARGET, REPORT_TARGET = "≤ 10 ms in the database", "≤ 300 ms"
COOKIE = "__Host-ds="
Owner = Any  # asyncpg.Connection, which is untyped
EXPLAIN_REPETITIONS = 3


@dataclass(frozen=True, slots=True)
class AdminPage:
    name: str
    path: str
    target: str = TABLE_TARGET


def add_arguments(parser: argparse.ArgumentParser) -> None:
    default = Sizes()
    parser.add_argument("--bookings", type=int, default=default.bookings)
    parser.add_argument("--professionals", type=int, default=default.professionals)
    parser.add_argument("--customers", type=int, default=default.customers)
    parser.add_argument("--cases", type=int, default=default.cases)
    parser.add_argument("--times", type=int, default=30, help="requests per page")


def run(args: argparse.Namespace) -> None:
    sizes = Sizes(args.bookings, args.professionals, args.customers, args.cases)
    with temporary_servers() as servers:
        started = time.perf_counter()
        fill(servers, sizes)
        elapsed = time.perf_counter() - started
        rows = asyncio.run(measure(servers, args.times))
    people = f"{sizes.professionals:,} professionals, {sizes.customers:,} customers"
    summary = f"{sizes.bookings:,} bookings, {people}, {sizes.cases:,} cases"
    print_table(f"Admin pages: {summary}, filled in {elapsed:.0f} s; each page {args.times} times", COLUMNS, rows)


async def measure(servers: BenchServers, times: int) -> list[tuple[Any, ...]]:
    app = create_app(Settings.from_env({**settings(servers), "LOG_LEVEL": "warning"}))
    database: Database = app.state.services.database
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # Litestar's types are narrower
    owner = await asyncpg.connect(servers.owner)
    await owner.execute("SET jit = off; SET work_mem = '64MB'")  # as reports set them
    async with httpx.AsyncClient(transport=transport, base_url=f"https://{HOST}", timeout=60) as client:
        admin = await owner.fetchval("SELECT id FROM users WHERE role = 'admin' ORDER BY id LIMIT 1")
        client.headers["cookie"] = COOKIE + await sign_in(database, admin)
        rows = [await _row(client, database, owner, page, times) for page in [page async for page in _pages(owner)]]
    await owner.close()
    await database.close()
    return rows


async def _pages(owner: Owner) -> Any:
    yield AdminPage("the cheapest page", "/health", "the baseline")
    for name, path in (await _tables(owner)).items():
        yield AdminPage(name, path)
    busy = await owner.fetchval("SELECT professional_id FROM professional_ratings ORDER BY jobs DESC LIMIT 1")
    area = await owner.fetchval("SELECT pincode FROM bookings GROUP BY 1 ORDER BY count(*) DESC LIMIT 1")
    category = await owner.fetchval("SELECT slug FROM categories ORDER BY id LIMIT 1")
    for weeks in ("week", "4", "12", "52"):
        yield AdminPage(
            f"report, {weeks if weeks == 'week' else weeks + ' weeks'}", _report(period=weeks), REPORT_TARGET
        )
    first = clock.today().replace(year=clock.today().year - 3)
    yield AdminPage("report, all days", f"{_report(period='days')}&from={first}&to={clock.today()}", REPORT_TARGET)
    for weeks in ("12", "52"):
        for name, value in (("category", category), ("pincode", area), ("professional", busy)):
            yield AdminPage(
                f"report, {weeks} weeks, one {name}", _report(period=weeks, **{name: str(value)}), REPORT_TARGET
            )


async def _tables(owner: Owner) -> Mapping[str, str]:
    case = await owner.fetchval("SELECT reference FROM cases WHERE state = 'open' ORDER BY id LIMIT 1")
    payout_run = await owner.fetchval("SELECT max(id) FROM payout_runs")
    payee = await owner.fetchval("SELECT (min(professional_id) + max(professional_id)) / 2 FROM bank_accounts")
    half = await owner.fetchrow("SELECT id, starts_at FROM bookings ORDER BY starts_at DESC OFFSET 500000 LIMIT 1")
    deep = encode_cursor(half["starts_at"].isoformat(), half["id"], 500_000) if half else ""
    return {
        "today": "/admin",
        "customers": "/admin/customers",
        "customers, “kumar”": "/admin/customers?q=kumar",
        "customers by name": "/admin/customers?sort=name",
        "professionals": "/admin/professionals",
        "professionals, “fatima”": "/admin/professionals?q=fatima",
        "admins": "/admin/admins",
        "bookings": "/admin/bookings",
        "bookings, page 25,000": f"/admin/bookings?after={deep}",
        "bookings, not accepted": "/admin/bookings?state=cancelled&cancelled_as=unfilled",
        "bookings, “fatima”": "/admin/bookings?q=fatima",
        "bookings of one day": f"/admin/bookings?from={clock.today()}&to={clock.today()}&state=done",
        "dispatch": "/admin/dispatch",
        "services": "/admin/services",
        "ledger, commission": "/admin/ledger?account=commission",
        "reviews, one star": "/admin/reviews?rating=1",
        "reviews, reported": "/admin/reviews?state=reported",
        "cases": "/admin/cases",
        "cases, decided": "/admin/cases?tab=decided",
        "a case": f"/admin/cases/{case}",
        "a booking with messages and a case": f"/admin/bookings/{case}",
        "emails about a booking": f"/admin/bookings/{case}/mails",
        "appeals": "/admin/appeals",
        "refunds": "/admin/refunds",
        "events": "/admin/events",
        "payouts": "/admin/payouts",
        "payouts, page 2": f"/admin/payouts?due={encode_cursor(payee)}&held={encode_cursor(payee)}",
        "a payout run": f"/admin/payouts/{payout_run}",
        "trial balance": "/admin/ledger/balance",
        "trial balance of last year": f"/admin/ledger/balance?until={clock.today() - timedelta(days=365)}",
    }


def _report(**filters: str) -> str:
    return "/admin/reports?" + "&".join(f"{name}={value}" for name, value in filters.items())


async def _row(
    client: httpx.AsyncClient, database: Database, owner: Owner, page: AdminPage, times: int
) -> tuple[Any, ...]:
    for _ in range(2):  # the first request prepares statements and is not counted
        with record_statements(database) as sent:
            response = await client.get(page.path)
        response.raise_for_status()
    elapsed = [await _measure_ms(client, page.path) for _ in range(times)]
    read = [
        query for query in sent if query[0].lstrip()[:4].upper() in ("SELE", "WITH") and "set_config" not in query[0]
    ]
    inside = [await explain_reads(owner, *query) for query in read]
    return (
        page.name,
        len(sent),
        sum(rows for _, rows in inside),
        sum(ms for ms, _ in inside),
        median_of(elapsed),
        quantile(elapsed, 0.99),
        page.target,
    )


async def _measure_ms(client: httpx.AsyncClient, path: str) -> float:
    started = time.perf_counter()
    (await client.get(path)).raise_for_status()
    return (time.perf_counter() - started) * 1000


async def explain_reads(owner: Owner, statement: str, parameters: Any) -> tuple[float, int]:
    """Return the median ms of planning and execution, and the number of rows read."""
    plans = []
    for _ in range(EXPLAIN_REPETITIONS):
        plan = await owner.fetchval("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) " + statement, *parameters)
        plans.append(json.loads(plan)[0])
    return median_of(query["Planning Time"] + query["Execution Time"] for query in plans), sum(
        _rows_read(plans[-1]["Plan"])
    )


def _rows_read(node: Mapping[str, Any]) -> Iterator[int]:
    if node["Node Type"].endswith("Scan") and ("Relation Name" in node or "Index Name" in node):
        passed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
        yield round((node["Actual Rows"] + passed) * node["Actual Loops"])
    for child in node.get("Plans", ()):
        yield from _rows_read(child)
