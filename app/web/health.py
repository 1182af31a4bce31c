"""Health checks, metrics, and the reports of browsers about the content security policy."""

import asyncio
import ipaddress
import secrets
from typing import Any

from litestar import Response, get, post
from litestar.exceptions import NotFoundException

from app.core import clock, logs
from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.pubsub import DEMO_KEY, REDIS_ERRORS
from app.core.schedule import ScheduleRuns, is_worker_stale
from app.web.guards import everyone
from app.web.http import HtmlResponse, Request
from app.web.live import LiveStreams
from app.web.metrics import exposition
from app.web.services import WebServices, services_of

log = logs.get_logger("health")
WORKER_KEY = "worker"  # after the bus's prefix; a worker renews it every few seconds


@get("/health", opt=everyone(anonymous=True), include_in_schema=False)
async def health() -> dict[str, str]:
    return {"status": "alive"}


@get("/health/ready", opt=everyone(anonymous=True), include_in_schema=False)
async def ready(request: Request) -> Response[dict[str, str]]:
    """503 only without PostgreSQL: bookings work without Redis and the worker.

    `demo` is there only where a demo town is: "filling" while its older bookings are written, then "ready".
    """
    services = services_of(request)
    database = await _database(services.database)
    health = {"database": database, **await _redis_and_worker(services.after_commit)}
    if health["redis"] == "down" and database == "up":
        health["worker"] = await _worker_by_schedule(services.database)
    return Response(health, status_code=200 if database == "up" else 503, headers={"cache-control": "no-store"})


@get("/metrics", opt=everyone(anonymous=True), include_in_schema=False)
async def metrics(request: Request) -> HtmlResponse:
    """Prometheus text of all processes; for loopback clients, or with METRICS_TOKEN as bearer token."""
    if not _may_read_metrics(request):
        raise NotFoundException()
    services = services_of(request)
    await services.request_metrics.publish_gauges(_process_gauges(services))
    requests, gauges = await services.request_metrics.totals()
    all_gauges: dict[str, tuple[str, float | dict[str, float]]] = {
        "doorstep_redis_up": ("1 if Redis answers, else 0", float(services.after_commit.bus.up)),
        "doorstep_streams_open": ("Open live streams", gauges.get("streams", _process_gauges(services)["streams"])),
        "doorstep_database_connections_in_use": (
            "Database connections in use",
            gauges.get("connections", _process_gauges(services)["connections"]),
        ),
        **await services.worker_gauges(),
    }
    body = exposition(requests, all_gauges)
    return Response(body, media_type="text/plain; version=0.0.4", headers={"cache-control": "no-store"})


def _process_gauges(services: WebServices) -> dict[str, float]:
    live: LiveStreams = services.live
    pool: Any = services.database.engine.pool
    return {"streams": float(live.count), "connections": float(pool.checkedout())}


@post(
    "/csp-report",
    opt=everyone(anonymous=True, csrf=False),
    include_in_schema=False,
    status_code=204,
    request_max_body_size=20_000,
)
async def csp_report(request: Request) -> None:
    """Log what a page tried to load against its policy: that is a defect of the page."""
    report = (await request.body()).decode("utf-8", "replace")
    directive = report.partition('"effective-directive":"')[2].partition('"')[0]
    log.warning("content security policy violated", directive=directive[:60])


async def _database(database: Database) -> str:
    try:
        async with asyncio.timeout(2):
            await database.ping()
    except Exception:
        return "down"
    return "up"


async def _redis_and_worker(after_commit: AfterCommit) -> dict[str, str]:
    if not after_commit.bus.up:
        return {"redis": "down", "worker": "unknown"}
    try:
        keys = [after_commit.bus.prefix + key for key in (WORKER_KEY, DEMO_KEY)]
        heartbeat, demo = await after_commit.bus.redis.mget(keys)
    except REDIS_ERRORS as error:
        after_commit.bus.mark_down(error)
        return {"redis": "down", "worker": "unknown"}
    found = {"redis": "up", "worker": "up" if heartbeat else "down"}
    return found | {"demo": demo} if demo else found


async def _worker_by_schedule(database: Database) -> str:
    """Without Redis there are no heartbeats; but scheduled tasks run, and one is due every minute."""
    try:
        async with asyncio.timeout(2), database.reading() as db:
            last_started = await ScheduleRuns(db).last_started_at()
    except Exception:
        return "unknown"
    return "down" if is_worker_stale(last_started, clock.now()) else "up"


def _may_read_metrics(request: Request) -> bool:
    token: str | None = services_of(request).settings.metrics_token
    if token:
        return secrets.compare_digest(request.headers.get("authorization", "").encode(), f"Bearer {token}".encode())
    direct = "x-forwarded-for" not in request.headers and request.client is not None
    return direct and ipaddress.ip_address(request.client.host).is_loopback  # type: ignore[union-attr]
