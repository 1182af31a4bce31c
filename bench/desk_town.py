"""A town of a million bookings for the admin's desk: written as text and filled with COPY, the same every time.

Two years of bookings that grow, a week of them ahead; every completed one with its charge and its ledger, a third with a
review; people with names, papers' standing, trade, hours and areas. What no page of the desk reads is left out: events.
"""

import asyncio
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice

import asyncpg

from app.catalog.reference import load_catalogue
from app.kit import clock
from app.kit.db import Database
from app.payments.shares import commission_of
from app.tables import metadata
from bench.servers import Place
from bench.town import RATINGS

DAYS, AHEAD = 730, 7
AREAS = 8  # of each professional
ROWS_AT_ONCE = 20_000
FIRST = "Asha Ravi Meena Karthik Lakshmi Arun Divya Suresh Fatima Joseph Priya Vijay Anitha Imran Kavya Mohan".split()
LAST = "Kumar Raman Iyer Pillai Begum Das Nair Reddy Selvam Krishnan Thomas Babu Rao Devi Khan Murugan".split()
ENDS = ("customer", "customer", "customer", "customer", "unfilled", "unfilled", "expired", "no_show", "platform")
TIMES = (540, 630, 720, 840, 930, 1020)
BOOKING = (
    "id reference customer_id service_id state service_name price minutes address pincode starts_at ends_at span"
    " reserved_for professional_id payment created_at requested_at assigned_at started_at completed_at closed_at"
    " cancelled_at cancelled_as commission revenue rating"
).split()
CHARGE = "id booking_id customer_id method amount captured state created_at updated_at".split()
TRANSACTION = "id booking_id charge_id kind at".split()
ENTRY = "transaction_id account person_id amount".split()
REVIEW = "booking_id customer_id professional_id service_id rating comment created_at".split()
UNMET = "day pincode category_id searches".split()
TABLES = ("users", "bookings", "charges", "ledger_transactions", "ledger_entries", "reviews", "professionals", "coverage", "offerings")

_INDEXES = """SELECT format('DROP INDEX %I', i.indexname) AS take, i.indexdef AS give, 1 AS turn FROM pg_indexes i
    WHERE i.schemaname = 'public' AND i.tablename = ANY($1)
      AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conname = i.indexname)"""
_KEYS = """SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
    format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)), 2
    FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text = ANY($1)"""
_TRIGGERS = """SELECT format('ALTER TABLE %I DISABLE TRIGGER USER', name), format('ALTER TABLE %I ENABLE TRIGGER USER', name), 3
    FROM unnest($1::text[]) name"""
_ALL = f"{_INDEXES} UNION ALL {_KEYS} UNION ALL {_TRIGGERS}"
TAKEN, GIVEN = f"SELECT take FROM ({_ALL}) a ORDER BY turn DESC", f"SELECT give FROM ({_ALL}) a ORDER BY turn"


@dataclass(frozen=True, slots=True)
class Sizes:
    bookings: int = 1_000_000
    professionals: int = 50_000
    customers: int = 200_000


@dataclass(frozen=True, slots=True)
class Service:
    id: int
    category: int
    name: str
    price: int
    minutes: int


@dataclass(frozen=True, slots=True)
class Worker:
    """A professional by number: `services` and `areas` are theirs."""

    id: int
    services: tuple[Service, ...]
    areas: tuple[str, ...]


def fill(place: Place, sizes: Sizes) -> None:
    asyncio.run(_fill(place, sizes))


async def _fill(place: Place, sizes: Sizes) -> None:
    assert metadata.tables
    database = Database(place.owner, statement_timeout=1_800)
    async with database.work() as db:
        await load_catalogue(db)
    await database.close()
    owner = await asyncpg.connect(place.owner, command_timeout=1_800)
    try:
        await owner.execute("SET timezone = 'Asia/Kolkata'; SET maintenance_work_mem = '512MB'; SET work_mem = '128MB'")
        kept = await _bare(owner)
        await _people(owner, sizes)
        await _work(owner, await _crew(owner, sizes), sizes)
        for statement in (*RATINGS, *kept, *_sequences(), "VACUUM ANALYZE"):
            await owner.execute(statement)
    finally:
        await owner.close()


async def _bare(owner: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    """Takes away triggers, foreign keys and the indexes that no constraint needs; how to have them again.

    The keys are checked when they come back: whatever refers to nothing is found then.
    """
    before = [row["take"] for row in await owner.fetch(TAKEN, list(TABLES))]
    after = [row["give"] for row in await owner.fetch(GIVEN, list(TABLES))]
    for statement in before:
        await owner.execute(statement)
    return after


async def _people(owner: "asyncpg.Connection[asyncpg.Record]", sizes: Sizes) -> None:
    """Customers from 1 on, professionals behind them, then one admin."""
    start = clock.today() - timedelta(days=DAYS)
    count = sizes.customers + sizes.professionals
    roles = ((n, "customer" if n <= sizes.customers else "professional") for n in range(1, count + 1))
    people = (
        f"{n}\t{role}\t{role[0]}{n}@example.com\t{_name(n)}\t+91{9_000_000_000 + n}\tnone\t"
        f"{start + timedelta(days=n * 7919 % DAYS)} 10:00+05:30\t{start} 10:00+05:30\n"
        for n, role in roles
    )
    columns = "id role email full_name phone password_hash created_at email_verified_at".split()
    await _copy(owner, "users", columns, people)
    await owner.execute(
        "INSERT INTO users (id, role, email, full_name, phone, password_hash, email_verified_at, created_at)"
        " VALUES ($1, 'admin', 'admin@example.com', 'Meena Iyer', '+919999999999', 'none', now(), now())",
        count + 1,
    )


async def _crew(owner: "asyncpg.Connection[asyncpg.Record]", sizes: Sizes) -> list[Worker]:
    """Professionals with trade, standing, hours, offerings and areas, written down."""
    rows = await owner.fetch("SELECT id, category_id, name, price, least(minutes, 120) AS m FROM services ORDER BY id")
    trades: dict[int, list[Service]] = {}
    for row in rows:
        trades.setdefault(row[1], []).append(Service(*row))
    names = dict(await owner.fetch("SELECT id, name FROM categories"))
    homes = [
        row[0]
        for row in await owner.fetch(
            "SELECT pincode FROM pincodes WHERE pincode BETWEEN '600000' AND '600999' AND quality <> 'published'"
            " ORDER BY latitude, longitude"
        )
    ]
    kinds = sorted(trades)
    crew = [
        Worker(
            sizes.customers + n,
            tuple(trades[kinds[n % len(kinds)]]),
            tuple(homes[(n * 7919 + step) % len(homes)] for step in range(AREAS)),
        )
        for n in range(1, sizes.professionals + 1)
    ]
    at = f"{clock.today() - timedelta(days=DAYS)} 10:00+05:30"
    await _copy(
        owner,
        "professionals",
        "user_id standing trade experience_years home_pincode approved_at created_at".split(),
        (
            f"{one.id}\t{_standing(one.id)}\t{names[one.services[0].category]}\t{1 + one.id % 20}\t{one.areas[0]}\t"
            f"{at if _standing(one.id) == 'approved' else NULL}\t{at}\n"
            for one in crew
        ),
    )
    await _copy(owner, "coverage", ["professional_id", "pincode"], (f"{w.id}\t{p}\n" for w in crew for p in w.areas))
    await _copy(
        owner,
        "offerings",
        ["professional_id", "service_id", "standing"],
        (f"{w.id}\t{s.id}\tapproved\n" for w in crew for s in w.services),
    )
    await _copy(
        owner,
        "working_hours",
        ["professional_id", "weekday", "opens", "closes"],
        (f"{w.id}\t{day}\t480\t1200\n" for w in crew for day in range(7)),
    )
    return [one for one in crew if _standing(one.id) == "approved"]


async def _work(owner: "asyncpg.Connection[asyncpg.Record]", crew: list[Worker], sizes: Sizes) -> None:
    made = _Made(crew, sizes)
    while rows := list(islice(made.bookings, ROWS_AT_ONCE)):
        for table, columns, lines in (
            ("bookings", BOOKING, rows),
            ("charges", CHARGE, made.charges),
            ("ledger_transactions", TRANSACTION, made.transactions),
            ("ledger_entries", ENTRY, made.entries),
            ("reviews", REVIEW, made.reviews),
        ):
            await _copy(owner, table, columns, lines)
            if lines is not rows:
                lines.clear()
    places = sorted({area for one in crew for area in one.areas})
    today = clock.today()
    await _copy(
        owner,
        "unmet_searches",
        UNMET,
        (f"{today - timedelta(days=n)}\t{places[n * 31 % len(places)]}\t{1 + n % 12}\t{1 + n % 9}\n" for n in range(DAYS)),
    )


class _Made:
    """Bookings one after the other; what belongs to them gathers beside them."""

    def __init__(self, crew: list[Worker], sizes: Sizes) -> None:
        self._crew, self._sizes = crew, sizes
        self._chance = random.Random(7)
        self._transaction = 0
        self.charges: list[str] = []
        self.transactions: list[str] = []
        self.entries: list[str] = []
        self.reviews: list[str] = []
        self.bookings = self._all()

    def _all(self) -> Iterator[str]:
        first, number = clock.today() - timedelta(days=DAYS), 0
        shares = [0.4 + 1.2 * day / (DAYS + AHEAD) for day in range(DAYS + AHEAD)]
        each = self._sizes.bookings / sum(shares)
        due = 0.0
        for day, share in enumerate(shares):
            due += share * each
            for number in range(number + 1, round(due) + 1):
                yield self._one(number, first + timedelta(days=day), day - DAYS)

    def _one(self, n: int, day: date, away: int) -> str:
        chance = self._chance.random
        # Whoever is busy is very busy; ahead, everybody has one job at most, so that none overlap.
        worker = self._crew[n * 7919 % (1_000 if away < 0 and chance() < 0.3 else len(self._crew)) % len(self._crew)]
        service = worker.services[n % len(worker.services)]
        pincode = worker.areas[n // 7 % AREAS]
        minute = TIMES[n % len(TIMES)]
        begins, ends = _at(day, minute), _at(day, minute + service.minutes)
        asked = _at(day - timedelta(days=2), 600 + n % 300)
        accepted = _at(day - timedelta(days=2), 600 + n % 300 + int(chance() ** 3 * 60))
        customer = 1 + n * 104_729 % self._sizes.customers
        payment = "after" if n % 5 == 0 else "card"
        state, end = self._state(away)
        has_worker = state not in ("requested", "held") and end not in ("unfilled", "expired")
        done = state in ("completed", "closed")
        ours = commission_of(service.price) if done else 0
        stars = self._stars() if state == "closed" and chance() < 0.4 else None
        self._money(n, customer, worker.id, service.price, payment, done, state, asked, ends)
        if stars:
            self.reviews.append(
                f"{n}\t{customer}\t{worker.id}\t{service.id}\t{stars}\tCame on time and left the kitchen clean.\t{ends}\n"
            )
        return (
            f"{n}\t{n:08X}\t{customer}\t{service.id}\t{state}\t{service.name}\t{service.price}\t{service.minutes}\t"
            f"Flat 3B, {n} Main Road\t{pincode}\t{begins}\t{ends}\t[{begins},{_at(day, minute + service.minutes + 10)})\t"
            f"{worker.id}\t{worker.id if has_worker else NULL}\t{payment}\t{asked}\t{asked}\t"
            f"{accepted if has_worker else NULL}\t{begins if done or state == 'started' else NULL}\t"
            f"{ends if done else NULL}\t{_at(day + timedelta(days=1), 600) if state == 'closed' else NULL}\t"
            f"{begins if end else NULL}\t{end or NULL}\t{ours}\t{service.price if done else 0}\t{stars or NULL}\n"
        )

    def _state(self, away: int) -> tuple[str, str | None]:
        chance = self._chance.random()
        if chance < 0.08:
            return "cancelled", self._chance.choice(ENDS)
        if away >= 0:
            return ("assigned" if chance < 0.7 else "requested"), None
        return ("completed" if away > -7 and chance < 0.6 else "closed"), None

    def _stars(self) -> int:
        return self._chance.choices((5, 4, 3, 2, 1), (66, 22, 7, 3, 2))[0]

    def _money(
        self, n: int, customer: int, worker: int, price: int, payment: str, done: bool, state: str, asked: str, ends: str
    ) -> None:
        ours = commission_of(price)
        after = payment == "after"
        if after and not done:
            return
        became = "paid" if after else "captured" if done else "released" if state == "cancelled" else "authorised"
        self.charges.append(
            f"{n}\t{n}\t{customer}\t{payment}\t{price}\t{price if done else 0}\t{became}\t{asked}\t{ends}\n"
        )
        if not after:
            self._post(n, "authorise", asked, ("hold", NULL, price), ("hold_contra", NULL, -price))
        back = (("hold", NULL, -price), ("hold_contra", NULL, price))
        if done:
            taken = [("receivable", customer, price)] if after else [*back, ("gateway", NULL, price)]
            kind = "receivable" if after else "capture"
            self._post(n, kind, ends, *taken, ("earnings", worker, ours - price), ("commission", NULL, -ours))
        if done and after:
            self._post(n, "settle", ends, ("gateway", NULL, price), ("receivable", customer, -price))
        if not done and state == "cancelled":
            self._post(n, "release", ends, *back)

    def _post(self, n: int, kind: str, at: str, *lines: tuple[str, int | str, int]) -> None:
        self._transaction += 1
        self.transactions.append(f"{self._transaction}\t{n}\t{n}\t{kind}\t{at}\n")
        self.entries.extend(f"{self._transaction}\t{name}\t{who}\t{amount}\n" for name, who, amount in lines)


NULL = "\\N"


def _name(n: int) -> str:
    return f"{FIRST[n % len(FIRST)]} {LAST[n // len(FIRST) % len(LAST)]}"


def _standing(person: int) -> str:
    return "pending" if person % 1_000 == 1 else "denied" if person % 1_000 == 2 else "approved"


def _at(day: date, minute: int) -> str:
    return f"{day} {minute // 60:02}:{minute % 60:02}+05:30"


async def _copy(owner: "asyncpg.Connection[asyncpg.Record]", table: str, columns: list[str], lines: Iterable[str]) -> None:
    await owner.copy_to_table(table, source=_chunks(lines), columns=columns, format="text")


async def _chunks(lines: Iterable[str]):  # type: ignore[no-untyped-def]
    waiting = iter(lines)
    while part := list(islice(waiting, 2_000)):
        yield "".join(part).encode()


def _sequences() -> Iterable[str]:
    return (
        f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
        for table in ("users", "bookings", "charges", "ledger_transactions")
    )
