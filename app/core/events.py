"""Domain events: append-only rows, one hash chain per record, and the messages that follow the commit.

`AuditedMixin.record` creates an event; the session writes it together with the record. A record's chain can be verified
from its rows alone: hash = SHA-256(previous hash + canonical JSON). Personal values are stored in `event_values`, where
they can be erased; the chain holds only their salted digests (W16).
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.event import listen
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from app.core import clock
from app.core.event_types import registry
from app.core.orm import NaturalKeyBase
from app.core.sql import arrays_of, insertable, insertion


class Actor(Protocol):
    """The actor of an action: the signed-in user, or PLATFORM."""

    @property
    def id(self) -> int | None: ...
    @property
    def role(self) -> str: ...


class Person(Actor, Protocol):
    """A user with an account: every actor except the platform."""

    @property
    def id(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Platform:
    """The actor of scheduled and automatic changes."""

    id: int | None = None
    role: str = "platform"


PLATFORM = Platform()

# Where the current action comes from: set per request, worker and command, recorded with every event as "channel".
ORIGINS = ("page", "api", "task", "command")
origin: ContextVar[str | None] = ContextVar("origin", default=None)


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """Published after the commit: `topic` is sent to `audience`.

    Audiences are "user:12", "area:600020", ADMIN_AUDIENCE, "cache" and "task:<queue>:<name>".
    """

    audience: str
    topic: str


class EventValue(NaturalKeyBase):
    """An erasable personal value of an event; its salted digest stays in the chain."""

    __tablename__ = "event_values"
    event_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("events.id"), primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    value: Mapped[str] = mapped_column(Text)


class Event(NaturalKeyBase):
    """An immutable fact with a dotted name in the past tense; the database refuses updates and deletes."""

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("subject", "seq", name="events_subject_seq_key"),
        Index("events_actor_idx", "actor_id", "at", "id"),
        Index("events_name_idx", "name", "at", "id"),
        # The family of an event is the part of its name before the dot.
        Index("events_family_idx", text("split_part(name, '.'::text, 1)"), "at", "id"),
        Index("events_at_idx", "at", "id"),
    )
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    subject: Mapped[str] = mapped_column(Text)
    seq: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(Text)
    actor_id: Mapped[int | None] = mapped_column(BigInteger)
    actor_role: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    facts: Mapped[dict[str, Any]]
    previous: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    values: Mapped[list[EventValue]] = relationship(lazy="raise", cascade="save-update")

    def digest(self) -> bytes:
        return chain_hash(
            self.previous, self.subject, self.seq, self.name, self.actor_id, self.actor_role, self.at, self.facts
        )


EVENTS: Table = Event.__table__  # type: ignore[assignment]  # declared as any FROM clause
# The values of events, as they are sent: each names its event by subject and sequence number.
VALUE_COLUMNS, VALUE_TYPES = ("subject", "seq", "name", "salt", "value"), ("text", "int", "text", "bytea", "text")


def chain_hash(
    previous: bytes,
    subject: str,
    seq: int,
    name: str,
    actor_id: int | None,
    actor_role: str,
    at: datetime,
    facts: Mapping[str, Any],
) -> bytes:
    """Return the hash of an event: SHA-256 of the previous hash and the event as canonical JSON."""
    timestamp = at.astimezone(UTC).isoformat(timespec="microseconds")
    canonical = json.dumps(
        [subject, seq, name, actor_id, actor_role, timestamp, facts],
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    )
    return hashlib.sha256(previous + canonical.encode()).digest()


def initial_hash(subject: str) -> bytes:
    """Return the previous hash of a record's first event."""
    return hashlib.sha256(subject.encode()).digest()


class StoredEvent(Protocol):
    """The chained columns of a row of `events`."""

    @property
    def subject(self) -> str: ...
    @property
    def seq(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def actor_id(self) -> int | None: ...
    @property
    def actor_role(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def facts(self) -> Mapping[str, Any]: ...
    @property
    def previous(self) -> bytes: ...
    @property
    def hash(self) -> bytes: ...


class Chain:
    """Verifies the events of one record in order; `broken_at` is the sequence number of the first bad one, or 0."""

    def __init__(self, subject: str) -> None:
        self.length, self.end, self.broken_at = 0, initial_hash(subject), 0

    def append(self, row: StoredEvent) -> bool:
        """Add the next event; return whether it continues the chain and has not been altered."""
        expected = chain_hash(
            row.previous, row.subject, row.seq, row.name, row.actor_id, row.actor_role, row.at, row.facts
        )
        valid = row.seq == self.length + 1 and row.previous == self.end and row.hash == expected
        self.length, self.end = row.seq, row.hash
        if not valid and not self.broken_at:
            self.broken_at = row.seq
        return valid


class AuditedMixin:
    """Mixin for audited records: `event_count` and `event_head` are the length and last hash of the event chain."""

    event_count: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    event_head: Mapped[bytes | None] = mapped_column(LargeBinary)

    @property
    def subject(self) -> str:
        """The record's name in the events table: "booking-7K3MQ9WD". Each subclass defines it.

        Not an abstract method: the metaclass of SQLAlchemy's declarative base cannot be combined with ABCMeta.
        """
        raise NotImplementedError

    def record(
        self,
        name: str,
        *,
        by: Actor,
        nudges: Iterable[tuple[str, str]] = (),
        personal: Mapping[str, str] | None = None,
        at: datetime | None = None,
        **facts: Any,
    ) -> Event:
        """Record an event. `nudges` are (audience, topic) published after the commit; `personal` values are erasable.

        Raises UndeclaredEvent unless a room declares `name` (app.events).
        """
        registry.require(name)
        values = [
            EventValue(name=key, salt=secrets.token_bytes(16), value=text) for key, text in (personal or {}).items()
        ]
        facts |= {
            value.name: {"digest": hashlib.sha256(value.salt + value.value.encode()).hexdigest()} for value in values
        }
        if (current_origin := origin.get()) is not None:
            facts["channel"] = current_origin
        event = Event(
            subject=self.subject,
            seq=(self.event_count or 0) + 1,
            name=name,
            actor_id=by.id,
            actor_role=by.role,
            at=at or clock.now(),
            facts=facts,
            previous=self.event_head or initial_hash(self.subject),
            values=values,
        )
        event.hash = event.digest()
        self.event_count, self.event_head = event.seq, event.hash
        messages = [OutgoingMessage(*nudge) for nudge in nudges]
        self.__dict__.setdefault("_pending_events", []).append((event, messages))
        return event

    def pop_pending_events(self) -> list[tuple[Event, list[OutgoingMessage]]]:
        """Return and clear the events that are not written yet, each with its messages."""
        pending: list[tuple[Event, list[OutgoingMessage]]] = self.__dict__.pop("_pending_events", [])
        return pending


Listener = Callable[[Event, AuditedMixin], Iterable[object]]
_listeners: list[Listener] = []


def register_listener(listener: Listener) -> None:
    """Call `listener(event, record)` for every event; the rows it returns are written in the same transaction."""
    if listener not in _listeners:
        _listeners.append(listener)


def write_events_on_flush() -> None:
    """Make every session write the pending events of its records when it flushes."""
    listen(Session, "after_flush", _write_events)


def nudge(session: Session | Any, audience: str, topic: str) -> None:
    """Publish `topic` to `audience` after the commit, without an event."""
    send_after_commit(session, [OutgoingMessage(audience, topic)])


def send_after_commit(session: Session | Any, messages: Iterable[OutgoingMessage]) -> None:
    """Publish `messages` once the session (sync or async) has committed."""
    session.info.setdefault("outgoing_messages", []).extend(messages)


def pop_outgoing_messages(session: Any) -> list[OutgoingMessage]:
    """Return and clear the session's messages, without duplicates."""
    return list(dict.fromkeys(session.info.pop("outgoing_messages", [])))


def _write_events(session: Session, *_: object) -> None:
    """Write all pending events, their values and what their listeners return, in one statement."""
    events: list[Event] = []
    rows: dict[Table, list[object]] = {}
    for record in [row for row in (*session.new, *session.dirty) if isinstance(row, AuditedMixin)]:
        for event, messages in record.pop_pending_events():
            events.append(event)
            send_after_commit(session, messages)
            for listener in _listeners:
                for row in listener(event, record):
                    rows.setdefault(row.__table__, []).append(row)  # type: ignore[attr-defined]  # entities
    if events:
        arrays = [*arrays_of(EVENTS, events), *_value_arrays(events)]
        for table, entities in rows.items():
            arrays += arrays_of(table, entities)
        session.connection().exec_driver_sql(_events_statement(tuple(rows)), tuple(arrays))


@cache
def _events_statement(others: tuple[Table, ...]) -> str:
    """The statement that inserts events and their values, and rows of the other tables."""
    position = len(insertable(EVENTS)) + 1
    types = zip(VALUE_COLUMNS, VALUE_TYPES, strict=True)
    values = ", ".join(f"${position + n}::{type_}[]" for n, (_name, type_) in enumerate(types))
    parts = [
        f"new_events AS ({insertion(EVENTS)} RETURNING id, subject, seq)",
        f"""new_values AS (INSERT INTO event_values (event_id, name, salt, value)
            SELECT new_events.id, sent.name, sent.salt, sent.value
              FROM unnest({values}) AS sent ({", ".join(VALUE_COLUMNS)}) JOIN new_events USING (subject, seq))""",
    ]
    position += len(VALUE_COLUMNS)
    for table in others:
        parts.append(f"new_{table.name} AS ({insertion(table, position)})")
        position += len(insertable(table))
    return f"WITH {', '.join(parts)} SELECT 1"


def _value_arrays(events: Sequence[Event]) -> list[list[object]]:
    sent = [
        (event.subject, event.seq, value.name, value.salt, value.value) for event in events for value in event.values
    ]
    return [[row[n] for row in sent] for n in range(len(VALUE_COLUMNS))]
