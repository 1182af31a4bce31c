"""The customers as the desk lists them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.address import Address, Pincode
from app.accounts.repository import IDS
from app.accounts.user import Block, Role, User
from app.bookings.booking import Booking
from app.core.errors import Missing
from app.core.keyset import PAGE, AnyRow, Query, Slice, Sort, counted, slice_of

SORTS = {"since": Sort(User.created_at, datetime), "name": Sort(User.full_name)}
STATES = ("", "blocked", "left")
SHOWN = 20  # bookings in the panel
_BLOCKED = select(Block.id).where(Block.user_id == User.id, Block.lifted_at.is_(None)).exists()
_PERSON: Query = (
    select(
        User.id,
        User.full_name,
        User.email,
        User.phone,
        User.email_verified_at,
        User.created_at,
        User.left_at,
        func.coalesce(Pincode.place, "").label("place"),
        func.coalesce(Pincode.pincode, "").label("pincode"),
        _BLOCKED.label("blocked"),
    )
    .outerjoin(Address, (Address.user_id == User.id) & Address.is_main)
    .outerjoin(Pincode, Pincode.pincode == Address.pincode)
    .where(User.role == Role.CUSTOMER)
)
# `spent` is what was really taken of them, in paise.
AROUND = text(
    """
    SELECT (SELECT count(*) FROM bookings WHERE customer_id = :id AND state <> 'held') AS bookings,
           (SELECT count(*) FROM bookings WHERE customer_id = :id AND state IN ('requested', 'assigned', 'started'))
               AS open,
           (SELECT count(*) FROM bookings WHERE customer_id = :id AND state = 'cancelled' AND requested_at IS NOT NULL)
               AS cancelled,
           (SELECT coalesce(sum(captured - refunded), 0)::bigint FROM charges WHERE customer_id = :id) AS spent,
           (SELECT coalesce(sum(amount), 0)::bigint FROM charges WHERE customer_id = :id AND state = 'due') AS due,
           (SELECT count(*) FROM reviews WHERE customer_id = :id) AS reviews
    """
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the table is asked for: words in name, e-mail or phone, a pincode, and a state of STATES."""

    q: str = ""
    state: str = ""


class Customers:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def listed(self, wanted: Wanted, *, sort: str, descending: bool, after: str, limit: int = PAGE) -> Slice:
        by = SORTS[sort]
        return await slice_of(
            self._db,
            found(wanted),
            key=User.id,
            sort=by,
            descending=descending,
            after=after,
            limit=limit,
            counts=_as_many(wanted),
        )

    async def counts(self, q: str) -> dict[str, int | None]:
        """How many there are in each state, of those that `q` finds."""
        return {state: await counted(self._db, _as_many(Wanted(q, state))) for state in STATES}

    async def one(self, customer_id: int) -> AnyRow:
        if customer_id not in IDS:
            raise Missing()
        row = (await self._db.execute(_PERSON.where(User.id == customer_id))).one_or_none()
        if row is None:
            raise Missing()
        return row

    async def around(self, customer_id: int) -> AnyRow:
        """How much they booked, and what they paid and owe."""
        return (await self._db.execute(AROUND, {"id": customer_id})).one()

    async def addresses(self, customer_id: int) -> Sequence[AnyRow]:
        query = select(Address.line, Address.pincode, Pincode.place, Address.is_main)
        query = query.join(Pincode, Pincode.pincode == Address.pincode).where(Address.user_id == customer_id)
        return (await self._db.execute(query.order_by(Address.is_main.desc(), Address.id))).all()

    async def bookings(self, customer_id: int) -> Sequence[AnyRow]:
        """The latest ones."""
        what = Booking.reference, Booking.service_name, Booking.state, Booking.cancelled_as
        query = select(*what, Booking.starts_at, Booking.ends_at).where(Booking.customer_id == customer_id)
        return (await self._db.execute(query.order_by(Booking.starts_at.desc(), Booking.id.desc()).limit(SHOWN))).all()


def found(wanted: Wanted) -> Query:
    return _narrowed(_PERSON, wanted)


def _as_many(wanted: Wanted) -> Query:
    """As many rows as `found` has: each customer has one main address or none, so it need not be read."""
    query = select(User.id).where(User.role == Role.CUSTOMER)
    if _is_pincode(wanted.q):
        query = query.outerjoin(Address, (Address.user_id == User.id) & Address.is_main)
    return _narrowed(query, wanted)


def _is_pincode(q: str) -> bool:
    return q.isdigit() and len(q) == 6


def _narrowed(query: Query, wanted: Wanted) -> Query:
    if _is_pincode(wanted.q):
        query = query.where((Address.pincode == wanted.q) | User.words.contains(wanted.q))
    elif wanted.q:
        query = query.where(User.words.contains(wanted.q.lower(), autoescape=True))
    if wanted.state == "blocked":
        query = query.where(_BLOCKED)
    if wanted.state == "left":
        query = query.where(User.left_at.is_not(None))
    return query
