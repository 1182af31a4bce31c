"""What /metrics says: every process counts its requests and adds them up in Redis, so that any of them tells it all."""

import asyncio
import contextlib
import os
import secrets
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from app.core import logs
from app.core.pubsub import Broken, Bus

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)  # seconds
EVERY = 5  # seconds between two additions to Redis
HEARD_FOR = 15  # seconds until a process that says nothing is gone
Labels = tuple[str, str, str]
log = logs.get("metrics")


class Meter:
    """One per process. Counting is a few additions in memory; nothing waits for Redis."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._fresh: Counter[str] = Counter()  # not in Redis yet
        self._own: Counter[str] = Counter()  # of this process, since it began
        self._flushing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._flushing = asyncio.create_task(self._keep_flushing())

    async def stop(self) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
            await asyncio.gather(self._flushing, return_exceptions=True)
        await self.flush()

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """`route` is the template, never an address."""
        labels = f"{method} {route} {status}"
        place = bisect_left(BUCKETS, seconds)
        for counter in (self._fresh, self._own):
            counter[f"{labels} {place}"] += 1
            counter[f"{labels} us"] += int(seconds * 1_000_000)

    async def flush(self) -> None:
        """Add what is new; what could not be added waits for the next time."""
        if not self._fresh or not self._bus.up:
            return
        told, self._fresh = self._fresh, Counter()
        try:
            async with self._bus.redis.pipeline(transaction=True) as line:
                for name, value in told.items():
                    line.hincrby(self._bus.prefix + "requests", name, value)
                await line.execute()
        except Broken as problem:
            self._bus.lost(problem)
            self._fresh += told

    async def say(self, gauges: dict[str, float]) -> None:
        """What this process alone knows, for whoever is asked next."""
        with contextlib.suppress(*Broken):
            key = f"{self._bus.prefix}process:{self._name}"
            async with self._bus.redis.pipeline(transaction=True) as line:
                line.hset(key, mapping={name: str(value) for name, value in gauges.items()})
                line.expire(key, HEARD_FOR)
                await line.execute()

    async def everybody(self) -> tuple[Counter[str], Counter[str]]:
        """Requests and gauges of all processes; of this one alone while Redis is away."""
        await self.flush()
        if not self._bus.up:
            return self._own, Counter()
        try:
            return await self._from_redis()
        except Broken as problem:
            self._bus.lost(problem)
            return self._own, Counter()

    async def _from_redis(self) -> tuple[Counter[str], Counter[str]]:
        redis: Any = self._bus.redis  # its own types do not know that it is asked asynchronously
        requests: Counter[str] = Counter()
        gauges: Counter[str] = Counter()
        for name, value in (await redis.hgetall(self._bus.prefix + "requests")).items():
            requests[name] = int(value)
        async for key in redis.scan_iter(match=f"{self._bus.prefix}process:*"):
            for name, value in (await redis.hgetall(key)).items():
                gauges[name] += int(float(value))
        return requests, gauges

    async def _keep_flushing(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            await self.flush()


class _Told(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def exposition(requests: Counter[str], gauges: dict[str, tuple[str, float | dict[str, float]]]) -> bytes:
    """Prometheus text. `gauges`: name → (help, value, or value by label)."""
    registry = CollectorRegistry()
    registry.register(_Told([*_requests(requests), *(_gauge(name, *told) for name, told in gauges.items())]))
    return generate_latest(registry)


def _requests(counted: Counter[str]) -> Iterator[Metric]:
    latency = HistogramMetricFamily(
        "doorstep_request_seconds", "How long answers took", labels=["method", "route", "status"]
    )
    total = CounterMetricFamily("doorstep_requests", "Answers", labels=["method", "route", "status"])
    for labels, places in sorted(_by_route(counted).items()):
        so_far, buckets = 0, []
        for place, limit in enumerate((*BUCKETS, "+Inf")):
            so_far += places[str(place)]
            buckets.append((str(limit), so_far))
        latency.add_metric(list(labels), buckets, places["us"] / 1_000_000)
        total.add_metric(list(labels), so_far)
    yield latency
    yield total


def _by_route(counted: Counter[str]) -> dict[Labels, Counter[str]]:
    found: dict[Labels, Counter[str]] = {}
    for name, value in counted.items():
        method, route, status, what = name.split(" ")
        found.setdefault((method, route, status), Counter())[what] += value
    return found


def _gauge(name: str, words: str, value: float | dict[str, float]) -> Metric:
    if not isinstance(value, dict):
        return GaugeMetricFamily(name, words, value=value)
    family = GaugeMetricFamily(name, words, labels=["name"])
    for label, one in sorted(value.items()):
        family.add_metric([label], one)
    return family
