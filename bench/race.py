"""Many customers for one slot of one professional: one winner in every round, and how long each of them waits."""

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
from bench.servers import BenchServers, temporary_servers
from bench.tables import quantile, show
from bench.town import ADYAR, CUSTOMERS, build

HEAD = ("how", "rivals", "rounds", "winners each round", "told it was taken", "deadlocks", "other", "p50 ms", "p99 ms")
BARE = """
    INSERT INTO bookings (reference, customer_id, service_id, state, service_name, price, minutes, address, pincode,
                          starts_at, ends_at, span, reserved_for, held_until, created_at)
    VALUES (upper(substr(md5(random()::text), 1, 8)), $1, $2, 'held', 'bare', 14900, 60, 'Flat 3B', $3,
            $4::timestamptz, $4::timestamptz + interval '1 hour',
            tstzrange($4, $4 + interval '70 minutes'), $5, now() + interval '7 minutes', now())
"""
Try = Callable[[int, datetime], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Rival:
    """A customer, as the domain knows who acts."""

    id: int
    role: str = "customer"


@dataclass(slots=True)
class Rounds:
    elapsed: list[float] = field(default_factory=list)
    ends: list[Counter[str]] = field(default_factory=list)

    def row(self, how: str, rivals: int) -> tuple[str | int | float, ...]:
        """Winners are shown as the least and the most of any round."""
        won = [ends["won"] for ends in self.ends]
        told = sum(self.ends, Counter[str]())
        other = sum(count for end, count in told.items() if end not in ("won", "taken", "deadlock"))
        winners = str(won[0]) if len(set(won)) == 1 else f"{min(won)}–{max(won)}"
        waits = (quantile(self.elapsed, 0.5), quantile(self.elapsed, 0.99))
        return (how, rivals, len(self.ends), winners, told["taken"], told["deadlock"], other, *waits)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rivals", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=20)


def run(args: argparse.Namespace) -> None:
    with temporary_servers() as servers:
        town = build(servers, professionals=24, bookings=1_000)
        rows = asyncio.run(_measure(servers, town.service, args.rivals, args.rounds))
    show(f"{args.rivals} rivals for one slot; target one winner, no deadlock, p99 ≤ 150 ms", HEAD, rows)


async def _measure(servers: BenchServers, slug: str, rivals: int, rounds: int) -> list[tuple[str | int | float, ...]]:
    """Each round is for another start, so that nothing is left of the one before."""
    database = Database(servers.app, pool_size=rivals)
    pool = await asyncpg.create_pool(servers.app, min_size=rivals, max_size=rivals)
    try:
        async with database.work() as db:
            service = await ServiceRepository(db).by_slug(slug)
        owner = await asyncpg.connect(servers.owner)
        only = await _leave_one(owner, service.id)
        await owner.close()
        tries = {
            "holding a slot, alone": (_holding(database, service.id), 1),
            "holding a slot": (_holding(database, service.id), rivals),
        }
        tries["the constraint alone, bare INSERT"] = (_inserting(pool, service.id, only), rivals)
        await _raced(tries["holding a slot"][0], rivals, [_start(0)])  # opens every connection
        rows = []
        for number, (how, (attempt, count)) in enumerate(tries.items()):
            bare = how.startswith("the constraint")  # its rounds may take twenty seconds each
            starts = [_start(1 + number * rounds + n) for n in range(min(rounds, 3) if bare else rounds)]
            rows.append((await _raced(attempt, count, starts)).row(how, count))
        return rows
    finally:
        await pool.close()
        await database.close()


async def _leave_one(owner: "asyncpg.Connection[asyncpg.Record]", service_id: int) -> int:
    """One professional does it there, free around the clock, and it can be booked two months ahead."""
    only = int(
        await owner.fetchval(
            "SELECT professional_id FROM offerings JOIN coverage USING (professional_id)"
            " WHERE service_id = $1 AND pincode = $2 LIMIT 1",
            service_id,
            ADYAR,
        )
    )
    await owner.execute("DELETE FROM offerings WHERE service_id = $1 AND professional_id <> $2", service_id, only)
    await owner.execute(
        "UPDATE bookings SET reserved_for = NULL, professional_id = NULL, state = 'cancelled', cancelled_at = now(),"
        " cancelled_as = 'platform' WHERE reserved_for = $1 AND state IN ('requested', 'assigned')",
        only,
    )
    await owner.execute("UPDATE working_hours SET opens = 0, closes = 1440 WHERE professional_id = $1", only)
    await owner.execute("UPDATE services SET horizon_days = 60, minutes = 60 WHERE id = $1", service_id)
    return only


def _holding(database: Database, service_id: int) -> Try:
    async def attempt(customer: int, start: datetime) -> str:
        try:
            async with database.work() as db:
                await hold(db, Rival(customer), BookingRequest(service_id, start, "Flat 3B", ADYAR))
        except Refused as refusal:
            return refusal.reason or "refused"
        return "won"

    return attempt


def _inserting(pool: "asyncpg.Pool[asyncpg.Record]", service_id: int, professional: int) -> Try:
    async def attempt(customer: int, start: datetime) -> str:
        try:
            await pool.execute(BARE, customer, service_id, ADYAR, start, professional, timeout=20)
        except asyncpg.ExclusionViolationError:
            return "taken"
        return "won"

    return attempt


async def _raced(attempt: Try, rivals: int, starts: Sequence[datetime]) -> Rounds:
    rounds = Rounds()
    for number, start in enumerate(starts):
        customers = [1 + (number * rivals + n) % CUSTOMERS for n in range(rivals)]
        ends = await asyncio.gather(*(_timed(attempt, customer, start, rounds) for customer in customers))
        rounds.ends.append(Counter(ends))
    return rounds


async def _timed(attempt: Try, customer: int, start: datetime, rounds: Rounds) -> str:
    started = time.perf_counter()
    try:
        return await attempt(customer, start)
    except Exception as problem:  # whatever goes wrong is counted, not hidden
        return "deadlock" if "deadlock" in str(problem) else type(problem).__name__
    finally:
        rounds.elapsed.append((time.perf_counter() - started) * 1000)


def _start(number: int) -> datetime:
    """Two hours apart, from tomorrow on."""
    return clock.at(clock.today() + timedelta(days=1 + number // 11), (number % 11) * 120)
