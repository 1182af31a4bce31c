"""Open streams of one web process: from a commit to the word on the other person's page, and memory for each stream."""

import argparse
import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field

import uvloop
from redis.asyncio import Redis

from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.events import nudge
from bench.load import END, request
from bench.pages import COOKIE
from bench.processes import Process, web
from bench.servers import BenchServers, temporary_servers
from bench.tables import quantile, show
from bench.town import CUSTOMERS, build, sign_in

SETTLING_SECONDS = 1.5  # seconds
HEAD = ("what", "streams", "words heard", "of", "p50 ms", "p99 ms", "target")


@dataclass(slots=True)
class Received:
    """When each stream heard which word."""

    at: dict[tuple[int, str], float] = field(default_factory=dict)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--streams", type=int, default=300)
    parser.add_argument("--events", type=int, default=200)


def run(args: argparse.Namespace) -> None:
    with temporary_servers() as servers:
        build(servers, professionals=24, bookings=500)
        with web(servers) as process:
            rows, memory = uvloop.run(_measure(servers, process, args.streams, args.events))
    show(f"Events to open pages, {args.streams} streams on one web process", HEAD, rows)
    show("Memory of that process", ("before", "with the streams", "for each stream", "10,000 would take"), [memory])


async def _measure(
    servers: BenchServers, process: Process, streams: int, events: int
) -> tuple[list[tuple[str | int | float, ...]], tuple[str, ...]]:
    database, after, received = Database(servers.app), AfterCommit(servers.redis), Received()
    await after.start()
    cookies = [COOKIE + await sign_in(database, 1 + n % CUSTOMERS) for n in range(streams)]
    first = await _connected([_open(process.port, 0, request("/live", cookies[0]), Received())])
    await asyncio.sleep(SETTLING_SECONDS)
    before = process.memory_kb
    connections = await _connected(
        [_open(process.port, n, request("/live", cookies[n]), received) for n in range(streams)]
    )
    await asyncio.sleep(SETTLING_SECONDS)
    within = process.memory_kb
    sent_at = await _one_by_one(database, after, streams, events)
    rows = [_row("Redis alone: publish → a subscriber", 1, await _bare(servers.redis, events), "the baseline")]
    rows.append(_row("commit → the one page it is for", streams, _waits(sent_at, received), "p99 ≤ 500 ms"))
    sent_at = await _to_all(database, after, streams)
    rows.append(_row("one commit → every page at once", streams, _waits(sent_at, received), "p99 ≤ 500 ms"))
    for connection in (*first, *connections):
        connection.cancel()
    await asyncio.gather(*first, *connections, return_exceptions=True)
    await after.stop()
    await database.close()
    each = (within - before) / streams
    return rows, (
        f"{before / 1024:.0f} MB",
        f"{within / 1024:.0f} MB",
        f"{each:.0f} kB",
        f"{each * 10_000 / 1024:.0f} MB",
    )


async def _connected(opening: list[Awaitable["asyncio.Task[None]"]]) -> list["asyncio.Task[None]"]:
    """Fifty at a time, as a browser's first visit would not wait for the rest."""
    connections: list[asyncio.Task[None]] = []
    for start in range(0, len(opening), 50):
        connections += await asyncio.gather(*opening[start : start + 50])
    return connections


async def _open(port: int, number: int, asked: bytes, received: Received) -> "asyncio.Task[None]":
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(asked)
    head = await reader.readuntil(END)
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise RuntimeError("a stream was refused")
    return asyncio.create_task(_listen(reader, writer, number, received))


async def _listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int, received: Received) -> None:
    try:
        async for connection in reader:
            if connection.startswith(b"event: "):
                received.at[number, connection[7:].strip().decode()] = time.perf_counter()
    finally:
        writer.close()


async def _one_by_one(
    database: Database, after: AfterCommit, streams: int, events: int
) -> dict[tuple[int, str], float]:
    """Fifty events a second, each for one person."""
    sent_at: dict[tuple[int, str], float] = {}
    for number in range(events):
        stream, word = number % streams, f"booking-{number:08d}"
        sent_at[stream, word] = time.perf_counter()
        async with database.work(after) as db:
            nudge(db, f"user:{1 + stream % CUSTOMERS}", word)
        await asyncio.sleep(0.02)
    await asyncio.sleep(SETTLING_SECONDS)
    return sent_at


async def _to_all(database: Database, after: AfterCommit, streams: int) -> dict[tuple[int, str], float]:
    """Ten commits, each of which every open page hears."""
    sent_at: dict[tuple[int, str], float] = {}
    for number in range(10):
        word, now = f"all-{number}", time.perf_counter()
        sent_at |= {(stream, word): now for stream in range(streams)}
        async with database.work(after) as db:
            for person in range(1, 1 + min(streams, CUSTOMERS)):
                nudge(db, f"user:{person}", word)
        await asyncio.sleep(0.5)
    await asyncio.sleep(SETTLING_SECONDS)
    return sent_at


async def _bare(url: str, events: int) -> list[float]:
    """The same words from one connection to another."""
    redis = Redis.from_url(url, decode_responses=True)
    waits: list[float] = []
    async with redis.pubsub() as connection:
        await connection.subscribe("bench")
        await connection.get_message(timeout=1)
        for _ in range(events):
            started = time.perf_counter()
            await redis.publish("bench", "word")
            while not await connection.get_message(timeout=1):
                pass
            waits.append((time.perf_counter() - started) * 1000)
            await asyncio.sleep(0.002)
    await redis.aclose()
    return waits


def _waits(sent_at: dict[tuple[int, str], float], received: Received) -> list[float]:
    """In ms; infinite where a word was never heard."""
    return [(received.at.get(word, float("inf")) - at) * 1000 for word, at in sent_at.items()]


def _row(what: str, streams: int, waits: list[float], target: str) -> tuple[str | int | float, ...]:
    servers = [wait for wait in waits if wait != float("inf")]
    return what, streams, len(servers), len(waits), quantile(waits, 0.5), quantile(waits, 0.99), target
