"""The professionals as the desk lists them. Every order of the table has an index in their own rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.area import Address, Pincode
from app.accounts.repository import IDS
from app.accounts.user import User
from app.availability.working import Coverage, Offering
from app.catalog.service import Service
from app.kit.errors import Missing
from app.kit.keyset import AnyRow, Query, Slice, Sort, counted, slice_of
from app.vetting.professional import APPROVED, BLOCKED, DENIED, WAITING, Professional

SORTS = {
    "state": Sort(Professional.shown_as, int),
    "name": Sort(User.full_name),
    "area": Sort(Pincode.place),
    "jobs": Sort(Professional.jobs, int),
    "rating": Sort(Professional.stars, int),
    "since": Sort(User.created_at, datetime),
}
STATES = {"waiting": WAITING, "approved": APPROVED, "denied": DENIED, "blocked": BLOCKED}
LONG_ENOUGH = 3  # letters of a service's name; fewer would find every service
_OFFERED = (
    select(func.count())
    .select_from(Offering)
    .where(Offering.professional_id == Professional.user_id, Offering.standing != "denied")
)
_PERSON: Query = (
    select(
        User.id,
        User.full_name,
        User.email,
        User.email_verified_at,
        User.phone,
        User.created_at,
        User.left_at,
        Professional.trade,
        Professional.experience_years,
        Professional.standing,
        Professional.denial_reason,
        Professional.papers_expire_on,
        Professional.shown_as,
        Professional.jobs,
        Professional.stars,
        Pincode.place,
        Pincode.pincode,
        _OFFERED.scalar_subquery().label("services"),
    )
    .join(Professional, Professional.user_id == User.id)
    .join(Pincode, Pincode.pincode == Professional.home_pincode)
    # Said of all of them, so that the indexes of people by role serve names and days too.
    .where(User.role == "professional")
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the table is asked for: words, a state of STATES, a service they offer, a pincode where they work."""

    q: str = ""
    state: str = ""
    service: int | None = None
    pincode: str = ""


class Professionals:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def listed(self, wanted: Wanted, *, sort: str, descending: bool, after: str) -> Slice:
        return await slice_of(
            self._db, found(wanted), key=Professional.user_id, sort=SORTS[sort], descending=descending, after=after
        )

    async def counts(self, wanted: Wanted) -> dict[str, int | None]:
        """How many there are in each state, of those that are found otherwise."""
        return {
            state: await counted(self._db, found(Wanted(wanted.q, state, wanted.service, wanted.pincode)))
            for state in ("", *STATES)
        }

    async def one(self, professional_id: int) -> AnyRow:
        if professional_id not in IDS:
            raise Missing()
        row = (await self._db.execute(_PERSON.where(User.id == professional_id))).one_or_none()
        if row is None:
            raise Missing()
        return row

    async def addresses(self, professional_id: int) -> Sequence[AnyRow]:
        query = select(Address.line, Address.pincode, Pincode.place)
        query = query.join(Pincode, Pincode.pincode == Address.pincode).where(Address.user_id == professional_id)
        return (await self._db.execute(query.order_by(Address.id))).all()

    async def areas(self, professional_id: int) -> int:
        query = select(func.count()).select_from(Coverage).where(Coverage.professional_id == professional_id)
        return (await self._db.execute(query)).scalar_one()

    async def service_name(self, service_id: int) -> str | None:
        name: str | None = await self._db.scalar(select(Service.name).where(Service.id == service_id))
        return name


def found(wanted: Wanted) -> Query:
    query = _PERSON
    if wanted.q:
        query = query.where(User.id.in_(_by_words(wanted.q.lower())))
    if wanted.state:
        query = query.where(Professional.shown_as == STATES[wanted.state])
    if wanted.service is not None:
        offers = Offering.professional_id == Professional.user_id, Offering.service_id == wanted.service
        query = query.where(select(Offering.service_id).where(*offers, Offering.standing != "denied").exists())
    if wanted.pincode:
        covers = Coverage.professional_id == Professional.user_id, Coverage.pincode == wanted.pincode
        query = query.where(select(Coverage.pincode).where(*covers).exists())
    return query


def _by_words(q: str) -> Query:
    """Whose name, e-mail, phone, trade or home it stands in; who works in that pincode; who offers such a service."""
    person = select(User.id).where(User.words.contains(q, autoescape=True))
    home = Professional.home_pincode.in_(
        select(Pincode.pincode).where(
            or_(func.lower(Pincode.place).contains(q, autoescape=True), Pincode.pincode.startswith(q, autoescape=True))
        )
    )
    trade = func.lower(Professional.trade).contains(q, autoescape=True)
    ways: list[Query] = [person, select(Professional.user_id).where(home), select(Professional.user_id).where(trade)]
    if len(q) == 6 and q.isdecimal():
        ways.append(select(Coverage.professional_id).where(Coverage.pincode == q))
    if len(q) >= LONG_ENOUGH:
        service = select(Service.id).where(func.lower(Service.name).contains(q, autoescape=True))
        ways.append(select(Offering.professional_id).where(Offering.service_id.in_(service)))
    some = union_all(*ways).subquery()
    return select(some.c[0])
