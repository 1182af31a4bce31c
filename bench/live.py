"""Measure live streams of one web process: delays from a commit to the open pages, memory, and other pages meanwhile.

Every stream is really open, each of another user, from one of several source addresses of this machine.
"""

import argparse
import asyncio
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import uvloop
from redis.asyncio import Redis

from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.events import nudge
from bench.load import HEAD_END, fetch, request
from bench.pages import COOKIE
from bench.processes import Process, web
from bench.servers import BenchServers, temporary_servers
from bench.tables import print_table, quantile
from bench.town import Town, build, sign_in_all

SETTLING_SECONDS = 1.5
BROADCAST_COUNT = 10
LONGEST_BROADCAST_SECONDS = 10.0
STREAMS_PER_ADDRESS = 5_000  # far fewer than a machine has ports for one address
OPENED_AT_ONCE = 50
DESCRIPTORS_BESIDES = 200  # of this process, and of the web process, which inherits its limit
COLUMNS = ("path", "streams", "events received", "of", "p50 ms", "p99 ms", "server CPU, µs each", "target")
PAGE_COLUMNS = ("page", "streams open", "responses", "p50 ms", "p99 ms", "target")
PAGE_TARGET = "p99 ≤ 200 ms"
Rows = list[tuple[str | int | float, ...]]


@dataclass(slots=True)
class Received:
    """The time at which each stream received each topic."""

    at: dict[tuple[int, str], float] = field(default_factory=dict)

    async def wait_for(self, count: int) -> None:
        """Wait until so many were received, but not for ever."""
        for _ in range(round(LONGEST_BROADCAST_SECONDS / 0.05)):
            if len(self.at) >= count:
                return
            await asyncio.sleep(0.05)


@dataclass(slots=True)
class Tables:
    events: Rows = field(default_factory=list)
    pages: Rows = field(default_factory=list)
    memory: Rows = field(default_factory=list)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--streams", type=int, default=300)
    parser.add_argument("--events", type=int, default=200)


def run(args: argparse.Namespace) -> None:
    _allow_descriptors(args.streams + DESCRIPTORS_BESIDES)
    with temporary_servers() as servers:
        town = build(servers, professionals=24, bookings=500, customers=args.streams)
        with web(servers) as process:
            tables = uvloop.run(_measure(servers, process, town, args.streams, args.events))
    print_table(f"Events to open pages, {args.streams:,} streams on one web process", COLUMNS, tables.events)
    print_table("Pages of that process", PAGE_COLUMNS, tables.pages)
    print_table("Memory of that process", ("before", "with the streams", "for each stream", "target"), tables.memory)


def _allow_descriptors(count: int) -> None:
    """Raise the limit of open files if it is too low. Exits when the machine does not allow it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        if hard != resource.RLIM_INFINITY and hard < count:
            raise SystemExit(f"This needs {count:,} open files, and no more than {hard:,} are allowed (ulimit -Hn).")
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


async def _measure(servers: BenchServers, process: Process, town: Town, streams: int, events: int) -> Tables:
    database, after, received, tables = Database(servers.app), AfterCommit(servers.redis), Received(), Tables()
    await after.start()
    tokens = await sign_in_all(database, range(1, streams + 1))
    (own,) = await sign_in_all(database, [town.customer])
    requests = {
        "home, for visitors": request("/"),
        "booking, signed in": request(f"/bookings/{town.reference}", COOKIE + own),
    }
    await _request_pages(process.port, requests, 3)  # fills caches
    tables.pages += _page_rows(0, await _request_pages(process.port, requests, events))
    before = process.memory_kb
    connections = await _connect(process.port, [request("/live", COOKIE + token) for token in tokens], received)
    await asyncio.sleep(SETTLING_SECONDS)
    with_streams = process.memory_kb
    tables.events.append(
        _row("Redis alone: publish → a subscriber", 1, await _measure_redis(servers.redis, events), 0, "the baseline")
    )
    pages = asyncio.create_task(_request_pages(process.port, requests, events))
    sent_at = await _publish_singly(database, after, streams, events)
    tables.events.append(
        _row("commit → the one page it is for", streams, _delays_ms(sent_at, received), float("nan"), "p99 ≤ 500 ms")
    )
    tables.pages += _page_rows(streams, await pages)
    cpu = process.cpu_ms
    sent_at = await _publish_to_all(database, after, received, streams)
    each_us = (process.cpu_ms - cpu) * 1000 / (streams * BROADCAST_COUNT)
    target = "p99 ≤ 500 ms" if streams <= 1_000 else ""
    tables.events.append(
        _row("one commit → every page at once", streams, _delays_ms(sent_at, received), each_us, target)
    )
    each_kb = (with_streams - before) / streams
    target = "≤ 500 MB" if streams >= 10_000 else ""
    tables.memory.append((f"{before / 1024:.0f} MB", f"{with_streams / 1024:.0f} MB", f"{each_kb:.1f} kB", target))
    if closed := sum(connection.is_closed for connection in connections):
        raise RuntimeError(f"{closed} streams ended too early")
    for connection in connections:
        connection.transport.close()
    await after.stop()
    await database.close()
    return tables


class _Stream(asyncio.Protocol):
    """One open page, which notes when topics come."""

    transport: asyncio.Transport

    def __init__(self, number: int, request_bytes: bytes, received: Received) -> None:
        self._number, self._request, self._received = number, request_bytes, received.at
        self._buffer = b""
        self.is_closed = False
        self.has_begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            if line.startswith(b"event: "):
                self._received[self._number, line[7:].decode()] = now
            elif line.startswith(b"id: ") and not self.has_begun.done():
                self.has_begun.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        self.is_closed = True
        if not self.has_begun.done():
            self.has_begun.set_exception(error or ConnectionError("a stream was refused"))


async def _connect(port: int, requests: Sequence[bytes], received: Received) -> list[_Stream]:
    """Open a stream for each request, some at a time."""
    streams = [_Stream(number, sent, received) for number, sent in enumerate(requests)]
    loop = asyncio.get_running_loop()

    async def connect(number: int, stream: _Stream) -> None:
        address = f"127.0.0.{1 + number // STREAMS_PER_ADDRESS}"
        await loop.create_connection(lambda: stream, "127.0.0.1", port, local_addr=(address, 0))
        await asyncio.wait_for(stream.has_begun, 30)

    for start in range(0, len(streams), OPENED_AT_ONCE):
        some = enumerate(streams[start : start + OPENED_AT_ONCE], start)
        await asyncio.gather(*(connect(number, stream) for number, stream in some))
    return streams


async def _request_pages(port: int, requests: dict[str, bytes], times: int) -> dict[str, list[float]]:
    """Request each page `times` times, one after the other; return the times in ms."""
    waits: dict[str, list[float]] = {name: [] for name in requests}
    for _ in range(times):
        for name, request_bytes in requests.items():
            started = time.perf_counter()
            head, _ = await fetch(port, request_bytes)
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"{name}: {head.split(HEAD_END)[0].decode()}")
            waits[name].append((time.perf_counter() - started) * 1000)
            await asyncio.sleep(0.01)
    return waits


def _page_rows(streams: int, waits: dict[str, list[float]]) -> Rows:
    target = PAGE_TARGET if streams else "the baseline"
    return [
        (name, streams, len(times), quantile(times, 0.5), quantile(times, 0.99), target)
        for name, times in waits.items()
    ]


async def _publish_singly(
    database: Database, after: AfterCommit, streams: int, events: int
) -> dict[tuple[int, str], float]:
    """Publish fifty events a second, each to one user."""
    sent_at: dict[tuple[int, str], float] = {}
    for number in range(events):
        stream, topic = number % streams, f"booking-{number:08d}"
        sent_at[stream, topic] = time.perf_counter()
        async with database.work(after) as db:
            nudge(db, f"user:{1 + stream}", topic)
        await asyncio.sleep(0.02)
    await asyncio.sleep(SETTLING_SECONDS)
    return sent_at


async def _publish_to_all(
    database: Database, after: AfterCommit, received: Received, streams: int
) -> dict[tuple[int, str], float]:
    """Publish commits, each to every open page, one when the one before has arrived."""
    sent_at: dict[tuple[int, str], float] = {}
    for number in range(BROADCAST_COUNT):
        topic, expected = f"all-{number}", len(received.at) + streams
        async with database.work(after) as db:
            for user_id in range(1, 1 + streams):
                nudge(db, f"user:{user_id}", topic)
            now = time.perf_counter()
            sent_at |= {(stream, topic): now for stream in range(streams)}
        await received.wait_for(expected)
        await asyncio.sleep(0.2)
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


def _row(path: str, streams: int, waits: list[float], cpu_us: float, target: str) -> tuple[str | int | float, ...]:
    received = [wait for wait in waits if wait != float("inf")]
    return path, streams, len(received), len(waits), quantile(waits, 0.5), quantile(waits, 0.99), cpu_us, target
