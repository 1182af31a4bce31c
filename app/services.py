"""The services of a process: made once by `compose`, injected by name into handlers and handed to every task."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from litestar.di import Provide

import app.models  # noqa: F401  rows of one room refer to rows of others: all tables must be known
from app.accounts import auth
from app.accounts.session import Sessions
from app.accounts.user import Role
from app.bookings import labels
from app.cases import labels as case_labels
from app.core import clock
from app.core.admin_audience import ADMIN_AUDIENCE
from app.core.after_commit import AfterCommit
from app.core.cache import Cache
from app.core.db import Database
from app.core.encryption import Encryption
from app.core.rate_limiter import RateLimiter
from app.core.secrets import Passwords
from app.core.storage import Storage
from app.discovery.unmet_searches import UnmetSearchCounter
from app.invoices.supplier import DOORSTEP
from app.listeners import install_listeners
from app.operations.worker_health import worker_gauges
from app.panels import PANELS
from app.receipts.qr_code import qr_svg
from app.reports.today_repository import navigation_counts
from app.scheduling.repository import Schedules
from app.settings import Settings
from app.site_settings.contacts import Contacts, ContactsInMemory, default_contacts
from app.web import render
from app.web.api_limits import ApiLimits
from app.web.context import context_of
from app.web.http import Request
from app.web.live import LiveStreams
from app.web.metrics import RequestMetrics
from app.web.page_cache import PageCache
from app.web.security import Cookies, Csrf
from app.web.services import WebServices, services_of
from app.web.static import Assets
from app.web.templating import Templates
from app.web.unit_of_work import unit_of_work

# Fields of Services that handlers ask for by name.
INJECTED = ("database", "after_commit", "encryption", "passwords", "settings", "storage", "unmet_searches")


@dataclass(slots=True, kw_only=True)
class Services(WebServices):
    """What the web layer uses, and what the rooms alone use."""

    passwords: Passwords
    unmet_searches: UnmetSearchCounter

    async def start(self) -> None:
        """Connect to Redis and begin the background loops of a web process."""
        await self.after_commit.start()
        await self.request_metrics.start()
        await self.live.start()
        await self.unmet_searches.start()
        await self.refresh_shared()

    async def stop(self) -> None:
        """Stop streams and loops, flush counters, close connections."""
        await self.live.stop()
        await self.request_metrics.stop()
        await self.unmet_searches.stop()
        await self.after_commit.stop()
        await self.database.close()


def page_templates(
    assets: Assets | None = None,
    csrf: Csrf | None = None,
    contacts: Callable[[], Contacts] = Contacts,
    *,
    site: str = "",
    reload: bool = False,
) -> Templates:
    """The templates of pages and emails, with the labels of bookings and cases.

    Pages need `csrf`, and `site`, our own address, for what is printed; emails do not.
    """
    more_globals = {
        "booking_labels": labels,
        "case_labels": case_labels,
        "contacts": contacts,
        "verification_qr": lambda path: qr_svg(site + path),
        **(render.csrf_globals(csrf) if csrf else {}),
    }
    return Templates(assets, reload=reload, more_globals=more_globals)


def compose(
    settings: Settings, *, application_name: str = "doorstep", statement_timeout: int | None = None
) -> Services:
    """Make the services for web, worker, commands and tests; nothing connects until it is used.

    `application_name` is shown by pg_stat_activity; `statement_timeout` in seconds, None for the usual one.
    """
    install_listeners()
    DOORSTEP.configure(settings)
    timeout = {} if statement_timeout is None else {"statement_timeout": statement_timeout}
    database = Database(settings.database_url, application_name=application_name, **timeout)
    after_commit = AfterCommit(settings.redis_url)
    encryption = Encryption(settings.secret_key, settings.secret_key_previous, settings.receipt_signing_key)
    cookies = Cookies(https=settings.https)
    csrf = Csrf(encryption, cookies)
    assets = Assets(reload=settings.development)
    rate_limiter = RateLimiter(after_commit.bus)
    contacts = ContactsInMemory(database, after_commit.cache, default_contacts(settings))
    return Services(
        settings=settings,
        database=database,
        after_commit=after_commit,
        encryption=encryption,
        storage=Storage(settings.uploads_dir),
        cookies=cookies,
        csrf=csrf,
        assets=assets,
        templates=page_templates(assets, csrf, contacts.current, site=settings.base_url, reload=settings.development),
        page_cache=PageCache(after_commit.cache),
        api_cache=PageCache(after_commit.cache),
        rate_limiter=rate_limiter,
        api_limits=ApiLimits(rate_limiter, settings.trusted_proxies),
        request_metrics=RequestMetrics(after_commit.bus),
        live=LiveStreams(after_commit.bus, partial(_audiences_of, database), partial(_changed_sessions, database)),
        panels=PANELS,
        admin_counts=navigation_counts,
        refresh_shared=contacts.refresh,
        worker_gauges=partial(worker_gauges, database, after_commit),
        passwords=Passwords(encryption, cheap=settings.env == "test"),
        unmet_searches=UnmetSearchCounter(database),
    )


def dependencies() -> dict[str, Provide]:
    """The dependencies that handlers request by parameter name. Only `db` is a generator (app.web.unit_of_work)."""
    return {
        "db": Provide(unit_of_work),
        "me": Provide(_me, sync_to_thread=False),
        "cache": Provide(_cache, sync_to_thread=False),
        **{name: _service(name) for name in INJECTED},
    }


def _service(name: str) -> Provide:
    def provide(request: Request) -> Any:
        return getattr(services_of(request), name)

    return Provide(provide, sync_to_thread=False)


def _me(request: Request) -> auth.Me | None:
    return cast("auth.Me | None", context_of(request).user)  # AccessGuard loads it with auth.load


def _cache(request: Request) -> Cache:
    return services_of(request).after_commit.cache


async def _changed_sessions(database: Database, session_ids: list[int], are_blocked: list[bool]) -> list[int]:
    return await Sessions(database).changed(session_ids, are_blocked, clock.now())


async def _audiences_of(database: Database, me: auth.Me) -> list[str]:
    """The audiences of a user's open pages: professionals also get their area's events, admins all events."""
    if me.role == Role.ADMIN and me.blocked is None:
        return [f"user:{me.id}", ADMIN_AUDIENCE]
    if me.role != Role.PROFESSIONAL or me.blocked is not None:
        return [f"user:{me.id}"]
    async with database.work() as db:
        return [f"user:{me.id}", *(f"area:{pincode}" for pincode in await Schedules(db, me).pincodes())]
