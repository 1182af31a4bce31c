"""The queue: tasks that do nothing, by a real worker process, beside SAQ as it comes."""

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
from bench.tables import Cell, quantile, show

HEAD = ("queue", "jobs", "jobs/s", "at 300/s: p50 ms", "p99 ms", "jobs seen")
PER_SECOND = 300


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--jobs", type=int, default=5_000)
    parser.add_argument("--seconds", type=int, default=8, help="of a steady 300 a second")


def run(args: argparse.Namespace) -> None:
    with temporary_servers() as servers:
        rows = [asyncio.run(_measure(how, servers.redis, args.jobs, args.seconds)) for how in ("bare", "ours")]
    show("Tasks that do nothing; target ≥ 1,200 jobs/s, start p99 ≤ 10 ms at 300/s", HEAD, rows)


async def _measure(how: str, url: str, jobs: int, seconds: int) -> tuple[Cell, ...]:
    queue = connect_queue(url, "bench") if how == "ours" else RedisQueue.from_url(url, name="bench-bare")
    care: dict[str, Any] = JOB_OPTIONS if how == "ours" else {}
    for number in range(jobs):
        await queue.enqueue("nothing", key=f"full-{number}", sent=time.time(), **care)
    full = await _told(_worker(how, url, jobs))
    steady = _worker(how, url, seconds * PER_SECOND)
    await asyncio.sleep(3)  # it is up and waits
    began = time.monotonic()
    for number in range(seconds * PER_SECOND):
        await asyncio.sleep(max(0.0, began + number / PER_SECOND - time.monotonic()))
        await queue.enqueue("nothing", key=f"steady-{number}", sent=time.time(), **care)
    told = await _told(steady)
    await queue.disconnect()
    waits = [wait * 1000 for wait in told["waits"]]
    name = "ours: tasks.saq_config" if how == "ours" else "SAQ as it comes"
    return name, jobs, (jobs - 1) / full["took"], quantile(waits, 0.5), quantile(waits, 0.99), len(waits)


def _worker(how: str, url: str, jobs: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "bench.queue_worker", how, url, str(jobs)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


async def _told(worker: "subprocess.Popen[bytes]") -> dict[str, Any]:
    try:
        said, _ = await asyncio.to_thread(worker.communicate, timeout=120)
    finally:
        worker.kill()
    told: dict[str, Any] = json.loads(said)
    return told
