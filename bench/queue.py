"""Measure the queue with tasks that do nothing in a real worker process, against default SAQ."""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from typing import Any

from saq.queue.redis import RedisQueue

from app.core.queue import JOB_OPTIONS, connect_queue
from bench.servers import temporary_servers
from bench.tables import Cell, print_table, quantile

COLUMNS = ("queue", "jobs", "jobs/s", "at 300/s: p50 ms", "p99 ms", "jobs run")
JOBS_PER_SECOND = 300


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--jobs", type=int, default=5_000)
    parser.add_argument("--seconds", type=int, default=8, help="of a steady 300 a second")


def run(args: argparse.Namespace) -> None:
    with temporary_servers() as servers:
        rows = [asyncio.run(_measure(mode, servers.redis, args.jobs, args.seconds)) for mode in ("bare", "configured")]
    print_table("Tasks that do nothing; target ≥ 1,200 jobs/s, start p99 ≤ 10 ms at 300/s", COLUMNS, rows)


async def _measure(mode: str, url: str, jobs: int, seconds: int) -> tuple[Cell, ...]:
    queue = connect_queue(url, "bench") if mode == "configured" else RedisQueue.from_url(url, name="bench-bare")
    options: dict[str, Any] = JOB_OPTIONS if mode == "configured" else {}
    for number in range(jobs):
        await queue.enqueue("nothing", key=f"full-{number}", sent=time.time(), **options)
    full_result = await _read_result(_worker(mode, url, jobs))
    steady = _worker(mode, url, seconds * JOBS_PER_SECOND)
    await asyncio.sleep(3)  # until the worker has started
    began = time.monotonic()
    for number in range(seconds * JOBS_PER_SECOND):
        await asyncio.sleep(max(0.0, began + number / JOBS_PER_SECOND - time.monotonic()))
        await queue.enqueue("nothing", key=f"steady-{number}", sent=time.time(), **options)
    steady_result = await _read_result(steady)
    await queue.disconnect()
    waits = [wait * 1000 for wait in steady_result["waits"]]
    name = "configured: tasks.saq_config" if mode == "configured" else "default SAQ"
    return name, jobs, (jobs - 1) / full_result["took"], quantile(waits, 0.5), quantile(waits, 0.99), len(waits)


def _worker(mode: str, url: str, jobs: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "bench.queue_worker", mode, url, str(jobs)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


async def _read_result(worker: "subprocess.Popen[bytes]") -> dict[str, Any]:
    try:
        output, _ = await asyncio.to_thread(worker.communicate, timeout=120)
    finally:
        worker.kill()
    result: dict[str, Any] = json.loads(output)
    return result
