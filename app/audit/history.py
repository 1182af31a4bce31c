"""The history of a record, as people read it: who did what, when, by which way, what it was before and is now."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.user import User
from app.audit.details import WORDS, Line, ids_in, lines_of
from app.audit.messages import CHANGES, ONE_CHANGED, ONE_EMPTIED, ONE_SET, SAID, WAYS
from app.core.events import Event, EventValue
from app.core.i18n import _
from app.core.keyset import AnyRow, Slice, Sort, slice_of

PAGE = 20
FACTS = select(
    Event.id,
    Event.subject,
    Event.seq,
    Event.name,
    Event.at,
    Event.actor_id,
    Event.actor_role,
    Event.facts,
    Event.previous,
    Event.hash,
    User.full_name.label("actor"),
).outerjoin(User, User.id == Event.actor_id)


@dataclass(frozen=True)
class Fact:
    """One event. `kept` are its personal values that are not erased, `people` the names of those it mentions."""

    id: int
    subject: str
    seq: int
    name: str
    at: datetime
    actor_id: int | None
    actor_role: str
    actor: str | None
    facts: Mapping[str, Any]
    previous: bytes
    hash: bytes
    kept: Mapping[str, str]
    people: Mapping[int, str]

    @property
    def who(self) -> str:
        """The actor's name in full; of the clock and the rules, Doorstep's."""
        return _(self.actor) if self.actor else "Doorstep"

    @property
    def role(self) -> str:
        return _(WORDS.get(self.actor_role, self.actor_role))

    @property
    def way(self) -> str:
        """By which way they had come; "" of old events, which do not say."""
        channel = WAYS.get(str(self.facts.get("channel")))
        return _(channel) if channel else ""

    @property
    def sentence(self) -> str:
        line = self._only_change
        if line is not None and self.name in CHANGES:
            words = ONE_SET if not line.before else ONE_EMPTIED if not line.now else ONE_CHANGED
            return _(words, who=self.who, what=line.label, before=line.before, after=line.now)
        return _(SAID.get(self.name, f"%(who)s: {self.name}"), who=self.who)

    @property
    def lines(self) -> Sequence[Line]:
        """What the sentence does not say."""
        told = self._only_change if self.name in CHANGES else None
        return [line for line in self.all_lines if line is not told]

    @cached_property
    def all_lines(self) -> list[Line]:
        return lines_of(self.name, self.facts, self.kept, self.people)

    @property
    def _only_change(self) -> Line | None:
        changes = [line for line in self.all_lines if line.changed]
        return changes[0] if len(changes) == 1 else None


class History:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def of(self, subject: str, after: str | None = None) -> Slice:
        """A page of the record's history, the latest first; its rows are Facts."""
        query = FACTS.where(Event.subject == subject)
        found = await slice_of(
            self._db, query, key=Event.id, sort=Sort(Event.seq, int), descending=True, after=after, limit=PAGE
        )
        return replace(found, rows=await self.facts_of(found.rows))

    async def facts_of(self, rows: Iterable[AnyRow]) -> list[Fact]:
        """Rows of FACTS, with what else people read of them."""
        rows = list(rows)
        kept = await self._kept([row.id for row in rows])
        names = await self._names({person for row in rows for person in ids_in(row.facts)})
        return [_fact(row, kept.get(row.id, {}), names) for row in rows]

    async def _kept(self, event_ids: Collection[int]) -> dict[int, dict[str, str]]:
        query = select(EventValue.event_id, EventValue.name, EventValue.value)
        found: dict[int, dict[str, str]] = {}
        for row in await self._db.execute(query.where(EventValue.event_id.in_(event_ids))):
            found.setdefault(row.event_id, {})[row.name] = row.value
        return found

    async def _names(self, person_ids: Collection[int]) -> dict[int, str]:
        if not person_ids:
            return {}
        query = select(User.id, User.full_name).where(User.id.in_(person_ids))
        return {row.id: row.full_name for row in await self._db.execute(query)}


def _fact(row: AnyRow, kept: Mapping[str, str], people: Mapping[int, str]) -> Fact:
    return Fact(
        id=row.id,
        subject=row.subject,
        seq=row.seq,
        name=row.name,
        at=row.at,
        actor_id=row.actor_id,
        actor_role=row.actor_role,
        actor=row.actor,
        facts=row.facts,
        previous=row.previous,
        hash=row.hash,
        kept=kept,
        people=people,
    )
