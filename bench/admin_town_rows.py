"""Generate bookings as lines for COPY, each with its charge, ledger entries and perhaps a review."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from app.core import clock
from app.payments.shares import commission_of

NULL = "\\N"
PAST_DAYS, FUTURE_DAYS = 730, 7
AREAS_PER_PROFESSIONAL = 8
CANCELLATION_KINDS = (
    "customer",
    "customer",
    "customer",
    "customer",
    "unfilled",
    "unfilled",
    "expired",
    "no_show",
    "platform",
)
START_MINUTES = (540, 630, 720, 840, 930, 1020)
BOOKING_COLUMNS = (
    "id reference customer_id service_id state service_name price minutes address pincode starts_at ends_at "
    "professional_id payment created_at requested_at assigned_at started_at completed_at "
    "closed_at cancelled_at cancelled_as commission revenue is_charged rating"
)
CHARGE_COLUMNS = "id booking_id customer_id method amount captured state created_at updated_at"
TRANSACTION_COLUMNS = "id booking_id charge_id kind at"
ENTRY_COLUMNS = "transaction_id account person_id amount"
RESERVATION_COLUMNS = "booking_id professional_id span pincode is_committed"
REVIEW_COLUMNS = "booking_id customer_id professional_id service_id rating comment created_at"


@dataclass(frozen=True, slots=True)
class Sizes:
    bookings: int = 1_000_000
    professionals: int = 50_000
    customers: int = 200_000
    cases: int = 50_000


@dataclass(frozen=True, slots=True)
class Service:
    id: int
    category: int
    name: str
    price: int
    minutes: int


@dataclass(frozen=True, slots=True)
class BenchProfessional:
    """A generated professional with services and covered pincodes."""

    id: int
    services: tuple[Service, ...]
    areas: tuple[str, ...]


class BookingGenerator:
    """Yield booking lines from `bookings`; collect the lines of related rows in the other lists."""

    def __init__(self, professionals: list[BenchProfessional], sizes: Sizes) -> None:
        self._professionals, self._sizes = professionals, sizes
        self._random = random.Random(7)
        self._transaction = 0
        self.charges: list[str] = []
        self.reservations: list[str] = []
        self.transactions: list[str] = []
        self.entries: list[str] = []
        self.reviews: list[str] = []
        self.bookings = self._generate()

    def _generate(self) -> Iterator[str]:
        first, done = clock.today() - timedelta(days=PAST_DAYS), 0
        shares = [0.4 + 1.2 * day / (PAST_DAYS + FUTURE_DAYS) for day in range(PAST_DAYS + FUTURE_DAYS)]
        bookings_per_share = self._sizes.bookings / sum(shares)
        due = 0.0
        for day, share in enumerate(shares):
            due += share * bookings_per_share
            for number in range(done + 1, round(due) + 1):
                yield self._booking(number, first + timedelta(days=day), day - PAST_DAYS)
            done = round(due)

    def _booking(self, n: int, day: date, day_offset: int) -> str:
        chance = self._random.random
        # A few professionals do a third of the past jobs. Future jobs do not overlap: at most one per professional.
        professional = self._professionals[
            n
            * 7919
            % (1_000 if day_offset < 0 and chance() < 0.3 else len(self._professionals))
            % len(self._professionals)
        ]
        service = professional.services[n % len(professional.services)]
        pincode = professional.areas[n // 7 % AREAS_PER_PROFESSIONAL]
        minute = START_MINUTES[n % len(START_MINUTES)]
        begins, ends = at(day, minute), at(day, minute + service.minutes)
        requested_on = min(day - timedelta(days=2), clock.today() - timedelta(days=1))  # the coming week's are known
        requested_at = at(requested_on, 600 + n % 300)
        accepted = at(requested_on, 600 + n % 300 + int(chance() ** 3 * 60))
        customer = 1 + n * 104_729 % self._sizes.customers
        payment = "after" if n % 5 == 0 else "card"
        state, end = self._state(day_offset)
        is_assigned = state not in ("requested", "held") and end not in ("unfilled", "expired")
        done = state in ("completed", "closed")
        commission = commission_of(service.price) if done else 0
        rating = self._random_rating() if state == "closed" and chance() < 0.4 else None
        self._money(n, customer, professional.id, service.price, payment, done, state, requested_at, ends)
        if rating:
            self.reviews.append(
                f"{n}\t{customer}\t{professional.id}\t{service.id}\t{rating}\tOn time, left it clean.\t{ends}\n"
            )
        if state in ("requested", "assigned"):
            after = at(day, minute + service.minutes + 10)
            self.reservations.append(f"{n}\t{professional.id}\t[{begins},{after})\t{pincode}\t{is_assigned}\n")
        return (
            f"{n}\t{n:08X}\t{customer}\t{service.id}\t{state}\t{service.name}\t{service.price}\t{service.minutes}\t"
            f"Flat 3B, {n} Main Road\t{pincode}\t{begins}\t{ends}\t"
            f"{professional.id if is_assigned else NULL}\t{payment}\t"
            f"{requested_at}\t{requested_at}\t"
            f"{accepted if is_assigned else NULL}\t{begins if done or state == 'started' else NULL}\t"
            f"{ends if done else NULL}\t{at(day + timedelta(days=1), 600) if state == 'closed' else NULL}\t"
            f"{begins if end else NULL}\t{end or NULL}\t{commission}\t{service.price if done else 0}\t{done}\t"
            f"{rating or NULL}\n"
        )

    def _state(self, day_offset: int) -> tuple[str, str | None]:
        chance = self._random.random()
        if chance < 0.08:
            return "cancelled", self._random.choice(CANCELLATION_KINDS)
        if day_offset >= 0:
            return ("assigned" if chance < 0.7 else "requested"), None
        return ("completed" if day_offset > -7 and chance < 0.6 else "closed"), None

    def _random_rating(self) -> int:
        return self._random.choices((5, 4, 3, 2, 1), (66, 22, 7, 3, 2))[0]

    def _money(
        self,
        n: int,
        customer: int,
        professional: int,
        price: int,
        payment: str,
        done: bool,
        state: str,
        requested_at: str,
        ends: str,
    ) -> None:
        commission = commission_of(price)
        after = payment == "after"
        if after and not done:
            return
        charge_state = "paid" if after else "captured" if done else "released" if state == "cancelled" else "authorised"
        self.charges.append(
            f"{n}\t{n}\t{customer}\t{payment}\t{price}\t{price if done else 0}\t{charge_state}\t"
            f"{requested_at}\t{ends}\n"
        )
        if not after:
            self._post(n, "authorise", requested_at, ("hold", NULL, price), ("hold_contra", NULL, -price))
        release_entries = (("hold", NULL, -price), ("hold_contra", NULL, price))
        if done:
            capture_entries = (
                [("receivable", customer, price)] if after else [*release_entries, ("gateway", NULL, price)]
            )
            kind = "receivable" if after else "capture"
            self._post(
                n,
                kind,
                ends,
                *capture_entries,
                ("earnings", professional, commission - price),
                ("commission", NULL, -commission),
            )
        if done and after:
            self._post(n, "settle", ends, ("gateway", NULL, price), ("receivable", customer, -price))
        if not done and state == "cancelled":
            self._post(n, "release", ends, *release_entries)

    def _post(self, n: int, kind: str, at: str, *lines: tuple[str, int | str, int]) -> None:
        self._transaction += 1
        self.transactions.append(f"{self._transaction}\t{n}\t{n}\t{kind}\t{at}\n")
        self.entries.extend(f"{self._transaction}\t{name}\t{who}\t{amount}\n" for name, who, amount in lines)


def at(day: date, minute: int) -> str:
    return f"{day} {minute // 60:02}:{minute % 60:02}+05:30"
