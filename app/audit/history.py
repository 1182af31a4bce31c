"""The history of a record: who did what, when, from which origin, and the values before and after."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.user import User
from app.audit.details import ENUM_LABELS, DetailLine, detail_lines, user_ids_in
from app.core.event_types import registry
from app.core.events import Event, EventValue
from app.core.i18n import N_, _
from app.core.paging import AnyRow, CountedPage, Sort, fetch_page

PAGE_SIZE = 20
ENTRIES = select(
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

# The whole sentence of an event whose type names a single change (app.core.event_types), by what happened to the value.
VALUE_CHANGED = N_("%(who)s changed %(what)s from %(before)s to %(after)s.")
VALUE_SET = N_("%(who)s set %(what)s to %(after)s.")
VALUE_EMPTIED = N_("%(who)s cleared %(what)s (was %(before)s).")

# How the actor acted (app.core.events.ORIGINS).
ORIGIN_LABELS = {
    "page": N_("web page"),
    "api": N_("API"),
    "task": N_("background task"),
    "command": N_("command line"),
}


@dataclass(frozen=True)
class HistoryEntry:
    """One event. `personal` are its values that are not erased, `people` the names of the users it mentions."""

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
    personal: Mapping[str, str]
    people: Mapping[int, str]

    @property
    def who(self) -> str:
        """The actor's full name; "Doorstep" for the platform."""
        return _(self.actor) if self.actor else "Doorstep"

    @property
    def role(self) -> str:
        return _(ENUM_LABELS.get(self.actor_role, self.actor_role))

    @property
    def origin_label(self) -> str:
        """How the actor acted, or "" for old events, which do not store it."""
        label = ORIGIN_LABELS.get(str(self.facts.get("channel")))
        return _(label) if label else ""

    @property
    def sentence(self) -> str:
        event_type, line = registry.get(self.name), self._named_change
        if line is not None:
            message = VALUE_SET if not line.before else VALUE_EMPTIED if not line.now else VALUE_CHANGED
            return _(message, who=self.who, what=line.label, before=line.before, after=line.now)
        return _(event_type.message if event_type else f"%(who)s: {self.name}", who=self.who)

    @property
    def lines(self) -> Sequence[DetailLine]:
        """All details but the one that the sentence contains."""
        named = self._named_change
        return [line for line in self.all_lines if line is not named]

    @cached_property
    def all_lines(self) -> list[DetailLine]:
        return detail_lines(self.name, self.facts, self.personal, self.people)

    @property
    def _named_change(self) -> DetailLine | None:
        """The only change, if the event type names it in its sentence."""
        event_type = registry.get(self.name)
        if event_type is None or not event_type.names_single_change:
            return None
        changes = [line for line in self.all_lines if line.changed]
        return changes[0] if len(changes) == 1 else None


class History:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def of(self, subject: str, after: str | None = None) -> CountedPage:
        """Return a page of the record's HistoryEntry items, the latest first."""
        query = ENTRIES.where(Event.subject == subject)
        page = await fetch_page(
            self._db, query, key=Event.id, sort=Sort(Event.seq, int), descending=True, after=after, limit=PAGE_SIZE
        )
        return replace(page, items=await self.entries_of(page.items))

    async def entries_of(self, rows: Iterable[AnyRow]) -> list[HistoryEntry]:
        """Turn rows of ENTRIES into entries, with their personal values and the names of the users they mention."""
        rows = list(rows)
        personal = await self._personal_values([row.id for row in rows])
        names = await self._names({user_id for row in rows for user_id in user_ids_in(row.facts)})
        return [_entry(row, personal.get(row.id, {}), names) for row in rows]

    async def _personal_values(self, event_ids: Collection[int]) -> dict[int, dict[str, str]]:
        query = select(EventValue.event_id, EventValue.name, EventValue.value)
        values: dict[int, dict[str, str]] = {}
        for row in await self._db.execute(query.where(EventValue.event_id.in_(event_ids))):
            values.setdefault(row.event_id, {})[row.name] = row.value
        return values

    async def _names(self, user_ids: Collection[int]) -> dict[int, str]:
        if not user_ids:
            return {}
        query = select(User.id, User.full_name).where(User.id.in_(user_ids))
        return {row.id: row.full_name for row in await self._db.execute(query)}


def _entry(row: AnyRow, personal: Mapping[str, str], people: Mapping[int, str]) -> HistoryEntry:
    return HistoryEntry(
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
        personal=personal,
        people=people,
    )
