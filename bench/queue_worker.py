"""Run a worker with a task that does nothing. `python -m bench.queue_worker configured|bare REDIS_URL JOBS`

`configured` uses the worker, time-outs and timers of tasks.saq_config, `bare` the defaults of SAQ. After JOBS jobs it
prints the delay of each (seconds from enqueue to start) and the total duration.
"""

import asyncio
import json
import sys
import time
from typing import Any

from litestar_saq import Worker as LitestarWorker
from saq import Worker
from saq.queue.redis import RedisQueue

from app.core.queue import connect_queue
from tasks.saq_config import TIMERS, with_job_heartbeat

WORKER_CONCURRENCY = 4  # as for the timetable's queue


async def nothing(ctx: Any, *, sent: float) -> None:
    ctx["began"].append(time.time())
    ctx["waits"].append(time.time() - sent)
    if len(ctx["waits"]) == ctx["jobs"]:
        ctx["all_seen"].set()


def worker(mode: str, url: str) -> Worker[Any]:
    if mode == "configured":
        queue = connect_queue(url, "bench", socket_timeout=None)
        return LitestarWorker(
            queue, functions=[with_job_heartbeat(nothing)], concurrency=WORKER_CONCURRENCY, timers=TIMERS
        )
    return Worker(RedisQueue.from_url(url, name="bench-bare"), functions=[nothing], concurrency=WORKER_CONCURRENCY)


async def main(mode: str, url: str, jobs: str) -> None:
    all_seen = asyncio.Event()
    context: dict[str, Any] = {"began": [], "waits": [], "jobs": int(jobs), "all_seen": all_seen}
    saq_worker = worker(mode, url)
    saq_worker.context.update(context)
    running = asyncio.create_task(saq_worker.start())
    await all_seen.wait()
    print(json.dumps({"waits": context["waits"], "took": max(context["began"]) - min(context["began"])}), flush=True)
    await saq_worker.stop()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
