"""The professionals as the desk lists them. Every order of the table has an index in their own rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, ColumnElement, any_, cast, func, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.address import Address, Pincode
from app.accounts.professional import APPROVED, BLOCKED, DENIED, WAITING, Professional
from app.accounts.repository import IDS
from app.accounts.user import User
from app.catalog.service import Service
from app.core.errors import Missing
from app.core.keyset import COUNTED, PAGE, AnyRow, Query, Slice, Sort, counted, slice_of
from app.scheduling.working_hours import Coverage, Offering

SORTS = {
    "state": Sort(Professional.shown_as, int),
    "name": Sort(User.full_name),
    "area": Sort(Pincode.place),
    "jobs": Sort(Professional.jobs, int),
    "rating": Sort(Professional.stars, int),
    "since": Sort(User.created_at, datetime),
}
STATES = {"waiting": WAITING, "approved": APPROVED, "denied": DENIED, "blocked": BLOCKED}
SOUGHT = 2 * COUNTED  # hits, before who is found twice is counted once
LONG_ENOUGH = 3  # letters of a service's name; fewer would find every service, and no index
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


@dataclass(frozen=True, slots=True)
class Meant:
    """Whom the typed words mean: `ids`, or None when each row is asked; `services` are called so.

    `many`: more than COUNTED, for sure.
    """

    typed: str = ""
    ids: Sequence[int] | None = None
    services: Sequence[int] = ()
    many: bool = False

    def fits(self) -> Iterator[ColumnElement[bool]]:
        if self.ids is not None:
            yield Professional.user_id == any_(cast(list(self.ids), ARRAY(BigInteger)))
        elif self.typed:
            yield _has_words(self.typed, self.services)


class Professionals:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def meant(self, q: str) -> Meant:
        """Whom the words find. When they are many, the first of them come soon in any order of the table."""
        typed = q.lower()
        if len(typed) < LONG_ENOUGH:
            return Meant(typed)
        found = (await self._db.scalars(_by_words(typed).limit(SOUGHT + 1))).all()
        if len(found) > SOUGHT and len(set(found)) <= COUNTED:  # the same few, found in several ways
            found = (await self._db.scalars(_by_words(typed).distinct().limit(COUNTED + 1))).all()
        ids = sorted(set(found))
        return Meant(typed, ids) if len(ids) <= COUNTED else Meant(typed, None, await self._services(typed), True)

    async def listed(
        self, wanted: Wanted, meant: Meant, *, sort: str, descending: bool, after: str, limit: int = PAGE
    ) -> Slice:
        return await slice_of(
            self._db,
            _PERSON.where(*_asked(wanted), *meant.fits()),
            key=Professional.user_id,
            sort=SORTS[sort],
            descending=descending,
            after=after,
            limit=limit,
            counts=_as_many(wanted, meant),
            most=0 if meant.many and wanted == Wanted(wanted.q) else COUNTED,
        )

    async def counts(self, wanted: Wanted, meant: Meant) -> dict[str, int | None]:
        """How many there are in each state, of those that are found otherwise. None when each row would be asked."""
        if meant.typed and meant.ids is None:
            return dict.fromkeys(("", *STATES))
        return {
            state: await counted(self._db, _as_many(replace(wanted, state=state), meant)) for state in ("", *STATES)
        }

    async def _services(self, typed: str) -> Sequence[int]:
        return (await self._db.scalars(select(Service.id).where(Service.name.icontains(typed, autoescape=True)))).all()

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
    """All of them, for who reads them to the end."""
    query = _PERSON.where(*_asked(wanted))
    return query.where(User.id.in_(_by_words(wanted.q.lower()))) if wanted.q else query


def _as_many(wanted: Wanted, meant: Meant) -> Query:
    """As many rows as the table has. Each has one account and one home, which are read for their words only."""
    rows = _PERSON if meant.typed and meant.ids is None else select(Professional.user_id)
    return rows.where(*_asked(wanted), *meant.fits())


def _asked(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    if wanted.state:
        yield Professional.shown_as == STATES[wanted.state]
    if wanted.service is not None:
        offers = Offering.professional_id == Professional.user_id, Offering.service_id == wanted.service
        yield select(Offering.service_id).where(*offers, Offering.standing != "denied").exists()
    if wanted.pincode:
        covers = Coverage.professional_id == Professional.user_id, Coverage.pincode == wanted.pincode
        yield select(Coverage.pincode).where(*covers).exists()


def _by_words(q: str) -> Query:
    """Whose name, e-mail, phone, trade or home it stands in; who works in that pincode; who offers such a service.

    Each way has its index. Who is found in several ways is there several times.
    """
    person = select(User.id).where(User.words.contains(q, autoescape=True), User.role == "professional")
    places = or_(Pincode.place.icontains(q, autoescape=True), Pincode.pincode.startswith(q, autoescape=True))
    home = Professional.home_pincode.in_(select(Pincode.pincode).where(places))
    trade = Professional.trade.icontains(q, autoescape=True)
    ways: list[Query] = [person, select(Professional.user_id).where(trade), select(Professional.user_id).where(home)]
    if _is_pincode(q):
        ways.append(select(Coverage.professional_id).where(Coverage.pincode == q))
    if len(q) >= LONG_ENOUGH:
        service = select(Service.id).where(Service.name.icontains(q, autoescape=True))
        ways.append(select(Offering.professional_id).where(Offering.service_id.in_(service)))
    some = union_all(*ways).subquery()
    return select(some.c[0])


def _has_words(q: str, services: Sequence[int]) -> ColumnElement[bool]:
    """The same of one row of _PERSON. Read alone each time: gathered first, they would be half of the platform."""
    ways: list[ColumnElement[bool]] = [
        User.words.contains(q, autoescape=True),
        Professional.trade.icontains(q, autoescape=True),
        Pincode.place.icontains(q, autoescape=True),
        Pincode.pincode.startswith(q, autoescape=True),
    ]
    if _is_pincode(q):
        covers = Coverage.professional_id == Professional.user_id, Coverage.pincode == q
        ways.append(select(Coverage.pincode).where(*covers).limit(1).scalar_subquery().is_not(None))
    if services:
        called = Offering.service_id == any_(cast(list(services), ARRAY(BigInteger)))
        offers = select(Offering.service_id).where(Offering.professional_id == Professional.user_id, called)
        ways.append(offers.limit(1).scalar_subquery().is_not(None))
    return or_(*ways)


def _is_pincode(q: str) -> bool:
    return len(q) == 6 and q.isdecimal()
