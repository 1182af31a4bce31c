"""Measure live streams of one web process: the delay from a commit to the open page, and memory per stream."""

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
from bench.load import HEAD_END, request
from bench.pages import COOKIE
from bench.processes import Process, web
from bench.servers import BenchServers, temporary_servers
from bench.tables import print_table, quantile
from bench.town import CUSTOMER_COUNT, build, sign_in

SETTLING_SECONDS = 1.5
COLUMNS = ("path", "streams", "events received", "of", "p50 ms", "p99 ms", "target")


@dataclass(slots=True)
class Received:
    """The time at which each stream received each topic."""

    at: dict[tuple[int, str], float] = field(default_factory=dict)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--streams", type=int, default=300)
    parser.add_argument("--events", type=int, default=200)


def run(args: argparse.Namespace) -> None:
    with temporary_servers() as servers:
        build(servers, professionals=24, bookings=500)
        with web(servers) as process:
            rows, memory = uvloop.run(_measure(servers, process, args.streams, args.events))
    print_table(f"Events to open pages, {args.streams} streams on one web process", COLUMNS, rows)
    print_table(
        "Memory of that process", ("before", "with the streams", "for each stream", "10,000 would take"), [memory]
    )


async def _measure(
    servers: BenchServers, process: Process, streams: int, events: int
) -> tuple[list[tuple[str | int | float, ...]], tuple[str, ...]]:
    database, after, received = Database(servers.app), AfterCommit(servers.redis), Received()
    await after.start()
    cookies = [COOKIE + await sign_in(database, 1 + n % CUSTOMER_COUNT) for n in range(streams)]
    first = await _connected([_open(process.port, 0, request("/live", cookies[0]), Received())])
    await asyncio.sleep(SETTLING_SECONDS)
    before = process.memory_kb
    connections = await _connected(
        [_open(process.port, n, request("/live", cookies[n]), received) for n in range(streams)]
    )
    await asyncio.sleep(SETTLING_SECONDS)
    with_streams = process.memory_kb
    sent_at = await _publish_singly(database, after, streams, events)
    rows = [_row("Redis alone: publish → a subscriber", 1, await _measure_redis(servers.redis, events), "the baseline")]
    rows.append(_row("commit → the one page it is for", streams, _delays_ms(sent_at, received), "p99 ≤ 500 ms"))
    sent_at = await _publish_to_all(database, after, streams)
    rows.append(_row("one commit → every page at once", streams, _delays_ms(sent_at, received), "p99 ≤ 500 ms"))
    for connection in (*first, *connections):
        connection.cancel()
    await asyncio.gather(*first, *connections, return_exceptions=True)
    await after.stop()
    await database.close()
    each = (with_streams - before) / streams
    return rows, (
        f"{before / 1024:.0f} MB",
        f"{with_streams / 1024:.0f} MB",
        f"{each:.0f} kB",
        f"{each * 10_000 / 1024:.0f} MB",
    )


async def _connected(opening: list[Awaitable["asyncio.Task[None]"]]) -> list["asyncio.Task[None]"]:
    """Open the connections, fifty at a time."""
    connections: list[asyncio.Task[None]] = []
    for start in range(0, len(opening), 50):
        connections += await asyncio.gather(*opening[start : start + 50])
    return connections


async def _open(port: int, number: int, request_bytes: bytes, received: Received) -> "asyncio.Task[None]":
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request_bytes)
    head = await reader.readuntil(HEAD_END)
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise RuntimeError("a stream was refused")
    return asyncio.create_task(_listen(reader, writer, number, received))


async def _listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int, received: Received) -> None:
    try:
        async for line in reader:
            if line.startswith(b"event: "):
                received.at[number, line[7:].strip().decode()] = time.perf_counter()
    finally:
        writer.close()


async def _publish_singly(
    database: Database, after: AfterCommit, streams: int, events: int
) -> dict[tuple[int, str], float]:
    """Publish fifty events a second, each to one user."""
    sent_at: dict[tuple[int, str], float] = {}
    for number in range(events):
        stream, topic = number % streams, f"booking-{number:08d}"
        sent_at[stream, topic] = time.perf_counter()
        async with database.work(after) as db:
            nudge(db, f"user:{1 + stream % CUSTOMER_COUNT}", topic)
        await asyncio.sleep(0.02)
    await asyncio.sleep(SETTLING_SECONDS)
    return sent_at


async def _publish_to_all(database: Database, after: AfterCommit, streams: int) -> dict[tuple[int, str], float]:
    """Publish ten commits, each to every open page."""
    sent_at: dict[tuple[int, str], float] = {}
    for number in range(10):
        topic, now = f"all-{number}", time.perf_counter()
        sent_at |= {(stream, topic): now for stream in range(streams)}
        async with database.work(after) as db:
            for user_id in range(1, 1 + min(streams, CUSTOMER_COUNT)):
                nudge(db, f"user:{user_id}", topic)
        await asyncio.sleep(0.5)
    await asyncio.sleep(SETTLING_SECONDS)
    return sent_at


async def _measure_redis(url: str, events: int) -> list[float]:
    """Measure the delay of the same messages through Redis alone, in ms."""
    redis = Redis.from_url(url, decode_responses=True)
    waits: list[float] = []
    async with redis.pubsub() as connection:
        await connection.subscribe("bench")
        await connection.get_message(timeout=1)
        for _ in range(events):
            started = time.perf_counter()
            await redis.publish("bench", "topic")
            while not await connection.get_message(timeout=1):
                pass
            waits.append((time.perf_counter() - started) * 1000)
            await asyncio.sleep(0.002)
    await redis.aclose()
    return waits


def _delays_ms(sent_at: dict[tuple[int, str], float], received: Received) -> list[float]:
    """Return delays in ms; infinity for a topic that was never received."""
    return [(received.at.get(topic, float("inf")) - at) * 1000 for topic, at in sent_at.items()]


def _row(path: str, streams: int, waits: list[float], target: str) -> tuple[str | int | float, ...]:
    received = [wait for wait in waits if wait != float("inf")]
    return path, streams, len(received), len(waits), quantile(waits, 0.5), quantile(waits, 0.99), target
