"""The bookings as the desk lists them: what the address of the table may ask for, and how it is read by key.

Every number of a report has its list here. The fields of /admin/bookings, each may be left out:

state          held, requested, assigned, started, completed, closed, cancelled; open: held to started; done: completed
               or closed
cancelled_as   how it ended: one of app.bookings.moves.ENDS
from, to       days of Asia/Kolkata (2026-11-24), both included, in which the work begins
service, professional, customer    ids; the professional who holds it or held it to its end
category       its slug
pincode        six digits, where the work is
payment        card, upi, after
accepted       yes; accepted_under: within fewer minutes than that
rating         1 to 5; yes: reviewed
by_clock, disputed, locked, blocked   yes: ended by the clock; objected to (W13); a due code locked or void (W12); held
               by somebody who is blocked (W2)
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, false, or_, select, true, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.accounts.address import Pincode
from app.accounts.user import Block, User
from app.bookings.booking import Booking
from app.bookings.code import Code
from app.bookings.decline import Dispute
from app.bookings.moves import ENDS, State
from app.catalog.service import Category, Service
from app.core import clock
from app.core.keyset import AnyRow, Query, Slice, Sort, counted, slice_of
from app.core.references import row_number

SORTS = {
    "starts": Sort(Booking.starts_at, datetime),
    "made": Sort(Booking.created_at, datetime),
    "price": Sort(Booking.price, int),
}
FILTERS = (
    *("state", "cancelled_as", "from", "to", "service", "category", "pincode", "professional", "customer", "payment"),
    *("accepted", "accepted_under", "rating", "by_clock", "disputed", "locked", "blocked"),
)
STATES: dict[str, Collection[str]] = {
    **{str(state): (state,) for state in State},
    "open": (State.HELD, State.REQUESTED, State.ASSIGNED, State.STARTED),
    "done": (State.COMPLETED, State.CLOSED),
}
CHIPS = ("", "requested", "assigned", "started", "done", "cancelled")
PAYMENTS = ("card", "upi", "after")
MOST_PEOPLE = 100  # whose bookings are looked for; more of that name need more letters
SHORTEST_NAME = 3  # letters; an index of three letters finds nothing for fewer
LONGEST_REFERENCE = 8

_customer, _worker = aliased(User), aliased(User)
_NAME_OF_CUSTOMER = select(_customer.full_name).where(_customer.id == Booking.customer_id).scalar_subquery()
_NAME_OF_WORKER = select(_worker.full_name).where(_worker.id == Booking.professional_id).scalar_subquery()
_PLACE = select(Pincode.place).where(Pincode.pincode == Booking.pincode).scalar_subquery()
# Names are read for the rows that are shown, not for those that are counted or passed over.
ROW: Query = select(
    Booking.id,
    Booking.reference,
    Booking.service_name,
    Booking.state,
    Booking.cancelled_as,
    Booking.starts_at,
    Booking.ends_at,
    Booking.created_at,
    Booking.price,
    _NAME_OF_CUSTOMER.label("customer"),
    _NAME_OF_WORKER.label("professional"),
    _PLACE.label("place"),
)


@dataclass(frozen=True, slots=True)
class Found:
    """Whom and what the typed words mean. `cut`: more people are called that than are looked for."""

    q: str = ""
    people: Sequence[int] = ()
    services: Sequence[int] = ()
    cut: bool = False


class Desk:
    """`chosen` holds the fields of the table's address, "" where there is none; what cannot be read finds nothing."""

    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def listed(
        self, chosen: Mapping[str, str], found: Found, *, sort: str, descending: bool, after: str
    ) -> Slice:
        query = ROW.where(*conditions(chosen), *called(found))
        return await slice_of(self._db, query, key=Booking.id, sort=SORTS[sort], descending=descending, after=after)

    async def counts(self, chosen: Mapping[str, str], q: str) -> dict[str, int | None]:
        """How many there are in each state of CHIPS, if nothing else is asked for."""
        if q or any(value for name, value in chosen.items() if name != "state"):
            return {}
        return {state: await counted(self._db, ROW.where(*conditions({"state": state}))) for state in CHIPS}

    async def named(self, q: str) -> Found:
        """Names, phones and addresses of people hold `q`, or names of services; or references begin with it."""
        typed = q.strip().lower()
        if not typed:
            return Found()
        people: list[int] = []
        if len(typed) >= SHORTEST_NAME:
            asked = select(User.id).where(User.words.contains(typed, autoescape=True))
            people = list(await self._db.scalars(asked.limit(MOST_PEOPLE + 1)))
        services = select(Service.id).where(Service.name.icontains(typed, autoescape=True)).limit(MOST_PEOPLE)
        cut = len(people) > MOST_PEOPLE
        return Found(typed, people[:MOST_PEOPLE], list(await self._db.scalars(services)), cut)

    async def row(self, booking_id: int) -> AnyRow:
        """One line of the table, as it is now."""
        return (await self._db.execute(ROW.where(Booking.id == booking_id))).one()

    async def person(self, typed: str) -> str:
        """The name of whom a filter means."""
        number = row_number(typed)
        name = await self._db.scalar(select(User.full_name).where(User.id == number)) if number else None
        return str(name or "–")

    async def service(self, typed: str) -> str:
        number = row_number(typed)
        name = await self._db.scalar(select(Service.name).where(Service.id == number)) if number else None
        return str(name or "–")

    async def categories(self) -> list[tuple[str, str]]:
        """(slug, name), in the order of the doors."""
        query = select(Category.slug, Category.name).order_by(Category.position, Category.id)
        return [(row[0], row[1]) for row in await self._db.execute(query)]


def conditions(chosen: Mapping[str, str]) -> Iterator[ColumnElement[bool]]:
    """What the fields of the address ask of a booking."""
    for name, fits in FITS.items():
        if value := chosen.get(name, ""):
            yield fits(value)


def called(found: Found) -> Iterator[ColumnElement[bool]]:
    if not found.q:
        return
    one = aliased(Booking)
    # Each way has its index; said as one OR none of them would be used.
    begins = found.q.upper()[:LONGEST_REFERENCE]
    is_reference = found.q.isascii() and found.q.isalnum() and len(found.q) <= LONGEST_REFERENCE
    ways = [
        select(one.id).where(one.customer_id.in_(found.people)),
        select(one.id).where(one.professional_id.in_(found.people)),
    ]
    if is_reference:
        ways.append(select(one.id).where(one.reference.between(begins, begins.ljust(LONGEST_REFERENCE, "Z"))))
    theirs = Booking.id.in_(union_all(*ways))
    yield or_(theirs, Booking.service_id.in_(found.services)) if found.services else theirs


def _day(typed: str) -> date | None:
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2100 else None


def _from(value: str) -> ColumnElement[bool]:
    day = _day(value)
    return Booking.starts_at >= clock.at(day) if day else false()


def _to(value: str) -> ColumnElement[bool]:
    day = _day(value)
    return Booking.starts_at < clock.at(day + timedelta(days=1)) if day else false()


def _state(value: str) -> ColumnElement[bool]:
    states = [str(state) for state in STATES.get(value, ())]
    return Booking.state == states[0] if len(states) == 1 else Booking.state.in_(states)


def _number(column: Any) -> Callable[[str], ColumnElement[bool]]:
    def fits(value: str) -> ColumnElement[bool]:
        number = row_number(value)
        return column == number if number else false()

    return fits


def _word(column: Any, words: Collection[str]) -> Callable[[str], ColumnElement[bool]]:
    return lambda value: column == value if value in words else false()


def _under(value: str) -> ColumnElement[bool]:
    minutes = row_number(value)
    return Booking.accepted_minutes < minutes if minutes and minutes < 2**31 else false()


def _rating(value: str) -> ColumnElement[bool]:
    if value == "yes":
        return Booking.rating.is_not(None)
    return Booking.rating == int(value) if value in ("1", "2", "3", "4", "5") else false()


def _locked(_value: str) -> ColumnElement[bool]:
    """In these states exactly one code is live, unless it is void."""
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


FITS: dict[str, Callable[[str], ColumnElement[bool]]] = {
    "state": _state,
    "cancelled_as": _word(Booking.cancelled_as, ENDS),
    "from": _from,
    "to": _to,
    "service": _number(Booking.service_id),
    "category": _category,
    "pincode": lambda value: Booking.pincode == value,
    "professional": _number(Booking.professional_id),
    "customer": _number(Booking.customer_id),
    "payment": _word(Booking.payment, PAYMENTS),
    "accepted": lambda _value: Booking.accepted_minutes.is_not(None),
    "accepted_under": _under,
    "rating": _rating,
    "by_clock": lambda _value: Booking.by_clock == true(),
    "disputed": lambda _value: Booking.id.in_(select(Dispute.booking_id)),
    "locked": _locked,
    "blocked": _blocked,
}
