"""The virtual users of the soak: visitors, customers, professionals and an admin, who use the pages and the API."""

import asyncio
import html
import json
import random
import re
import time
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import asyncpg
import httpx

from app.accounts.session import SessionKind
from app.core.db import Database
from bench.load import HEAD_END, HOST, request
from bench.pages import COOKIE
from bench.servers import BenchServers
from bench.tables import quantile
from bench.town import sign_in

RESPONSE_TIMEOUT_SECONDS = 30.0
RETRY_SECONDS, RETRY_LATER = 3.0, 503
ADDRESS = "Flat 3B, 12 Main Road"
CARD = {"method": "card", "card_number": "4242 4242 4242 4242", "expiry": "08/40", "cvv": "123"}
PAYMENTS: tuple[dict[str, str], ...] = (CARD, {"method": "upi", "upi_id": "success@doorstep"}, {"method": "after"})
SEARCHES = ("leak", "cleaning", "ac gas", "wahsing machin", "sofa", "paint", "zzzz")
ADMIN_TABLES = (
    *("", "/bookings", "/professionals", "/customers", "/ledger", "/events", "/reviews", "/services", "/tasks"),
    *("/reports", "/bookings?state=requested", "/professionals?q=kumar"),
)
START, PROFESSIONAL = r'name="start" value="([^"]+)"', r'name="professional" value="(\d+)"'
CENTRAL_PINCODES = "SELECT pincode FROM coverage GROUP BY pincode ORDER BY count(*) DESC, pincode LIMIT 12"
COVERING = "SELECT DISTINCT professional_id FROM coverage WHERE pincode = ANY($1::text[])"
RESERVED_FOR = """
    SELECT r.professional_id FROM reservations r JOIN bookings b ON b.id = r.booking_id WHERE b.reference = $1
"""
IS_BLOCKED = "SELECT EXISTS (SELECT 1 FROM blocks WHERE user_id = $1 AND lifted_at IS NULL)"
ADMIN = """
    INSERT INTO users (role, email, full_name, phone, password_hash, email_verified_at, created_at)
    VALUES ('admin', 'admin@example.com', 'Meena Iyer', '+919999999999', 'none', now(), now()) RETURNING id
"""


class Abandoned(Exception):
    """The response does not let the user go on; what they were doing ends here."""


@dataclass(slots=True)
class RouteResult:
    """Responses of one kind of route: milliseconds, counts by status, and what failed."""

    elapsed: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        p50, p99 = round(quantile(self.elapsed, 0.5), 1), round(quantile(self.elapsed, 0.99), 1)
        return {"p50_ms": p50, "p99_ms": p99, "statuses": self.statuses, "failures": self.failures}


@dataclass(frozen=True, slots=True)
class Page:
    status: int
    text: str
    location: str

    def values(self, pattern: str) -> list[str]:
        return [html.unescape(value) for value in re.findall(pattern, self.text)]

    def choose(self, pattern: str) -> str:
        if not (values := self.values(pattern)):
            raise Abandoned
        return random.choice(values)

    def form(self, action: str) -> tuple[str, dict[str, str]]:
        """The address and the hidden fields of the form whose action begins with `action`."""
        found = re.search(rf'<form[^>]*\saction="({re.escape(action)}[^"]*)"[^>]*>(.*?)</form>', self.text, re.DOTALL)
        if found is None:
            raise Abandoned
        hidden = re.findall(r'<input type="hidden" name="([^"]+)"\s+value="([^"]*)"', found[2])
        return html.unescape(found[1]), {name: html.unescape(value) for name, value in hidden}


@dataclass(slots=True)
class Traffic:
    """What all virtual users share. `think` is the mean pause between two requests of a user, in seconds."""

    http: httpx.AsyncClient
    database: Database
    pool: "asyncpg.Pool[asyncpg.Record]"
    ports: tuple[int, ...]
    think: float
    until: float
    services: list[tuple[int, str]]
    pincodes: list[str]
    professionals: list[int]
    customers: list[int]
    admin: int
    results: dict[str, RouteResult] = field(default_factory=lambda: defaultdict(RouteResult))
    offers: deque[str] = field(default_factory=lambda: deque(maxlen=200))  # bookings just paid
    live_events: int = 0
    _networks: "count[int]" = field(default_factory=count)

    @classmethod
    async def open(cls, servers: BenchServers, ports: tuple[int, ...], think: float, seconds: float) -> "Traffic":
        pool = await asyncpg.create_pool(servers.owner, min_size=1, max_size=4)

        async def column(statement: str, *args: Any) -> list[Any]:
            return [row[0] for row in await pool.fetch(statement, *args)]

        services = await pool.fetch("SELECT id, slug FROM services WHERE retired_at IS NULL ORDER BY id")
        pincodes = await column(CENTRAL_PINCODES)
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        return cls(
            http=httpx.AsyncClient(timeout=RESPONSE_TIMEOUT_SECONDS, limits=limits, headers={"host": HOST}),
            database=Database(servers.app),
            pool=pool,
            ports=ports,
            think=think,
            until=time.monotonic() + seconds,
            services=[(row["id"], row["slug"]) for row in services],
            pincodes=pincodes,
            professionals=await column(COVERING, pincodes),
            customers=await column("SELECT id FROM users WHERE role = 'customer' ORDER BY id"),
            admin=await pool.fetchval(ADMIN),
        )

    async def close(self) -> None:
        await self.http.aclose()
        await self.database.close()
        await self.pool.close()

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.until

    async def pause(self) -> None:
        await asyncio.sleep(min(random.expovariate(1 / self.think), 5 * self.think))

    def visitor(self) -> "Browser":
        """Another network for each, so that rate limits are counted but never reached."""
        number = next(self._networks)
        return Browser(self, {"x-forwarded-for": f"10.{number >> 8 & 255}.{number & 255}.1"})

    async def signed_in(self, user_id: int, kind: SessionKind = SessionKind.BROWSER) -> "Browser":
        browser, token = self.visitor(), await sign_in(self.database, user_id, kind)
        is_browser = kind == SessionKind.BROWSER
        browser.headers |= {"cookie": COOKIE + token} if is_browser else {"authorization": f"Bearer {token}"}
        return browser

    async def signed_in_customer(self, reference: str) -> "Browser":
        return await self.signed_in(
            await self.pool.fetchval("SELECT customer_id FROM bookings WHERE reference = $1", reference)
        )

    async def send(self, kind: str, method: str, path: str, **options: Any) -> httpx.Response:
        """Send to one of the processes and count what comes."""
        result, started = self.results[kind], time.perf_counter()
        try:
            response = await self.http.request(method, f"http://127.0.0.1:{random.choice(self.ports)}{path}", **options)
        except httpx.TransportError as error:
            result.failures[type(error).__name__] += 1
            raise Abandoned from error
        result.elapsed.append((time.perf_counter() - started) * 1000)
        result.statuses[response.status_code] += 1
        is_retry_later = response.status_code == RETRY_LATER and "retry-after" in response.headers
        if response.status_code >= 500 and not is_retry_later:
            result.failures[str(response.status_code)] += 1
        return response


@dataclass(slots=True)
class Browser:
    """One visitor or signed-in user; requests are counted by `kind`."""

    traffic: Traffic
    headers: dict[str, str]

    async def get(self, kind: str, path: str) -> Page:
        """Abandoned unless the page is shown."""
        page = await self._page(kind, "GET", path)
        if page.status != 200:
            raise Abandoned
        await self.traffic.pause()
        return page

    async def submit(self, kind: str, page: Page, action: str, then: str, **fields: str) -> Page:
        """Send the page's form and follow the redirect, which counts as `then`; Abandoned when it is refused."""
        address, hidden = page.form(action)
        sent = await self._page(kind, "POST", address, data=hidden | fields)
        if sent.status not in (302, 303):
            raise Abandoned
        return await self.get(then, sent.location)

    async def api(self, kind: str, method: str, path: str, body: Any = None) -> Any:
        page = await self._page(kind, method, path, **({"json": body} if body is not None else {}))
        if page.status not in (200, 201):
            raise Abandoned
        await self.traffic.pause()
        return json.loads(page.text)

    async def _page(self, kind: str, method: str, path: str, **options: Any) -> Page:
        response = await self.traffic.send(kind, method, path, headers=self.headers, **options)
        location = response.headers.get("location", "")
        if response.status_code == RETRY_LATER:
            await asyncio.sleep(RETRY_SECONDS)
        return Page(response.status_code, response.text, location.removeprefix(f"https://{HOST}"))


Role = Callable[[Traffic], Awaitable[None]]


async def run_user(traffic: Traffic, role: Role) -> None:
    """Play the role again and again; what has begun is ended."""
    while not traffic.is_over:
        try:
            await role(traffic)
        except Abandoned:
            await traffic.pause()


async def visit(traffic: Traffic) -> None:
    visitor, pincode = traffic.visitor(), random.choice(traffic.pincodes)
    await visitor.get("home", "/")
    await visitor.get("results", f"/services?q={random.choice(SEARCHES)}&pincode={pincode}")
    service = f"/services/{random.choice(traffic.services)[1]}?pincode={pincode}"
    page = await visitor.get("service page", service)
    professional = page.choose(PROFESSIONAL)
    await visitor.get("service page of one professional", f"{service}&professional={professional}")
    await visitor.get("professional's page", f"/professionals/{professional}")


async def book_on_pages(traffic: Traffic) -> None:
    customer = await traffic.signed_in(random.choice(traffic.customers))
    (service, slug), pincode = random.choice(traffic.services), random.choice(traffic.pincodes)
    page = await customer.get("service page, signed in", f"/services/{slug}?pincode={pincode}")
    chosen = f"&professional={page.choose(PROFESSIONAL)}" if random.random() < 0.3 else ""
    if chosen:
        page = await customer.get("service page, signed in", f"/services/{slug}?pincode={pincode}{chosen}")
    start = page.choose(START)
    path = f"/bookings/new?service={service}&start={start}&pincode={pincode}{chosen}"
    page = await customer.get("new booking", path)
    page = await customer.submit(
        "hold", page, "/bookings", "payment", start=start, address=ADDRESS, pincode=pincode, address_id=""
    )
    reference = page.choose(r'action="/bookings/(\w{8})/payment"')
    await customer.submit("pay", page, f"/bookings/{reference}/payment", "booking", **random.choice(PAYMENTS))
    traffic.offers.append(reference)
    await customer.get("bookings list", "/bookings")
    await traffic.pause()
    share = random.random()
    if share < 0.15:
        page = await customer.get("reschedule form", f"/bookings/{reference}/reschedule")
        start = page.choose(START)
        await customer.submit("reschedule", page, f"/bookings/{reference}/reschedule", "booking", start=start)
    elif share < 0.3:
        page = await customer.get("cancel form", f"/bookings/{reference}/cancellation")
        await customer.submit("cancel", page, f"/bookings/{reference}/cancellation", "booking", reason="Not needed")


async def book_by_api(traffic: Traffic) -> None:
    user_id, pincode = random.choice(traffic.customers), random.choice(traffic.pincodes)
    customer, (service, _slug) = await traffic.signed_in(user_id, SessionKind.TOKEN), random.choice(traffic.services)
    slots = await customer.api("API slots", "GET", f"/api/services/{service}/slots?pincode={pincode}")
    if not (starts := [start for day in slots["days"] for start in day["slots"]]):
        raise Abandoned
    order = {"service_id": service, "start": random.choice(starts), "address": ADDRESS, "pincode": pincode}
    payment = random.choice(PAYMENTS)
    booking = await customer.api("API book", "POST", "/api/request/service", {**order, "payment": payment})
    traffic.offers.append(booking["ref"])
    await customer.api("API bookings", "GET", f"/api/request/service/{user_id}")


async def work(traffic: Traffic) -> None:
    """Answer an offer of the traffic, as the professional whose time is reserved for it, or any; then do the job."""
    reference = traffic.offers.popleft() if traffic.offers else ""
    reserved_for = await traffic.pool.fetchval(RESERVED_FOR, reference)
    professional = await traffic.signed_in(reserved_for or random.choice(traffic.professionals))
    page = await professional.get("job list", "/jobs")
    shown = page.values(r'action="/jobs/(\w{8})/acceptance"')
    if not shown:
        raise Abandoned
    reference = reference if reference in shown else random.choice(shown)
    if random.random() < 0.15:
        await professional.submit("pass", page, f"/jobs/{reference}/pass", "job list")
        return
    page = await professional.submit("accept", page, f"/jobs/{reference}/acceptance", "job")
    if random.random() < 0.15:
        page = await professional.get("job", f"/jobs/{reference}?do=return")
        reason = "The van broke down."
        await professional.submit("hand back", page, f"/jobs/{reference}/return", "job list", reason=reason)
    elif random.random() < 0.7:
        await do_job(traffic, professional, page, reference)


async def do_job(traffic: Traffic, professional: Browser, page: Page, reference: str) -> None:
    """Depart, start and finish early with the codes on the customer's page; the customer pays and reviews."""
    customer, job, booking = await traffic.signed_in_customer(reference), f"/jobs/{reference}", f"/bookings/{reference}"
    page = await professional.submit("depart", page, f"{job}/departure", "job", early="yes")
    code = (await customer.get("booking", booking)).choose(r'id="start-code" value="(\d{6})"')
    page = await professional.submit("start", page, f"{job}/start", "job", code=code, early="yes")
    code = (await customer.get("booking", booking)).choose(r'id="finish-code" value="(\d{6})"')
    await professional.submit("finish", page, f"{job}/completion", "job", code=code)
    page = await customer.get("booking", booking)
    if page.values(rf'href="({booking}/payment)"'):
        page = await customer.get("payment", f"{booking}/payment")
        page = await customer.submit("pay", page, f"{booking}/payment", "booking", **CARD)
    await customer.submit("review", page, f"{booking}/review", "booking", rating=str(random.randint(3, 5)), comment="")


async def administer(traffic: Traffic) -> None:
    """Some tables, an assignment, and now and then a block with its end, or an export. A new session stays fresh."""
    admin = await traffic.signed_in(traffic.admin)
    for path in random.sample(ADMIN_TABLES, 3):
        await admin.get("admin table", f"/admin{path}")
    share = random.random()
    if share < 0.25:
        await block_and_unblock(traffic, admin)
    elif share < 0.5:
        await export_bookings(admin)
    else:
        await assign(admin)


async def assign(admin: Browser) -> None:
    page = await admin.get("unassigned list", "/admin/dispatch")
    reference = page.choose(r'<tr id="booking-(\w{8})"')
    page = await admin.get("unassigned booking", f"/admin/dispatch/{reference}")
    await admin.submit("assign", page, f"/admin/dispatch/{reference}/assignment", "admin booking")


async def block_and_unblock(traffic: Traffic, admin: Browser) -> None:
    professional = random.choice(traffic.professionals)
    address = f"/admin/professionals/{professional}"
    page = await admin.get("block form", f"{address}/block")
    with suppress(Abandoned):
        await admin.submit("block", page, f"{address}/block", "admin record", reason="Complaints about late arrivals.")
    await asyncio.sleep(5 * traffic.think)
    while await traffic.pool.fetchval(IS_BLOCKED, professional):
        with suppress(Abandoned):
            page = await admin.get("unblock form", f"{address}/unblock")
            await admin.submit("unblock", page, f"{address}/unblock", "admin record", reason="Settled with customers.")


async def export_bookings(admin: Browser) -> None:
    page = await admin.get("export form", "/admin/exports?table=bookings")
    page = await admin.submit("export", page, "/admin/exports", "export page")
    reference = page.choose(r'id="export-(\w{8})"')
    for _ in range(30):
        page = await admin.get("export page", f"/admin/exports/{reference}")
        if page.values(rf'href="(/admin/exports/{reference}/file)"'):
            await admin.get("export file", f"/admin/exports/{reference}/file")
            return


async def follow(traffic: Traffic, number: int) -> None:
    """An open page of a customer or a professional: its event stream, opened again when it ends, until cancelled."""
    people = traffic.customers if number % 2 else traffic.professionals
    result = traffic.results["event stream"]
    while True:
        cookie = COOKIE + await sign_in(traffic.database, random.choice(people))
        try:
            async with asyncio.timeout(RESPONSE_TIMEOUT_SECONDS):
                reader, writer = await asyncio.open_connection("127.0.0.1", random.choice(traffic.ports))
                started = time.perf_counter()
                writer.write(request("/live", cookie))
                status = int((await reader.readuntil(HEAD_END)).split()[1])
        except (OSError, EOFError, TimeoutError) as error:
            result.failures[type(error).__name__] += 1
            await traffic.pause()
            continue
        result.elapsed.append((time.perf_counter() - started) * 1000)
        result.statuses[status] += 1
        try:
            if status == 200:
                await _receive(traffic, reader, result)
            else:
                await asyncio.sleep(RETRY_SECONDS)
        finally:
            writer.close()


async def _receive(traffic: Traffic, reader: asyncio.StreamReader, result: RouteResult) -> None:
    """Count events until the stream is ended. One that is silent for longer than its pings has failed."""
    while True:
        try:
            async with asyncio.timeout(RESPONSE_TIMEOUT_SECONDS):
                line = await reader.readline()
        except (OSError, TimeoutError) as error:
            result.failures[type(error).__name__] += 1
            return
        if not line:
            result.failures["ended by itself"] += 1
            return
        if line.startswith(b"event: live-end"):
            return
        traffic.live_events += line.startswith(b"event: ")
