"""A million bookings one after the other, as lines for COPY: each with its charge, its ledger and perhaps a review."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from app.core import clock
from app.payments.shares import commission_of

NULL = "\\N"
DAYS, AHEAD = 730, 7
AREAS = 8  # of each professional
ENDS = ("customer", "customer", "customer", "customer", "unfilled", "unfilled", "expired", "no_show", "platform")
TIMES = (540, 630, 720, 840, 930, 1020)
BOOKING = (
    "id reference customer_id service_id state service_name price minutes address pincode starts_at ends_at "
    "span reserved_for professional_id payment created_at requested_at assigned_at started_at completed_at "
    "closed_at cancelled_at cancelled_as commission revenue rating"
)
CHARGE = "id booking_id customer_id method amount captured state created_at updated_at"
TRANSACTION = "id booking_id charge_id kind at"
ENTRY = "transaction_id account person_id amount"
REVIEW = "booking_id customer_id professional_id service_id rating comment created_at"


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


class Made:
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
        first, done = clock.today() - timedelta(days=DAYS), 0
        shares = [0.4 + 1.2 * day / (DAYS + AHEAD) for day in range(DAYS + AHEAD)]
        each = self._sizes.bookings / sum(shares)
        due = 0.0
        for day, share in enumerate(shares):
            due += share * each
            for number in range(done + 1, round(due) + 1):
                yield self._one(number, first + timedelta(days=day), day - DAYS)
            done = round(due)

    def _one(self, n: int, day: date, away: int) -> str:
        chance = self._chance.random
        # Whoever is busy is very busy; ahead, everybody has one job at most, so that none overlap.
        worker = self._crew[n * 7919 % (1_000 if away < 0 and chance() < 0.3 else len(self._crew)) % len(self._crew)]
        service = worker.services[n % len(worker.services)]
        pincode = worker.areas[n // 7 % AREAS]
        minute = TIMES[n % len(TIMES)]
        begins, ends = at(day, minute), at(day, minute + service.minutes)
        asked = at(day - timedelta(days=2), 600 + n % 300)
        accepted = at(day - timedelta(days=2), 600 + n % 300 + int(chance() ** 3 * 60))
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
                f"{n}\t{customer}\t{worker.id}\t{service.id}\t{stars}\tOn time, left it clean.\t{ends}\n"
            )
        after = at(day, minute + service.minutes + 10)
        return (
            f"{n}\t{n:08X}\t{customer}\t{service.id}\t{state}\t{service.name}\t{service.price}\t{service.minutes}\t"
            f"Flat 3B, {n} Main Road\t{pincode}\t{begins}\t{ends}\t[{begins},{after})\t"
            f"{worker.id}\t{worker.id if has_worker else NULL}\t{payment}\t{asked}\t{asked}\t"
            f"{accepted if has_worker else NULL}\t{begins if done or state == 'started' else NULL}\t"
            f"{ends if done else NULL}\t{at(day + timedelta(days=1), 600) if state == 'closed' else NULL}\t"
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
        self,
        n: int,
        customer: int,
        worker: int,
        price: int,
        payment: str,
        done: bool,
        state: str,
        asked: str,
        ends: str,
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


def at(day: date, minute: int) -> str:
    return f"{day} {minute // 60:02}:{minute % 60:02}+05:30"
