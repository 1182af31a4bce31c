"""Race many customers for one slot of one professional: winners per round, and how long each customer waits."""

import argparse
import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import asyncpg

import app.events  # noqa: F401  declares every event type
from app.bookings.holds import BookingRequest, hold
from app.catalog.repository import ServiceRepository
from app.core import clock
from app.core.db import Database
from app.core.errors import Refused
from app.web.server import freeze_what_stays
from bench.servers import BenchServers, temporary_servers
from bench.tables import print_table, quantile
from bench.town import ADYAR, CUSTOMER_COUNT, build

COLUMNS = (
    "method",
    "customers",
    "rounds",
    "winners each round",
    "refused as taken",
    "deadlocks",
    "other",
    "p50 ms",
    "p99 ms",
)
BARE_INSERT = """
    WITH booked AS (
        INSERT INTO bookings (reference, customer_id, service_id, state, service_name, price, minutes, address, pincode,
                              starts_at, ends_at, held_until, created_at)
        VALUES (upper(substr(md5(random()::text), 1, 8)), $1, $2, 'held', 'bare', 14900, 60, 'Flat 3B', $3,
                $4::timestamptz, $4::timestamptz + interval '1 hour', now() + interval '7 minutes', now())
        RETURNING id, held_until
    )
    INSERT INTO reservations (booking_id, professional_id, span, pincode, expires_at)
    SELECT id, $5, tstzrange($4, $4 + interval '70 minutes'), $3, held_until FROM booked
"""
WARM_UP_ROUNDS = 6  # the driver's statements are planned anew five times
Attempt = Callable[[int, datetime], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Customer:
    """A minimal Actor."""

    id: int
    role: str = "customer"


@dataclass(slots=True)
class RaceResult:
    elapsed: list[float] = field(default_factory=list)
    ends: list[Counter[str]] = field(default_factory=list)

    def row(self, method: str, customers: int) -> tuple[str | int | float, ...]:
        """Return a table row; winners are the minimum and maximum of all rounds."""
        won = [ends["won"] for ends in self.ends]
        totals = sum(self.ends, Counter[str]())
        other = sum(count for end, count in totals.items() if end not in ("won", "taken", "deadlock"))
        winners = str(won[0]) if len(set(won)) == 1 else f"{min(won)}–{max(won)}"
        waits = (quantile(self.elapsed, 0.5), quantile(self.elapsed, 0.99))
        return (method, customers, len(self.ends), winners, totals["taken"], totals["deadlock"], other, *waits)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rivals", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=20)


def run(args: argparse.Namespace) -> None:
    with temporary_servers() as servers:
        town = build(servers, professionals=24, bookings=1_000)
        rows = asyncio.run(_measure(servers, town.service, args.rivals, args.rounds))
    print_table(f"{args.rivals} customers for one slot; target one winner, no deadlock, p99 ≤ 150 ms", COLUMNS, rows)


async def _measure(
    servers: BenchServers, slug: str, customers: int, rounds: int
) -> list[tuple[str | int | float, ...]]:
    """Run each method; every round uses another start, so that rounds are independent."""
    database = Database(servers.app, pool_size=customers)
    pool = await asyncpg.create_pool(servers.app, min_size=customers, max_size=customers)
    try:
        async with database.work() as db:
            service = await ServiceRepository(db).by_slug(slug)
        owner = await asyncpg.connect(servers.owner)
        professional_id = await _leave_one_professional(owner, service.id)
        await owner.close()
        methods = {
            "holding a slot, alone": (_holding(database, service.id), 1),
            "holding a slot": (_holding(database, service.id), customers),
        }
        methods["the constraint alone, bare INSERT"] = (_inserting(pool, service.id, professional_id), customers)
        freeze_what_stays()
        # Opens every connection, and lets PostgreSQL settle on a plan of each statement, as in a running process.
        await _run_rounds(methods["holding a slot"][0], customers, [_start(n) for n in range(WARM_UP_ROUNDS)])
        rows = []
        for number, (method, (attempt, count)) in enumerate(methods.items()):
            bare = method.startswith("the constraint")  # a round may take twenty seconds
            starts = [_start(WARM_UP_ROUNDS + number * rounds + n) for n in range(min(rounds, 3) if bare else rounds)]
            rows.append((await _run_rounds(attempt, count, starts)).row(method, count))
        return rows
    finally:
        await pool.close()
        await database.close()


async def _leave_one_professional(owner: "asyncpg.Connection[asyncpg.Record]", service_id: int) -> int:
    """Leave one professional for the service, available around the clock, bookable two months ahead."""
    professional_id = int(
        await owner.fetchval(
            "SELECT professional_id FROM offered_services JOIN coverage USING (professional_id)"
            " WHERE service_id = $1 AND pincode = $2 LIMIT 1",
            service_id,
            ADYAR,
        )
    )
    await owner.execute(
        "DELETE FROM offered_services WHERE service_id = $1 AND professional_id <> $2", service_id, professional_id
    )
    await owner.execute(
        "WITH freed AS (DELETE FROM reservations WHERE professional_id = $1 RETURNING booking_id)"
        " UPDATE bookings SET professional_id = NULL, state = 'cancelled', cancelled_at = now(),"
        " cancelled_as = 'platform' FROM freed WHERE id = booking_id",
        professional_id,
    )
    await owner.execute("UPDATE working_hours SET opens = 0, closes = 1440 WHERE professional_id = $1", professional_id)
    await owner.execute("UPDATE services SET horizon_days = 60, minutes = 60 WHERE id = $1", service_id)
    return professional_id


def _holding(database: Database, service_id: int) -> Attempt:
    async def attempt(customer: int, start: datetime) -> str:
        try:
            async with database.work() as db:
                await hold(db, Customer(customer), BookingRequest(service_id, start, "Flat 3B", ADYAR))
        except Refused as refusal:
            return refusal.reason or "refused"
        return "won"

    return attempt


def _inserting(pool: "asyncpg.Pool[asyncpg.Record]", service_id: int, professional: int) -> Attempt:
    async def attempt(customer: int, start: datetime) -> str:
        try:
            await pool.execute(BARE_INSERT, customer, service_id, ADYAR, start, professional, timeout=20)
        except asyncpg.ExclusionViolationError:
            return "taken"
        return "won"

    return attempt


async def _run_rounds(attempt: Attempt, customers: int, starts: Sequence[datetime]) -> RaceResult:
    rounds = RaceResult()
    for number, start in enumerate(starts):
        ids = [1 + (number * customers + n) % CUSTOMER_COUNT for n in range(customers)]
        ends = await asyncio.gather(*(_timed(attempt, customer, start, rounds) for customer in ids))
        rounds.ends.append(Counter(ends))
    return rounds


async def _timed(attempt: Attempt, customer: int, start: datetime, rounds: RaceResult) -> str:
    started = time.perf_counter()
    try:
        return await attempt(customer, start)
    except Exception as error:  # every kind of failure is counted
        return "deadlock" if "deadlock" in str(error) else type(error).__name__
    finally:
        rounds.elapsed.append((time.perf_counter() - started) * 1000)


def _start(number: int) -> datetime:
    """Return the start of a round: two hours apart, from tomorrow."""
    return clock.at(clock.today() + timedelta(days=1 + number // 11), (number % 11) * 120)
