"""Measure a week of slots: number of queries, time in the database, and their growth with the bookings."""

import argparse
import asyncio
import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.repository import ServiceRepository
from app.core import clock
from app.core.db import Database
from app.scheduling import slot_search
from bench.servers import temporary_servers
from bench.statements import record_statements
from bench.tables import median_of, print_table
from bench.town import ADYAR, build

SLOT_REPETITIONS = 15


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--professionals", type=int, default=600)
    parser.add_argument("--bookings", type=int, default=60_000)


def run(args: argparse.Namespace) -> None:
    sizes = sorted({args.bookings // 4, args.bookings})
    rows = [row for size in sizes for row in _measure_size(args.professionals, size)]
    head = (
        "bookings",
        "candidates",
        "starts",
        "queries",
        "database ms",
        "SELECT 1 ms",
        "total ms",
        "Python CPU ms",
    )
    print_table(
        f"Seven days of slots, {args.professionals} professionals; target ≤ 3 queries, ≤ 20 ms in the database",
        head,
        rows,
    )


def _measure_size(professionals: int, bookings: int) -> list[tuple[Any, ...]]:
    with temporary_servers() as servers:
        town = build(servers, professionals=professionals, bookings=bookings)
        return [asyncio.run(_measure(servers.app, town.service))]


async def _measure(url: str, slug: str) -> tuple[Any, ...]:
    database = Database(url)
    try:
        async with database.reading() as db:
            service = await ServiceRepository(db).by_slug(slug)
            with record_statements(database) as recorded:
                week = await slot_search.find_week(db, service, ADYAR, clock.today())
            queries = list(recorded)
            elapsed, cpu = zip(*[await _timed(db, service) for _ in range(SLOT_REPETITIONS)], strict=True)
            database_ms = median_of(
                [sum([(await explain(db, *query)).total for query in queries]) for _ in range(SLOT_REPETITIONS)]
            )
            baseline_ms = median_of([(await explain(db, "SELECT 1", ())).total for _ in range(SLOT_REPETITIONS)])
            count = await db.scalar(text("SELECT count(*) FROM bookings"))
    finally:
        await database.close()
    starts = sum(len(day.starts) for day in week.days)
    return (
        count,
        len(week.candidates),
        starts,
        len(queries),
        database_ms,
        baseline_ms,
        median_of(elapsed),
        median_of(cpu),
    )


async def _timed(db: AsyncSession, service: Any) -> tuple[float, float]:
    """Return elapsed time and CPU time of this process, in ms."""
    started, used = time.perf_counter(), time.process_time()
    await slot_search.find_week(db, service, ADYAR, clock.today())
    return (time.perf_counter() - started) * 1000, (time.process_time() - used) * 1000


@dataclass(frozen=True, slots=True)
class QueryTimes:
    """Planning and execution time of a statement as reported by PostgreSQL, in ms."""

    planning: float
    execution: float

    @property
    def total(self) -> float:
        return self.planning + self.execution


async def explain(db: AsyncSession, statement: str, parameters: Any) -> QueryTimes:
    connection = await (await db.connection()).get_raw_connection()
    assert connection.driver_connection is not None
    rows = await connection.driver_connection.fetch(
        "EXPLAIN (ANALYZE, TIMING OFF, SUMMARY ON) " + statement, *parameters
    )
    times = dict(row[0].split(": ") for row in rows if row[0].startswith(("Planning Time", "Execution Time")))
    return QueryTimes(*(float(times[name].split()[0]) for name in ("Planning Time", "Execution Time")))
