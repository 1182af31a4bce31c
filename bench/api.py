"""The JSON API of one web process against the bare framework that returns ready bytes of the same size.

As programs ask: with tokens of many people and from many networks, so that the budgets are counted for each request and
none is used up. `book` makes and pays a new booking each time, at a time that was free.
"""

import argparse
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from typing import Any

import httpx
import uvloop
from sqlalchemy import text

from app.accounts.session import SessionKind
from app.core import clock
from app.core.db import Database
from app.main import create_app
from app.settings import Settings
from bench.load import HOST
from bench.pages import CONNECTIONS, HEAD, Page, measure, sizes
from bench.processes import bare, settings, web
from bench.servers import UNREACHABLE_REDIS_URL, BenchServers, temporary_servers
from bench.slots import statements
from bench.tables import show
from bench.town import ADYAR, Town, build, sign_in

BOOK = "/api/request/service"
CONFLICT = b"409"  # no row is written then, but all was asked
PEOPLE = 200  # tokens: a budget of 600 requests a minute each
CARD = {"method": "card", "card_number": "4242 4242 4242 4242", "expiry": "08/40", "cvv": "123"}
WEEKS = (0, 7)  # days from today on which a week of free starts begins
START_STEP = 6  # of the free starts every sixth is asked for: three hours, so that nobody takes another's


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--professionals", type=int, default=300)
    parser.add_argument("--bookings", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each run")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each; the medians are shown")


def run(args: argparse.Namespace) -> None:
    with temporary_servers() as servers:
        town = build(servers, professionals=args.professionals, bookings=args.bookings)
        with web(servers, TRUSTED_PROXIES="1") as process:
            pages = uvloop.run(_endpoints(servers, town, process.port))
            for page in pages:
                page.process = process
            uvloop.run(sizes(pages))
            with bare({page.name: page.size for page in pages}) as framework:
                shown = uvloop.run(measure(pages, framework, args.seconds, args.rounds))
    show(
        f"The API at {CONNECTIONS} connections, medians of {args.rounds} runs of {args.seconds:g} s",
        ("endpoint", *HEAD[1:]),
        shown,
    )
    booked = sum((pressed.said for pressed, _ in pages[-1].runs), Counter[bytes]())
    print(f"Bookings: {booked[b'201']} were made, {booked[CONFLICT]} times were taken by then.")


async def _endpoints(servers: BenchServers, town: Town, port: int) -> list[Page]:
    database = Database(servers.app)
    try:
        own, jobs = await _tokens(database, [town.customer]), await _tokens(database, [town.professional])
        async with database.work() as db:
            others = await db.scalars(text("SELECT id FROM users WHERE role = 'customer' ORDER BY id LIMIT 200"))
            customers = list(others)
        everybody = await _tokens(database, customers)
    finally:
        await database.close()
    read_pages = {
        "catalogue": ("/api/services?limit=50", [""]),
        "service": ("/api/service/leaking%20tap", [""]),
        "own-bookings": (f"/api/request/service/{town.customer}", own),
        "job-list": (f"/api/servicerequest/{town.professional}", jobs),
    }
    pages = [
        Page(name, "token" if tokens[0] else "visitor", path, "", "", ask=_request_maker("GET", path, tokens))
        for name, (path, tokens) in read_pages.items()
    ]
    orders = _orders(await _free_starts(port))
    ask = _request_maker("POST", BOOK, everybody, orders)
    pages.append(Page("book", "token", BOOK, "", "", ask=ask, fine=(b"201", CONFLICT)))
    first = {name: tokens[0] for name, (_, tokens) in read_pages.items()} | {"book": everybody[0]}
    await _count_queries(servers, pages, first, orders)
    return pages


async def _tokens(database: Database, people: Sequence[int]) -> list[str]:
    """Sign in PEOPLE times in all, these people in turn."""
    return [
        await sign_in(database, person, SessionKind.TOKEN)
        for person, _ in zip(cycle(people), range(PEOPLE), strict=False)
    ]


def _request_maker(
    method: str, path: str, tokens: Sequence[str], bodies: Iterator[bytes] | None = None
) -> Callable[[], bytes]:
    """The next request, with the next token, from the next network."""
    next_token, networks = cycle(tokens), cycle(range(1 << 16))

    def ask() -> bytes:
        body, token, number = next(bodies) if bodies else b"", next(next_token), next(networks)
        head = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", "Accept: application/json", "Accept-Encoding: gzip, br"]
        head += [f"X-Forwarded-For: 10.{number >> 8}.{number & 255}.1"]
        head += [f"Authorization: Bearer {token}"] if token else []
        head += ["Content-Type: application/json", f"Content-Length: {len(body)}"] if body else []
        return "\r\n".join([*head, "", ""]).encode() + body

    return ask


async def _free_starts(port: int) -> list[dict[str, Any]]:
    """Times of many services that somebody has, by chance."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers={"host": HOST}, timeout=60) as client:
        services = (await client.get("/api/services?limit=100")).json()["items"]
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for number, service in enumerate(services * len(WEEKS)):
            day = clock.today().fromordinal(clock.today().toordinal() + WEEKS[number // len(services)])
            params = {"pincode": ADYAR, "day": day.isoformat()}
            answer = await client.get(
                f"/api/services/{service['id']}/slots", params=params, headers={"x-forwarded-for": f"11.0.{number}.1"}
            )
            starts = [start for each in answer.json()["days"] for start in each["slots"]] if answer.is_success else []
            for start in starts[::START_STEP]:  # one booking of each trade at each time
                found.setdefault((service["category"], start), {"service_id": service["id"], "start": start})
    orders = list(found.values())
    random.Random(1).shuffle(orders)
    return orders


def _orders(free: Sequence[dict[str, Any]]) -> Iterator[bytes]:
    more = {"address": "Flat 3B, 12 Main Road", "pincode": ADYAR, "payment": CARD}
    return (json.dumps({**one, **more}).encode() for one in free)


async def _count_queries(
    servers: BenchServers, pages: Sequence[Page], tokens: dict[str, str], orders: Iterator[bytes]
) -> None:
    """In a process that keeps nothing, on its second look, so that what is prepared once is not counted."""
    app = create_app(Settings.from_env({**settings(servers, redis=UNREACHABLE_REDIS_URL), "LOG_LEVEL": "warning"}))
    database: Database = app.state.services.database
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # Litestar's types are narrower
    async with httpx.AsyncClient(transport=transport, base_url=f"https://{HOST}") as client:
        for page in pages:
            headers = {"content-type": "application/json"}
            headers |= {"authorization": f"Bearer {tokens[page.name]}"} if tokens[page.name] else {}
            for _ in range(2):
                body, method = (next(orders), "POST") if page.path == BOOK else (b"", "GET")
                with statements(database) as params:
                    (await client.request(method, page.path, headers=headers, content=body)).raise_for_status()
                page.queries = len(params)
    await database.close()
