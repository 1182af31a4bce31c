"""The customers as the desk lists them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.area import Address, Pincode
from app.accounts.repository import IDS
from app.accounts.user import Block, Role, User
from app.kit.errors import Missing
from app.kit.keyset import AnyRow, Query, Slice, Sort, counted, slice_of

SORTS = {"since": Sort(User.created_at, datetime), "name": Sort(User.full_name)}
STATES = ("", "blocked", "left")
_BLOCKED = select(Block.id).where(Block.user_id == User.id, Block.lifted_at.is_(None)).exists()
_PERSON: Query = (
    select(
        User.id,
        User.full_name,
        User.email,
        User.phone,
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


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the table is asked for: words in name, e-mail or phone, and a state of STATES."""

    q: str = ""
    state: str = ""


class Customers:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def listed(self, wanted: Wanted, *, sort: str, descending: bool, after: str) -> Slice:
        return await slice_of(
            self._db, _found(wanted), key=User.id, sort=SORTS[sort], descending=descending, after=after
        )

    async def counts(self, q: str) -> dict[str, int | None]:
        """How many there are in each state, of those that `q` finds."""
        return {state: await counted(self._db, _found(Wanted(q, state))) for state in STATES}

    async def one(self, customer_id: int) -> AnyRow:
        if customer_id not in IDS:
            raise Missing()
        row = (await self._db.execute(_PERSON.where(User.id == customer_id))).one_or_none()
        if row is None:
            raise Missing()
        return row


def _found(wanted: Wanted) -> Query:
    query = _PERSON
    if wanted.q:
        query = query.where(User.words.contains(wanted.q.lower(), autoescape=True))
    if wanted.state == "blocked":
        query = query.where(_BLOCKED)
    if wanted.state == "left":
        query = query.where(User.left_at.is_not(None))
    return query
