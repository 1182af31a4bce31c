"""Seven days of slots for anyone: queries, time in the database, and how both grow with the bookings."""

import argparse
import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.repository import ServiceRepository
from app.core import clock
from app.core.db import Database
from app.scheduling import slot_search
from bench.servers import temporary_servers
from bench.tables import middle, show
from bench.town import ADYAR, build

TIMES = 15


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--professionals", type=int, default=600)
    parser.add_argument("--bookings", type=int, default=60_000)


def run(args: argparse.Namespace) -> None:
    sizes = sorted({args.bookings // 4, args.bookings})
    rows = [row for size in sizes for row in _at(args.professionals, size)]
    head = (
        "bookings",
        "crew",
        "starts",
        "queries",
        "database ms",
        "SELECT 1 ms",
        "the whole, ms",
        "of it Python CPU, ms",
    )
    show(
        f"Seven days of slots, {args.professionals} professionals; target ≤ 3 queries, ≤ 20 ms in the database",
        head,
        rows,
    )


def _at(professionals: int, bookings: int) -> list[tuple[Any, ...]]:
    with temporary_servers() as servers:
        town = build(servers, professionals=professionals, bookings=bookings)
        return [asyncio.run(_measure(servers.app, town.service))]


async def _measure(url: str, slug: str) -> tuple[Any, ...]:
    database = Database(url)
    try:
        async with database.reading() as db:
            service = await ServiceRepository(db).by_slug(slug)
            with statements(database) as sent:
                week = await slot_search.find_week(db, service, ADYAR, clock.today())
            queries = list(sent)
            whole, cpu = zip(*[await _timed(db, service) for _ in range(TIMES)], strict=True)
            inside = middle([sum([(await explained(db, *query)).whole for query in queries]) for _ in range(TIMES)])
            floor = middle([(await explained(db, "SELECT 1", ())).whole for _ in range(TIMES)])
            count = await db.scalar(text("SELECT count(*) FROM bookings"))
    finally:
        await database.close()
    starts = sum(len(day.starts) for day in week.days)
    return count, len(week.candidates), starts, len(queries), inside, floor, middle(whole), middle(cpu)


async def _timed(db: AsyncSession, service: Any) -> tuple[float, float]:
    """How long it took, and the CPU time of this process, in ms."""
    started, used = time.perf_counter(), time.process_time()
    await slot_search.find_week(db, service, ADYAR, clock.today())
    return (time.perf_counter() - started) * 1000, (time.process_time() - used) * 1000


@contextmanager
def statements(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """Every statement that the database is sent meanwhile, as the driver gets it."""
    sent: list[tuple[str, Any]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        sent.append((statement, parameters))

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


@dataclass(frozen=True, slots=True)
class Explained:
    """What PostgreSQL itself says that a statement took, in ms."""

    planning: float
    execution: float

    @property
    def whole(self) -> float:
        return self.planning + self.execution


async def explained(db: AsyncSession, statement: str, parameters: Any) -> Explained:
    connection = await (await db.connection()).get_raw_connection()
    assert connection.driver_connection is not None
    rows = await connection.driver_connection.fetch(
        "EXPLAIN (ANALYZE, TIMING OFF, SUMMARY ON) " + statement, *parameters
    )
    times = dict(row[0].split(": ") for row in rows if row[0].startswith(("Planning Time", "Execution Time")))
    return Explained(*(float(times[name].split()[0]) for name in ("Planning Time", "Execution Time")))
