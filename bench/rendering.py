"""Measure the CPU of whole pages and of their templates, compiled as the application does and as plain Jinja does.

The application runs in this process without a cache; the client's share of a page is about 0.15 ms.
"""

import argparse
import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx
from babel.support import NullTranslations
from jinja2 import Template
from jinja2.compiler import CodeGenerator
from litestar import Litestar

from app.core.db import Database
from app.main import create_app
from app.settings import Settings
from app.web.template_compiler import LanguageEnvironment
from app.web.templating import Templates
from bench.growth import ADMIN, COOKIE
from bench.load import HOST
from bench.processes import settings
from bench.servers import UNREACHABLE_REDIS_URL, BenchServers, temporary_servers
from bench.tables import median_of, percent, print_table
from bench.town import ADYAR, Town, build, sign_in

COLUMNS = (
    "page",
    "bytes",
    "page, CPU ms",
    "with plain Jinja",
    "templates, CPU ms",
    "with plain Jinja",
    "of plain Jinja",
)
WARM_UP = 3  # requests that compile, and fill the caches of formats


class PlainTemplates(Templates):
    """The templates as Jinja itself compiles and calls them."""

    @classmethod
    def like(cls, templates: Templates) -> "PlainTemplates":
        """The same templates and globals."""
        plain = cls.__new__(cls)
        plain.__dict__.update(templates.__dict__, _environments={})
        return plain

    def _create(self, catalogue: NullTranslations, plain_text: bool) -> LanguageEnvironment:
        env = super()._create(catalogue, plain_text)
        env.code_generator_class, env.template_class, env.bytecode_cache = CodeGenerator, Template, None
        return env


class TimedTemplates:
    """Templates for a request; `spent_ms` is the CPU of all that they render."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self.spent_ms = 0.0

    def get_template(self, name: str) -> "TimedTemplate":
        return TimedTemplate(self, self._templates.get_template(name))


@dataclass(slots=True)
class TimedTemplate:
    templates: TimedTemplates
    template: Template

    def render(self, context: dict[str, Any]) -> str:
        started = time.process_time()
        text = self.template.render(context)
        self.templates.spent_ms += (time.process_time() - started) * 1000
        return text


@dataclass(slots=True)
class Measured:
    """Milliseconds of CPU of each request, and of rendering in it."""

    pages: list[float] = field(default_factory=list)
    templates: list[float] = field(default_factory=list)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--professionals", type=int, default=300)
    parser.add_argument("--bookings", type=int, default=20_000)
    parser.add_argument("--times", type=int, default=60, help="requests of each page and kind")


def run(args: argparse.Namespace) -> None:
    with temporary_servers() as servers:
        town = build(servers, professionals=args.professionals, bookings=args.bookings)
        rows = asyncio.run(_measure(servers, town, args.times))
    print_table(f"Rendering, medians of {args.times}", COLUMNS, rows)


async def _measure(servers: BenchServers, town: Town, times: int) -> list[tuple[Any, ...]]:
    environment = settings(servers, redis=UNREACHABLE_REDIS_URL) | {"LOG_LEVEL": "error"}
    app = create_app(Settings.from_env(environment))
    database: Database = app.state.services.database
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # Litestar's types are narrower
    try:
        async with httpx.AsyncClient(transport=transport, base_url=f"https://{HOST}", timeout=60) as client:
            return [
                await _compare(app, client, name, path, cookie, times)
                for name, path, cookie in await _pages(servers, database, town)
            ]
    finally:
        await database.close()


async def _pages(servers: BenchServers, database: Database, town: Town) -> list[tuple[str, str, str]]:
    """(name, path, cookie) of each page."""
    owner = await asyncpg.connect(servers.owner)
    try:
        admin = COOKIE + await sign_in(database, await owner.fetchval(ADMIN))
    finally:
        await owner.close()
    customer = COOKIE + await sign_in(database, town.customer)
    professional = COOKIE + await sign_in(database, town.professional)
    return [
        ("home", f"/?pincode={ADYAR}", ""),
        ("results", f"/services?q=leak&pincode={ADYAR}", ""),
        ("service", f"/services/{town.service}?pincode={ADYAR}", ""),
        ("help", "/help", ""),
        ("booking", f"/bookings/{town.reference}", customer),
        ("bookings", "/bookings", customer),
        ("jobs", "/jobs", professional),
        ("admin: start page", "/admin", admin),
        ("admin: bookings", "/admin/bookings", admin),
        ("admin: professionals", "/admin/professionals", admin),
    ]


async def _compare(
    app: Litestar, client: httpx.AsyncClient, name: str, path: str, cookie: str, times: int
) -> tuple[Any, ...]:
    """Request the page in turn with each kind of templates, so that both see the same load of the machine."""
    own: Templates = app.state.services.templates
    kinds = [(TimedTemplates(templates), Measured()) for templates in (own, PlainTemplates.like(own))]
    size = 0
    try:
        for number in range(times + WARM_UP):
            for timed, measured in kinds:
                app.state.services.templates = timed
                timed.spent_ms, started = 0.0, time.process_time()
                response = await client.get(path, headers={"cookie": cookie} if cookie else {})
                elapsed = (time.process_time() - started) * 1000
                response.raise_for_status()
                size = len(response.content)
                if number >= WARM_UP:
                    measured.pages.append(elapsed)
                    measured.templates.append(timed.spent_ms)
    finally:
        app.state.services.templates = own
    pages = [median_of(measured.pages) for _, measured in kinds]
    templates = [median_of(measured.templates) for _, measured in kinds]
    return name, size, *pages, *templates, percent(*templates)
