"""All events as the desk lists them, and one with its place in the chain of its record."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import IDS
from app.accounts.user import User
from app.audit.history import FACTS, Fact, History
from app.audit.messages import FAMILIES
from app.core import clock
from app.core.errors import Missing
from app.core.events import Chain, Event
from app.core.keyset import Slice, Sort, slice_of

MOST_PEOPLE = 20  # whom a few letters may mean
BY_TIME = Sort(Event.at, datetime)
FAMILY = func.split_part(Event.name, literal_column("'.'"), literal_column("1"))
LINKS = (
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
class Wanted:
    """`people`: letters of a name, phone or e-mail; `by`: somebody's id; `name`: an event or a family; whole days."""

    people: str = ""
    by: int | None = None
    record: str = ""
    name: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """Of the chain up to an event: how many links were recomputed, and at which one it breaks, if at any."""

    links: int
    broken_at: int


class Events:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def listed(self, wanted: Wanted, *, descending: bool, after: str) -> Slice:
        """Facts."""
        query = FACTS.where(*await self._conditions(wanted))
        found = await slice_of(self._db, query, key=Event.id, sort=BY_TIME, descending=descending, after=after)
        return replace(found, rows=await History(self._db).facts_of(found.rows))

    async def one(self, event_id: int) -> Fact:
        if event_id not in IDS:
            raise Missing()
        rows = (await self._db.execute(FACTS.where(Event.id == event_id))).all()
        if not rows:
            raise Missing()
        return (await History(self._db).facts_of(rows))[0]

    async def proof(self, fact: Fact) -> Proof:
        """Every hash of its record recomputed, from the first event to this one."""
        query = select(*LINKS).where(Event.subject == fact.subject, Event.seq <= fact.seq).order_by(Event.seq)
        chain, links = Chain(fact.subject), 0
        for row in await self._db.execute(query):
            chain.put_on(row)
            links += 1
        return Proof(links, chain.broken_at)

    async def person(self, person_id: int | None) -> tuple[str, str] | None:
        """Name and role."""
        if person_id is None or person_id not in IDS:
            return None
        found = await self._db.execute(select(User.full_name, User.role).where(User.id == person_id))
        row = found.one_or_none()
        return (row.full_name, row.role) if row else None

    async def _conditions(self, wanted: Wanted) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if wanted.people:
            found.append(Event.actor_id.in_(await self._meant(wanted.people)))
        if wanted.by is not None:
            found.append(Event.actor_id == wanted.by)
        if wanted.record:
            found.append(Event.subject == wanted.record)
        if wanted.name:
            asked = FAMILY if wanted.name in FAMILIES else Event.name
            found.append(asked == wanted.name)
        if wanted.since:
            found.append(Event.at >= clock.at(wanted.since))
        if wanted.until:
            found.append(Event.at < clock.at(wanted.until + timedelta(days=1)))
        return found

    async def _meant(self, letters: str) -> list[int]:
        """Those of this name, phone or e-mail, as many as one can still mean."""
        query = select(User.id).where(User.words.contains(letters.lower(), autoescape=True))
        return list(await self._db.scalars(query.order_by(User.id).limit(MOST_PEOPLE)))
