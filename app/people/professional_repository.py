"""The admin's table of professionals. Each sort order has an index on their own rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, ColumnElement, and_, any_, cast, func, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.address import Address, Pincode
from app.accounts.contact_fields import typed_pincode
from app.accounts.professional import APPROVED, BLOCKED, DENIED, WAITING, Professional
from app.accounts.repository import ROW_IDS, matches_person
from app.accounts.user import User
from app.catalog.service import Service
from app.core.errors import Missing
from app.core.paging import MAX_COUNTED_ROWS, PAGE_SIZE, AnyRow, CountedPage, Query, Sort, count_rows, fetch_page
from app.core.typed_text import normal_line, without_separators
from app.scheduling.working_hours import Coverage, OfferedService
from app.vetting.repository import PROFILE

SORTS = {
    "state": Sort(Professional.admin_status, int),
    "name": Sort(User.full_name),
    "area": Sort(Pincode.place),
    "jobs": Sort(Professional.jobs, int),
    "rating": Sort(Professional.stars, int),
    "since": Sort(User.created_at, datetime),
}
STATES = {"waiting": WAITING, "approved": APPROVED, "denied": DENIED, "blocked": BLOCKED}
MAX_HITS = 2 * MAX_COUNTED_ROWS  # before duplicates are removed
MIN_SEARCH_LENGTH = 3  # characters; fewer match too much and use no index
_OFFERED_COUNT = (
    select(func.count())
    .select_from(OfferedService)
    .where(OfferedService.professional_id == Professional.user_id, OfferedService.approval_status != "denied")
)
_PERSON: Query = PROFILE.add_columns(
    User.email_verified_at, Professional.documents_expire_on, _OFFERED_COUNT.scalar_subquery().label("services")
)


@dataclass(frozen=True, slots=True)
class ProfessionalFilter:
    """Filters of the table: search text, a state of STATES, an offered service, a pincode of the service area."""

    q: str = ""
    state: str = ""
    service: int | None = None
    pincode: str = ""


@dataclass(frozen=True, slots=True)
class NameMatches:
    """Who matches the search text: `ids`, or None to test each row; `services` have matching names.

    `too_many`: certainly more than MAX_COUNTED_ROWS.
    """

    text: str = ""
    ids: Sequence[int] | None = None
    services: Sequence[int] = ()
    too_many: bool = False

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        if self.ids is not None:
            yield Professional.user_id == any_(cast(list(self.ids), ARRAY(BigInteger)))
        elif self.text:
            yield _row_matches(self.text, self.services)


class Professionals:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def match_words(self, q: str) -> NameMatches:
        """Find the matching professionals; with many matches rows are tested one by one, which fills a page soon."""
        typed = normal_line(q).lower()
        if len(typed) < MIN_SEARCH_LENGTH:
            return NameMatches(typed)
        ids_found = (await self._db.scalars(_ids_matching(typed).limit(MAX_HITS + 1))).all()
        if len(ids_found) > MAX_HITS and len(set(ids_found)) <= MAX_COUNTED_ROWS:  # few, matched several times
            ids_found = (await self._db.scalars(_ids_matching(typed).distinct().limit(MAX_COUNTED_ROWS + 1))).all()
        ids = sorted(set(ids_found))
        return (
            NameMatches(typed, ids)
            if len(ids) <= MAX_COUNTED_ROWS
            else NameMatches(typed, None, await self._services_named(typed), True)
        )

    async def list_page(
        self,
        criteria: ProfessionalFilter,
        matches: NameMatches,
        *,
        sort: str,
        descending: bool,
        after: str,
        limit: int = PAGE_SIZE,
    ) -> CountedPage:
        return await fetch_page(
            self._db,
            _PERSON.where(*_conditions(criteria), *matches.conditions()),
            key=Professional.user_id,
            sort=SORTS[sort],
            descending=descending,
            after=after,
            limit=limit,
            count_query=_count_query(criteria, matches),
            max_count=0 if matches.too_many and criteria == ProfessionalFilter(criteria.q) else MAX_COUNTED_ROWS,
        )

    async def counts(self, criteria: ProfessionalFilter, matches: NameMatches) -> dict[str, int | None]:
        """The number of matches in each state; None where each row would have to be tested."""
        if matches.text and matches.ids is None:
            return dict.fromkeys(("", *STATES))
        return {
            state: await count_rows(self._db, _count_query(replace(criteria, state=state), matches))
            for state in ("", *STATES)
        }

    async def _services_named(self, typed: str) -> Sequence[int]:
        return (await self._db.scalars(select(Service.id).where(Service.name.icontains(typed, autoescape=True)))).all()

    async def get(self, professional_id: int) -> AnyRow:
        if professional_id not in ROW_IDS:
            raise Missing()
        row = (await self._db.execute(_PERSON.where(User.id == professional_id))).one_or_none()
        if row is None:
            raise Missing()
        return row

    async def addresses(self, professional_id: int) -> Sequence[AnyRow]:
        query = select(Address.line, Address.pincode, Pincode.place)
        query = query.join(Pincode, Pincode.pincode == Address.pincode).where(Address.user_id == professional_id)
        return (await self._db.execute(query.order_by(Address.id))).all()

    async def area_count(self, professional_id: int) -> int:
        query = select(func.count()).select_from(Coverage).where(Coverage.professional_id == professional_id)
        return (await self._db.execute(query)).scalar_one()

    async def service_name(self, service_id: int) -> str | None:
        name: str | None = await self._db.scalar(select(Service.name).where(Service.id == service_id))
        return name


def filtered_query(criteria: ProfessionalFilter) -> Query:
    """All matching professionals, for exports."""
    query = _PERSON.where(*_conditions(criteria))
    return query.where(User.id.in_(_ids_matching(normal_line(criteria.q).lower()))) if criteria.q else query


def _count_query(criteria: ProfessionalFilter, matches: NameMatches) -> Query:
    """As many rows as the table; account and home, one each, are joined only when searched."""
    rows = _PERSON if matches.text and matches.ids is None else select(Professional.user_id)
    return rows.where(*_conditions(criteria), *matches.conditions())


def _conditions(criteria: ProfessionalFilter) -> Iterator[ColumnElement[bool]]:
    if criteria.state == "approved":  # also while a change waits
        has_change = and_(Professional.admin_status == WAITING, Professional.approval_status == "approved")
        yield or_(Professional.admin_status == APPROVED, has_change)
    elif criteria.state:
        yield Professional.admin_status == STATES[criteria.state]
    if criteria.service is not None:
        offers = OfferedService.professional_id == Professional.user_id, OfferedService.service_id == criteria.service
        yield select(OfferedService.service_id).where(*offers, OfferedService.approval_status != "denied").exists()
    if criteria.pincode:
        covers = Coverage.professional_id == Professional.user_id, Coverage.pincode == criteria.pincode
        yield select(Coverage.pincode).where(*covers).exists()


def _ids_matching(q: str) -> Query:
    """Ids matching by name, email, phone, trade, home, service area or offered service; with duplicates.

    Each condition has its index.
    """
    person = select(User.id).where(matches_person(q), User.role == "professional")
    places = or_(Pincode.place.icontains(q, autoescape=True), _begins_pincode(q))
    home = Professional.home_pincode.in_(select(Pincode.pincode).where(places))
    trade = Professional.trade.icontains(q, autoescape=True)
    queries: list[Query] = [person, select(Professional.user_id).where(trade), select(Professional.user_id).where(home)]
    if pincode := typed_pincode(q):
        queries.append(select(Coverage.professional_id).where(Coverage.pincode == pincode))
    if len(q) >= MIN_SEARCH_LENGTH:
        service = select(Service.id).where(Service.name.icontains(q, autoescape=True))
        queries.append(select(OfferedService.professional_id).where(OfferedService.service_id.in_(service)))
    matches = union_all(*queries).subquery()
    return select(matches.c[0])


def _begins_pincode(q: str) -> ColumnElement[bool]:
    return Pincode.pincode.startswith(without_separators(q) or q, autoescape=True)


def _row_matches(q: str, services: Sequence[int]) -> ColumnElement[bool]:
    """The same condition on one row of _PERSON, without collecting ids first, which could be half of all users."""
    queries: list[ColumnElement[bool]] = [
        matches_person(q),
        Professional.trade.icontains(q, autoescape=True),
        Pincode.place.icontains(q, autoescape=True),
        _begins_pincode(q),
    ]
    if pincode := typed_pincode(q):
        covers = Coverage.professional_id == Professional.user_id, Coverage.pincode == pincode
        queries.append(select(Coverage.pincode).where(*covers).limit(1).scalar_subquery().is_not(None))
    if services:
        named = OfferedService.service_id == any_(cast(list(services), ARRAY(BigInteger)))
        offers = select(OfferedService.service_id).where(OfferedService.professional_id == Professional.user_id, named)
        queries.append(offers.limit(1).scalar_subquery().is_not(None))
    return or_(*queries)
