"""Measure the JSON API of one web process against the bare framework returning prepared bytes of the same size.

Requests come with many tokens and from many networks, so that rate limits are counted but never reached. `book`
creates and pays a new booking at a free slot each time.
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
from bench.load import HOST, SUCCESS_STATUSES
from bench.pages import COLUMNS, CONNECTION_COUNT, Page, measure, sizes
from bench.processes import bare, settings, web
from bench.servers import UNREACHABLE_REDIS_URL, BenchServers, temporary_servers
from bench.statements import record_statements
from bench.tables import print_table
from bench.town import ADYAR, Town, build, sign_in

BOOKING_PATH = "/api/request/service"
CONFLICT_STATUS = b"409"  # the slot was taken: every query ran, but no row was written
CATALOGUE_ROWS = 60
TOKEN_COUNT = 200  # each is limited to 600 requests a minute
CARD_PAYMENT = {"method": "card", "card_number": "4242 4242 4242 4242", "expiry": "08/40", "cvv": "123"}
WEEK_OFFSETS_DAYS = (0, 7)  # first days of the weeks whose free starts are booked
START_STEP = 6  # use every sixth free start, three hours apart, so that bookings do not conflict


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
                rows = uvloop.run(measure(pages, framework, args.seconds, args.rounds))
    print_table(
        f"The API at {CONNECTION_COUNT} connections, medians of {args.rounds} runs of {args.seconds:g} s",
        ("endpoint", *COLUMNS[1:]),
        rows,
    )
    booked = sum((result.statuses for result, _ in pages[-1].runs), Counter[bytes]())
    print(f"Bookings: {booked[b'201']} created, {booked[CONFLICT_STATUS]} slots already taken.")


async def _endpoints(servers: BenchServers, town: Town, port: int) -> list[Page]:
    database = Database(servers.app)
    try:
        own, jobs = await _tokens(database, [town.customer]), await _tokens(database, [town.professional])
        async with database.work() as db:
            ids = await db.scalars(text("SELECT id FROM users WHERE role = 'customer' ORDER BY id LIMIT 200"))
            customers = list(ids)
        customer_tokens = await _tokens(database, customers)
    finally:
        await database.close()
    catalogue = f"/api/services?limit={CATALOGUE_ROWS}"
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers={"host": HOST}, timeout=60) as client:
        answer = await client.get(catalogue)
        service = answer.json()["items"][0]["id"]
    read_pages = {
        "catalogue": (catalogue, [""], ""),
        "unchanged": (catalogue, [""], answer.headers["etag"]),
        "with-token": (catalogue, own, ""),
        "service": ("/api/service/leaking%20tap", [""], ""),
        "slots": (f"/api/services/{service}/slots?pincode={ADYAR}", [""], ""),
        "own-bookings": (f"/api/request/service/{town.customer}", own, ""),
        "job-list": (f"/api/servicerequest/{town.professional}", jobs, ""),
    }
    pages = [
        Page(
            name,
            "304" if etag else "token" if tokens[0] else "visitor",
            path,
            "",
            "",
            make_request=_request_maker("GET", path, tokens, etag=etag),
            accepted_statuses=(b"304",) if etag else SUCCESS_STATUSES,
        )
        for name, (path, tokens, etag) in read_pages.items()
    ]
    orders = _orders(await _free_starts(port))
    make_request = _request_maker("POST", BOOKING_PATH, customer_tokens, orders)
    pages.append(
        Page(
            "book",
            "token",
            BOOKING_PATH,
            "",
            "",
            make_request=make_request,
            accepted_statuses=(b"201", CONFLICT_STATUS),
        )
    )
    first_tokens = {name: tokens[0] for name, (_, tokens, _etag) in read_pages.items()} | {"book": customer_tokens[0]}
    await _count_queries(servers, pages, first_tokens, orders)
    return pages


async def _tokens(database: Database, user_ids: Sequence[int]) -> list[str]:
    """Create TOKEN_COUNT tokens, for these users in turn."""
    return [
        await sign_in(database, user_id, SessionKind.TOKEN)
        for user_id, _ in zip(cycle(user_ids), range(TOKEN_COUNT), strict=False)
    ]


def _request_maker(
    method: str, path: str, tokens: Sequence[str], bodies: Iterator[bytes] | None = None, etag: str = ""
) -> Callable[[], bytes]:
    """Return a function that builds the next request, with the next token and network."""
    next_token, networks = cycle(tokens), cycle(range(1 << 16))

    def make_request() -> bytes:
        body, token, number = next(bodies) if bodies else b"", next(next_token), next(networks)
        head = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", "Accept: application/json", "Accept-Encoding: gzip, br"]
        head += [f"X-Forwarded-For: 10.{number >> 8}.{number & 255}.1"]
        head += [f"Authorization: Bearer {token}"] if token else []
        head += [f"If-None-Match: {etag}"] if etag else []
        head += ["Content-Type: application/json", f"Content-Length: {len(body)}"] if body else []
        return "\r\n".join([*head, "", ""]).encode() + body

    return make_request


async def _free_starts(port: int) -> list[dict[str, Any]]:
    """Return free starts of many services, in random order."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers={"host": HOST}, timeout=60) as client:
        services = (await client.get("/api/services?limit=100")).json()["items"]
        orders_by_slot: dict[tuple[str, str], dict[str, Any]] = {}
        for number, service in enumerate(services * len(WEEK_OFFSETS_DAYS)):
            day = clock.today().fromordinal(clock.today().toordinal() + WEEK_OFFSETS_DAYS[number // len(services)])
            params = {"pincode": ADYAR, "day": day.isoformat()}
            response = await client.get(
                f"/api/services/{service['id']}/slots", params=params, headers={"x-forwarded-for": f"11.0.{number}.1"}
            )
            starts = (
                [start for day_slots in response.json()["days"] for start in day_slots["slots"]]
                if response.is_success
                else []
            )
            for start in starts[::START_STEP]:  # one booking per trade and time
                orders_by_slot.setdefault((service["category"], start), {"service_id": service["id"], "start": start})
    orders = list(orders_by_slot.values())
    random.Random(1).shuffle(orders)
    return orders


def _orders(free_starts: Sequence[dict[str, Any]]) -> Iterator[bytes]:
    details = {"address": "Flat 3B, 12 Main Road", "pincode": ADYAR, "payment": CARD_PAYMENT}
    return (json.dumps({**start, **details}).encode() for start in free_starts)


async def _count_queries(
    servers: BenchServers, pages: Sequence[Page], tokens: dict[str, str], orders: Iterator[bytes]
) -> None:
    """Count the queries of a second request in a process without a cache."""
    app = create_app(Settings.from_env({**settings(servers, redis=UNREACHABLE_REDIS_URL), "LOG_LEVEL": "warning"}))
    database: Database = app.state.services.database
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # Litestar's types are narrower
    async with httpx.AsyncClient(transport=transport, base_url=f"https://{HOST}") as client:
        for page in pages:
            headers = {"content-type": "application/json"}
            headers |= {"authorization": f"Bearer {tokens[page.name]}"} if tokens[page.name] else {}
            for _ in range(2):
                body, method = (next(orders), "POST") if page.path == BOOKING_PATH else (b"", "GET")
                with record_statements(database) as queries:
                    (await client.request(method, page.path, headers=headers, content=body)).raise_for_status()
                page.queries = len(queries)
    await database.close()
