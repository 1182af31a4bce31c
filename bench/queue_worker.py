"""A worker process with a task that does nothing. `python -m bench.queue_worker ours|bare REDIS_URL JOBS`

Ours is the worker, the time-outs and the timers of tasks.saq_config; bare is SAQ as it comes. After JOBS it prints
what each waited (seconds from enqueue to start) and how long all took.
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

AT_ONCE = 4  # as the queue of the timetable


async def nothing(ctx: Any, *, sent: float) -> None:
    ctx["began"].append(time.time())
    ctx["waits"].append(time.time() - sent)
    if len(ctx["waits"]) == ctx["jobs"]:
        ctx["all_seen"].set()


def worker(how: str, url: str) -> Worker[Any]:
    if how == "ours":
        queue = connect_queue(url, "bench", socket_timeout=None)
        return LitestarWorker(queue, functions=[with_job_heartbeat(nothing)], concurrency=AT_ONCE, timers=TIMERS)
    return Worker(RedisQueue.from_url(url, name="bench-bare"), functions=[nothing], concurrency=AT_ONCE)


async def main(how: str, url: str, jobs: str) -> None:
    all_seen = asyncio.Event()
    told: dict[str, Any] = {"began": [], "waits": [], "jobs": int(jobs), "all_seen": all_seen}
    made = worker(how, url)
    made.context.update(told)
    working = asyncio.create_task(made.start())
    await all_seen.wait()
    print(json.dumps({"waits": told["waits"], "took": max(told["began"]) - min(told["began"])}), flush=True)
    await made.stop()
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
