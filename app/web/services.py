"""What the web layer uses for as long as the process lives; `app.services.compose` makes it once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.web.context import Connection

if TYPE_CHECKING:  # these modules read the services themselves
    from sqlalchemy.ext.asyncio import AsyncSession

    from app.core.after_commit import AfterCommit
    from app.core.db import Database
    from app.core.encryption import Encryption
    from app.core.rate_limiter import RateLimiter
    from app.core.storage import Storage
    from app.settings import Settings
    from app.web.api_limits import ApiLimits
    from app.web.live import LiveStreams
    from app.web.metrics import RequestMetrics
    from app.web.page_cache import PageCache
    from app.web.panels import Panel
    from app.web.security import Cookies, Csrf
    from app.web.static import Assets
    from app.web.templating import Templates

# Name → (help text, value or values by label), as Prometheus wants them.
Gauges = dict[str, tuple[str, float | dict[str, float]]]


@dataclass(slots=True, kw_only=True)
class WebServices:
    """One per application, stored as `app.state.services`; read it with `services_of`."""

    settings: Settings
    database: Database
    after_commit: AfterCommit
    encryption: Encryption
    storage: Storage
    cookies: Cookies
    csrf: Csrf
    assets: Assets
    templates: Templates
    page_cache: PageCache
    api_cache: PageCache  # of its own, so that programs do not push out the visitors' pages
    rate_limiter: RateLimiter
    api_limits: ApiLimits
    request_metrics: RequestMetrics
    live: LiveStreams
    # What higher rooms add to lower rooms' pages, in order.
    panels: tuple[Panel, ...]
    # Counts beside the admin navigation by address, and whether no worker works.
    admin_counts: Callable[[AsyncSession], Awaitable[tuple[dict[str, str], bool]]]
    # Brings up to date what every page shows besides its own data.
    refresh_shared: Callable[[], Awaitable[None]]
    # Depth of the outbox and the queues, age of the worker's last sign of life.
    worker_gauges: Callable[[], Awaitable[Gauges]]


def services_of(connection: Connection) -> WebServices:
    """The services of the application that answers this request."""
    services: WebServices = connection.app.state.services
    return services
