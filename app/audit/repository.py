"""The admin's list of events, and the verification of a record's hash chain."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import ROW_IDS, matches_person
from app.accounts.user import User
from app.audit.history import ENTRIES, History, HistoryEntry
from app.core import clock
from app.core.errors import Missing
from app.core.event_types import registry
from app.core.events import Chain, Event
from app.core.paging import CountedPage, Sort, fetch_page

MAX_MATCHING_USERS = 20  # of a search by letters
BY_TIME = Sort(Event.at, datetime)
FAMILY = func.split_part(Event.name, literal_column("'.'"), literal_column("1"))
CHAIN_COLUMNS = (
    Event.subject,
    Event.seq,
    Event.name,
    Event.actor_id,
    Event.actor_role,
    Event.at,
    Event.facts,
    Event.previous,
    Event.hash,
)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """`people`: part of an actor's name, phone or email; `by`: an actor's id; `name`: an event or a family.

    `since` and `until` are whole days, both included.
    """

    people: str = ""
    by: int | None = None
    record: str = ""
    name: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class ChainProof:
    """How many hashes of a chain were recomputed; `broken_at` is the sequence number of the first bad one, or 0."""

    links: int
    broken_at: int


class EventQueries:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def matching(self, filters: EventFilter, *, descending: bool, after: str) -> CountedPage:
        """Return a page of HistoryEntry items."""
        query = ENTRIES.where(*await self._conditions(filters))
        page = await fetch_page(self._db, query, key=Event.id, sort=BY_TIME, descending=descending, after=after)
        return replace(page, items=await History(self._db).entries_of(page.items))

    async def get(self, event_id: int) -> HistoryEntry:
        """Raises Missing."""
        if event_id not in ROW_IDS:
            raise Missing()
        rows = (await self._db.execute(ENTRIES.where(Event.id == event_id))).all()
        if not rows:
            raise Missing()
        return (await History(self._db).entries_of(rows))[0]

    async def proof(self, entry: HistoryEntry) -> ChainProof:
        """Recompute every hash of the record, from its first event to this one."""
        query = select(*CHAIN_COLUMNS).where(Event.subject == entry.subject, Event.seq <= entry.seq)
        chain, links = Chain(entry.subject), 0
        for row in await self._db.execute(query.order_by(Event.seq)):
            chain.append(row)
            links += 1
        return ChainProof(links, chain.broken_at)

    async def name_and_role(self, user_id: int | None) -> tuple[str, str] | None:
        if user_id is None or user_id not in ROW_IDS:
            return None
        result = await self._db.execute(select(User.full_name, User.role).where(User.id == user_id))
        row = result.one_or_none()
        return (row.full_name, row.role) if row else None

    async def _conditions(self, filters: EventFilter) -> list[ColumnElement[bool]]:
        conditions: list[ColumnElement[bool]] = []
        if filters.people:
            conditions.append(Event.actor_id.in_(await self._matching_users(filters.people)))
        if filters.by is not None:
            conditions.append(Event.actor_id == filters.by)
        if filters.record:
            conditions.append(Event.subject == filters.record)
        if filters.name:
            is_family = any(family.name == filters.name for family in registry.families)
            conditions.append((FAMILY if is_family else Event.name) == filters.name)
        if filters.since:
            conditions.append(Event.at >= clock.at(filters.since))
        if filters.until:
            conditions.append(Event.at < clock.at(filters.until + timedelta(days=1)))
        return conditions

    async def _matching_users(self, text: str) -> list[int]:
        """The ids of users with this text in name, phone or email, at most MAX_MATCHING_USERS."""
        query = select(User.id).where(matches_person(text))
        return list(await self._db.scalars(query.order_by(User.id).limit(MAX_MATCHING_USERS)))
