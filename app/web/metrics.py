"""Metrics: every process adds its request counts to Redis, so that any process can report the totals of all."""

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
from app.core.poll_loop import PollLoop
from app.core.pubsub import REDIS_ERRORS, Bus

LATENCY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)  # seconds
FLUSH_INTERVAL_SECONDS = 5  # seconds between two additions to Redis
GAUGE_TTL_SECONDS = 15  # seconds until a process that says nothing is gone
Labels = tuple[str, str, str]
log = logs.get_logger("metrics")


class RequestMetrics:
    """Counts requests in memory, one instance per process; requests never wait for Redis."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._pending: Counter[str] = Counter()  # not in Redis yet
        self._local: Counter[str] = Counter()  # of this process, since it began
        self._loop = PollLoop("request_metrics", self.flush, interval=FLUSH_INTERVAL_SECONDS)

    async def start(self) -> None:
        self._loop.start()

    async def stop(self) -> None:
        await self._loop.stop()
        await self.flush()

    def record(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request; `route` is the path template, never a path."""
        labels = f"{method} {route} {status}"
        bucket = bisect_left(LATENCY_BUCKETS, seconds)
        for counter in (self._pending, self._local):
            counter[f"{labels} {bucket}"] += 1
            counter[f"{labels} us"] += int(seconds * 1_000_000)

    async def flush(self) -> None:
        """Add the pending counts to Redis; they stay pending when that fails."""
        if not self._pending or not self._bus.up:
            return
        pending, self._pending = self._pending, Counter()
        try:
            async with self._bus.redis.pipeline(transaction=True) as pipeline:
                for name, value in pending.items():
                    pipeline.hincrby(self._bus.prefix + "requests", name, value)
                await pipeline.execute()
        except REDIS_ERRORS as error:
            self._bus.mark_down(error)
            self._pending += pending

    async def publish_gauges(self, gauges: dict[str, float]) -> None:
        """Publish the gauges of this process, for the totals."""
        with contextlib.suppress(*REDIS_ERRORS):
            key = f"{self._bus.prefix}process:{self._name}"
            async with self._bus.redis.pipeline(transaction=True) as pipeline:
                pipeline.hset(key, mapping={name: str(value) for name, value in gauges.items()})
                pipeline.expire(key, GAUGE_TTL_SECONDS)
                await pipeline.execute()

    async def totals(self) -> tuple[Counter[str], Counter[str]]:
        """Requests and gauges of all processes; of this one alone while Redis is away."""
        await self.flush()
        if not self._bus.up:
            return self._local, Counter()
        try:
            return await self._from_redis()
        except REDIS_ERRORS as error:
            self._bus.mark_down(error)
            return self._local, Counter()

    async def _from_redis(self) -> tuple[Counter[str], Counter[str]]:
        redis: Any = self._bus.redis  # its types do not know the asyncio client
        requests: Counter[str] = Counter()
        gauges: Counter[str] = Counter()
        for name, value in (await redis.hgetall(self._bus.prefix + "requests")).items():
            requests[name] = int(value)
        async for key in redis.scan_iter(match=f"{self._bus.prefix}process:*"):
            for name, value in (await redis.hgetall(key)).items():
                gauges[name] += int(float(value))
        return requests, gauges


class _StaticCollector(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def exposition(requests: Counter[str], gauges: dict[str, tuple[str, float | dict[str, float]]]) -> bytes:
    """Prometheus text. `gauges`: name → (help, value, or value by label)."""
    registry = CollectorRegistry()
    registry.register(
        _StaticCollector([*_requests(requests), *(_gauge(name, *gauge) for name, gauge in gauges.items())])
    )
    return generate_latest(registry)


def _requests(counts: Counter[str]) -> Iterator[Metric]:
    latency = HistogramMetricFamily(
        "doorstep_request_seconds", "Duration of requests", labels=["method", "route", "status"]
    )
    total = CounterMetricFamily("doorstep_requests", "Requests", labels=["method", "route", "status"])
    for labels, counters in sorted(_by_route(counts).items()):
        cumulative, buckets = 0, []
        for index, limit in enumerate((*LATENCY_BUCKETS, "+Inf")):
            cumulative += counters[str(index)]
            buckets.append((str(limit), cumulative))
        latency.add_metric(list(labels), buckets, counters["us"] / 1_000_000)
        total.add_metric(list(labels), cumulative)
    yield latency
    yield total


def _by_route(counts: Counter[str]) -> dict[Labels, Counter[str]]:
    by_route: dict[Labels, Counter[str]] = {}
    for name, value in counts.items():
        method, route, status, counter = name.split(" ")
        by_route.setdefault((method, route, status), Counter())[counter] += value
    return by_route


def _gauge(name: str, help_text: str, value: float | dict[str, float]) -> Metric:
    if not isinstance(value, dict):
        return GaugeMetricFamily(name, help_text, value=value)
    family = GaugeMetricFamily(name, help_text, labels=["name"])
    for label, number in sorted(value.items()):
        family.add_metric([label], number)
    return family
