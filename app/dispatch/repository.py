"""SQL for the admin's table of bookings: filters, search and pages by key.

Every number of a report links to a list here. The query fields of /admin/bookings, all optional:

state          held, requested, assigned, started, completed, closed, cancelled; open: held to started; done: completed
               or closed
cancelled_as   how it ended: one of app.bookings.moves.ENDS
period         today, upcoming (from tomorrow), past (before today), all; in Asia/Kolkata
from, to       days of Asia/Kolkata (2026-11-24), both included, in which the work prefix
service, professional, customer    ids; the professional who holds it or held it to its end
category       its slug
pincode        six digits, where the work is
payment        card, upi, after
accepted       yes; accepted_under: within fewer minutes than that
rating         1 to 5; yes: reviewed
flag           pending, counts, excluded: whether the review of a booking counts whose customer seems to be its
               professional; yes: flagged at all
by_clock, disputed, locked, blocked   yes: completed automatically; disputed (W13); a valid code locked or void (W12);
               assigned to a blocked professional (W2)
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, false, or_, select, true, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.accounts.address import Pincode
from app.accounts.contact_fields import typed_pincode
from app.accounts.repository import matches_person
from app.accounts.user import Block, User
from app.bookings.booking import Booking
from app.bookings.code import Code
from app.bookings.decline import Dispute
from app.bookings.moves import ENDS, Flag, State
from app.catalog.service import Category, Service
from app.core import clock
from app.core.datetimes import YEARS, parse_day
from app.core.paging import MAX_COUNTED_ROWS, AnyRow, CountedPage, Query, Sort, fetch_page
from app.core.references import REFERENCE_LENGTH, parse_row_id, reference_prefix
from app.core.sql import fetch
from app.core.typed_text import normal_line

SORTS = {
    "starts": Sort(Booking.starts_at, datetime),
    "made": Sort(Booking.created_at, datetime),
    "price": Sort(Booking.price, int),
}
FILTERS = (
    "period",
    *("state", "cancelled_as", "from", "to", "service", "category", "pincode", "professional", "customer", "payment"),
    *("accepted", "accepted_under", "rating", "by_clock", "disputed", "locked", "blocked", "flag"),
)
STATE_FILTERS: dict[str, Collection[str]] = {
    **{str(state): (state,) for state in State},
    "open": (State.HELD, State.REQUESTED, State.ASSIGNED, State.STARTED),
    "done": (State.COMPLETED, State.CLOSED),
}
STATE_CHIPS = ("", "requested", "assigned", "started", "done", "cancelled")
# The state of a booking `b` by chip, as _state has it.
STATE_CONDITIONS = {
    chip: "b.state IN ('" + "', '".join(STATE_FILTERS[chip]) + "')" if chip else "true" for chip in STATE_CHIPS
}
# When a booking `b` starts; $1 and $2 are the beginning and the end of today.
PERIOD_CONDITIONS = {
    "today": "b.starts_at >= $1 AND b.starts_at < $2",
    "upcoming": "b.starts_at >= $2",
    "past": "b.starts_at < $1",
}
CATEGORIES = "SELECT slug, name FROM categories ORDER BY position, id"
PAYMENT_FILTERS = ("card", "upi", "after", "credit", "coupon")
MAX_PEOPLE = 100  # people whose bookings are searched
MIN_NAME_LENGTH = 3  # the trigram index finds nothing for fewer letters

_customer, _professional = aliased(User), aliased(User)
_CUSTOMER_NAME = select(_customer.full_name).where(_customer.id == Booking.customer_id).scalar_subquery()
_PROFESSIONAL_NAME = (
    select(_professional.full_name).where(_professional.id == Booking.professional_id).scalar_subquery()
)
_PLACE = select(Pincode.place).where(Pincode.pincode == Booking.pincode).scalar_subquery()
# Names are read for the rows that are shown, not for those that are counted or passed over.
BOOKING_ROW: Query = select(
    Booking.id,
    Booking.reference,
    Booking.service_name,
    Booking.state,
    Booking.cancelled_as,
    Booking.starts_at,
    Booking.ends_at,
    Booking.created_at,
    Booking.price,
    _CUSTOMER_NAME.label("customer"),
    _PROFESSIONAL_NAME.label("professional"),
    _PLACE.label("place"),
)


@dataclass(frozen=True, slots=True)
class SearchMatches:
    """People and services that match the search text; `is_truncated` when more people match than are searched for."""

    q: str = ""
    people: Sequence[int] = ()
    services: Sequence[int] = ()
    is_truncated: bool = False


class AdminBookings:
    """`filters` are the query fields of the table, "" where absent; an invalid value matches nothing."""

    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def page(
        self,
        filters: Mapping[str, str],
        matches: SearchMatches,
        counts: Mapping[str, int | None],
        *,
        sort: str,
        descending: bool,
        after: str,
    ) -> CountedPage:
        """`counts`: those of the chips; the total is among them unless another filter is set."""
        query = BOOKING_ROW.where(*filter_conditions(filters), *search_conditions(matches))
        return await fetch_page(
            self._db,
            query,
            key=Booking.id,
            sort=SORTS[sort],
            descending=descending,
            after=after,
            known_total=(counts[filters["state"]],) if filters["state"] in counts else None,
        )

    async def counts(self, filters: Mapping[str, str], q: str) -> dict[str, int | None]:
        """Return the number of bookings per state of STATE_CHIPS in the period; empty when other filters are set."""
        if q or any(value for name, value in filters.items() if name not in ("state", "period")):
            return {}
        period = PERIOD_CONDITIONS.get(filters.get("period", ""))
        if period is None:
            return await count_each(self._db, STATE_CONDITIONS)
        # Both parameters have a type in every period.
        conditions = {
            chip: f"{state} AND {period} AND $1 < $2::timestamptz" for chip, state in STATE_CONDITIONS.items()
        }
        return await count_each(self._db, conditions, *today_span())

    async def search(self, q: str) -> SearchMatches:
        """Find people whose name, phone or email contains `q`, and services whose name does."""
        typed = normal_line(q)
        if not typed:
            return SearchMatches()
        people: list[int] = []
        if len(typed) >= MIN_NAME_LENGTH:
            query = select(User.id).where(matches_person(typed))
            people = list(await self._db.scalars(query.limit(MAX_PEOPLE + 1)))
        services = select(Service.id).where(Service.name.icontains(typed, autoescape=True)).limit(MAX_PEOPLE)
        cut = len(people) > MAX_PEOPLE
        return SearchMatches(typed, people[:MAX_PEOPLE], list(await self._db.scalars(services)), cut)

    async def row(self, booking_id: int) -> AnyRow:
        """Return one row of the table."""
        return (await self._db.execute(BOOKING_ROW.where(Booking.id == booking_id))).one()

    async def person_name(self, typed: str) -> str:
        """Return the name of the person with the id in a filter."""
        number = parse_row_id(typed)
        name = await self._db.scalar(select(User.full_name).where(User.id == number)) if number else None
        return str(name or "–")

    async def service_name(self, typed: str) -> str:
        number = parse_row_id(typed)
        name = await self._db.scalar(select(Service.name).where(Service.id == number)) if number else None
        return str(name or "–")

    async def categories(self) -> list[tuple[str, str]]:
        """Return (slug, name) in their order on the home page."""
        return [(slug, name) for slug, name in await fetch(self._db, CATEGORIES)]


async def count_each(db: AsyncSession, conditions: Mapping[str, str], *args: object) -> dict[str, int | None]:
    """Count the bookings `b` of each condition in one statement; None for more than MAX_COUNTED_ROWS."""
    counts = ", ".join(
        f"(SELECT count(*) FROM (SELECT FROM bookings b WHERE {condition} LIMIT {MAX_COUNTED_ROWS + 1}) counted)"
        for condition in conditions.values()
    )
    (row,) = await fetch(db, f"SELECT {counts}", *args)
    return {name: count if count <= MAX_COUNTED_ROWS else None for name, count in zip(conditions, row, strict=True)}


def filter_conditions(filters: Mapping[str, str]) -> Iterator[ColumnElement[bool]]:
    """Yield the condition of each filter."""
    # A constraint ties the one to the other, and two conditions would make PostgreSQL read both of their indexes.
    is_implied = filters.get("state") == State.CANCELLED and bool(filters.get("cancelled_as"))
    for name, condition in FILTER_CONDITIONS.items():
        if (value := filters.get(name, "")) and not (name == "state" and is_implied):
            yield condition(value)


def search_conditions(matches: SearchMatches) -> Iterator[ColumnElement[bool]]:
    if not matches.q:
        return
    booking = aliased(Booking)
    # A union, because each condition has its own index and an OR would use none of them.
    queries = [
        select(booking.id).where(booking.customer_id.in_(matches.people)),
        select(booking.id).where(booking.professional_id.in_(matches.people)),
    ]
    if prefix := reference_prefix(matches.q):
        queries.append(select(booking.id).where(booking.reference.between(prefix, prefix.ljust(REFERENCE_LENGTH, "Z"))))
    matching = Booking.id.in_(union_all(*queries))
    yield or_(matching, Booking.service_id.in_(matches.services)) if matches.services else matching


def today_span() -> tuple[datetime, datetime]:
    """The beginning of today and of tomorrow in Asia/Kolkata."""
    return clock.at(clock.today()), clock.at(clock.today() + timedelta(days=1))


def _period(value: str) -> ColumnElement[bool]:
    begin, end = today_span()
    return {
        "today": (Booking.starts_at >= begin) & (Booking.starts_at < end),
        "upcoming": Booking.starts_at >= end,
        "past": Booking.starts_at < begin,
        "all": true(),
    }.get(value, false())


def _from(value: str) -> ColumnElement[bool]:
    day = parse_day(value, YEARS)
    return Booking.starts_at >= clock.at(day) if day else false()


def _to(value: str) -> ColumnElement[bool]:
    day = parse_day(value, YEARS)
    return Booking.starts_at < clock.at(day + timedelta(days=1)) if day else false()


def _state(value: str) -> ColumnElement[bool]:
    states = [str(state) for state in STATE_FILTERS.get(value, ())]
    return Booking.state == states[0] if len(states) == 1 else Booking.state.in_(states)


def _number(column: Any) -> Callable[[str], ColumnElement[bool]]:
    def condition(value: str) -> ColumnElement[bool]:
        number = parse_row_id(value)
        return column == number if number else false()

    return condition


def _choice(column: Any, words: Collection[str]) -> Callable[[str], ColumnElement[bool]]:
    return lambda value: column == value if value in words else false()


def _accepted_under(value: str) -> ColumnElement[bool]:
    minutes = parse_row_id(value)
    return Booking.accepted_minutes < minutes if minutes and minutes < 2**31 else false()


def _rating(value: str) -> ColumnElement[bool]:
    if value == "yes":
        return Booking.rating.is_not(None)
    return Booking.rating == int(value) if value in ("1", "2", "3", "4", "5") else false()


def _flag(value: str) -> ColumnElement[bool]:
    return Booking.flag.is_not(None) if value == "yes" else _choice(Booking.flag, list(Flag))(value)


def _locked(_value: str) -> ColumnElement[bool]:
    """Match bookings whose due code is locked or void."""
    usable = select(Code.id).where(
        Code.booking_id == Booking.id,
        Code.used_at.is_(None),
        Code.voided_at.is_(None),
        or_(Code.locked_until.is_(None), Code.locked_until <= clock.now()),
    )
    return Booking.state.in_(("assigned", "started")) & ~usable.exists()


def _blocked(_value: str) -> ColumnElement[bool]:
    blocked = select(Block.user_id).where(Block.lifted_at.is_(None))
    return Booking.state.in_(("assigned", "started")) & Booking.professional_id.in_(blocked)


def _category(value: str) -> ColumnElement[bool]:
    services = select(Service.id).join(Category, Category.id == Service.category_id).where(Category.slug == value)
    return Booking.service_id.in_(services)


FILTER_CONDITIONS: dict[str, Callable[[str], ColumnElement[bool]]] = {
    "period": _period,
    "state": _state,
    "cancelled_as": _choice(Booking.cancelled_as, ENDS),
    "from": _from,
    "to": _to,
    "service": _number(Booking.service_id),
    "category": _category,
    "pincode": lambda value: Booking.pincode == (typed_pincode(value) or value),
    "professional": _number(Booking.professional_id),
    "customer": _number(Booking.customer_id),
    "payment": _choice(Booking.payment, PAYMENT_FILTERS),
    "accepted": lambda _value: Booking.accepted_minutes.is_not(None),
    "accepted_under": _accepted_under,
    "rating": _rating,
    "by_clock": lambda _value: Booking.completed_automatically == true(),
    "disputed": lambda _value: Booking.id.in_(select(Dispute.booking_id)),
    "locked": _locked,
    "blocked": _blocked,
    "flag": _flag,
}
