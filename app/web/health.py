"""For machines: is it alive, is it ready; and where browsers report what the content policy refused."""

import asyncio
import ipaddress
import secrets
from typing import Any

from litestar import Response, get, post
from litestar.exceptions import NotFoundException

from app.core import clock, logs
from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.pubsub import Broken
from app.core.schedule import Runs, is_silent
from app.web.guards import everyone
from app.web.http import HtmlResponse, Request
from app.web.live import Live
from app.web.metrics import Meter, exposition

log = logs.get("health")
WORKER_KEY = "worker"  # after the bus's prefix; a worker renews it every few seconds


@get("/health", opt=everyone(anonymous=True), include_in_schema=False)
async def health() -> dict[str, str]:
    return {"status": "alive"}


@get("/health/ready", opt=everyone(anonymous=True), include_in_schema=False)
async def ready(request: Request) -> Response[dict[str, str]]:
    """503 only without PostgreSQL: without Redis or worker people can still book."""
    state = request.app.state
    database = await _database(state.database)
    told = {"database": database, **await _redis_and_worker(state.after)}
    if told["redis"] == "down" and database == "up":
        told["worker"] = await _worker_by_its_work(state.database)
    return Response(told, status_code=200 if database == "up" else 503, headers={"cache-control": "no-store"})


@get("/metrics", opt=everyone(anonymous=True), include_in_schema=False)
async def metrics(request: Request) -> HtmlResponse:
    """Prometheus text of all processes; for this machine, or with METRICS_TOKEN as bearer."""
    if not _may_measure(request):
        raise NotFoundException()
    state = request.app.state
    meter: Meter = state.meter
    await meter.say(_of_this_process(state))
    requests, gauges = await meter.everybody()
    told: dict[str, tuple[str, float | dict[str, float]]] = {
        "doorstep_redis_up": ("1 while Redis answers", float(state.after.bus.up)),
        "doorstep_streams_open": ("Open live streams", gauges.get("streams", _of_this_process(state)["streams"])),
        "doorstep_database_connections_in_use": (
            "Connections of the pools that are in use",
            gauges.get("connections", _of_this_process(state)["connections"]),
        ),
        **await state.waiting_work(),
    }
    body = exposition(requests, told)
    return Response(body, media_type="text/plain; version=0.0.4", headers={"cache-control": "no-store"})


def _of_this_process(state: Any) -> dict[str, float]:
    live: Live = state.live
    pool: Any = state.database.engine.pool
    return {"streams": float(live.count), "connections": float(pool.checkedout())}


@post(
    "/csp-report",
    opt=everyone(anonymous=True, csrf=False),
    include_in_schema=False,
    status_code=204,
    request_max_body_size=20_000,
)
async def csp_report(request: Request) -> None:
    """A page of ours asked for something its policy refuses: that is a mistake of ours, so it is logged."""
    said = (await request.body()).decode("utf-8", "replace")
    directive = said.partition('"effective-directive":"')[2].partition('"')[0]
    log.warning("content policy refused something", directive=directive[:60])


async def _database(database: Database) -> str:
    try:
        async with asyncio.timeout(2):
            await database.ping()
    except Exception:
        return "down"
    return "up"


async def _redis_and_worker(after: AfterCommit) -> dict[str, str]:
    if not after.bus.up:
        return {"redis": "down", "worker": "unknown"}
    try:
        seen = await after.bus.redis.get(after.bus.prefix + WORKER_KEY)
    except Broken as problem:
        after.bus.lost(problem)
        return {"redis": "down", "worker": "unknown"}
    return {"redis": "up", "worker": "up" if seen else "down"}


async def _worker_by_its_work(database: Database) -> str:
    """Without Redis no sign of life is heard; but the timetable goes on, and something is due every minute."""
    try:
        async with asyncio.timeout(2), database.reading() as db:
            heard = await Runs(db).last_heard()
    except Exception:
        return "unknown"
    return "down" if is_silent(heard, clock.now()) else "up"


def _may_measure(request: Request) -> bool:
    token: str | None = request.app.state.settings.metrics_token
    if token:
        return secrets.compare_digest(request.headers.get("authorization", "").encode(), f"Bearer {token}".encode())
    direct = "x-forwarded-for" not in request.headers and request.client is not None
    return direct and ipaddress.ip_address(request.client.host).is_loopback  # type: ignore[union-attr]
