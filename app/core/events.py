"""Facts that happened: append-only rows, a hash chain per record, and who is to be nudged.

A record's `record(…)` makes the fact; the session writes it with the record itself. The chain of a record can be
checked by anybody with its rows: hash = SHA-256(previous hash + canonical JSON). Values that a person may ask to have
erased stand in `event_values`; the chain holds only their salted digests (W16).
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    event,
    text,
)
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from app.core import clock
from app.core.orm import Keyed


class Actor(Protocol):
    """Whoever does something: the signed-in person, or PLATFORM."""

    @property
    def id(self) -> int | None: ...
    @property
    def role(self) -> str: ...


class Person(Actor, Protocol):
    """Somebody with an account: every actor but the platform."""

    @property
    def id(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Platform:
    """The clock and the rules, when they act by themselves."""

    id: int | None = None
    role: str = "platform"


PLATFORM = Platform()

# By which way whoever acts has come: set once for each request, worker and command, told with every fact.
CHANNELS = ("page", "api", "task", "command")
channel: ContextVar[str | None] = ContextVar("channel", default=None)


@dataclass(frozen=True, slots=True)
class Announcement:
    """After the commit, `audience` ("user:12", "area:600020") hears the bare word `topic`."""

    audience: str
    topic: str


class EventValue(Keyed):
    """A personal value of an event, erasable; its salted digest stays in the chain."""

    __tablename__ = "event_values"
    event_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("events.id"), primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    value: Mapped[str] = mapped_column(Text)


class Event(Keyed):
    """One fact, past tense, dotted name; never changed, never deleted (the database refuses)."""

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("subject", "seq", name="events_subject_seq_key"),
        Index("events_actor_idx", "actor_id", "at", "id"),
        Index("events_name_idx", "name", "at", "id"),
        # The kind of what happened: what stands before the dot of its name.
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
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    told = json.dumps(
        [subject, seq, name, actor_id, actor_role, moment, facts],
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    )
    return hashlib.sha256(previous + told.encode()).digest()


def genesis(subject: str) -> bytes:
    """What the first event of a record is chained to."""
    return hashlib.sha256(subject.encode()).digest()


class Told(Protocol):
    """A row of `events`."""

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
    """The links of one record, put on one by one from the first; it stays broken once it is."""

    def __init__(self, subject: str) -> None:
        self.length, self.end, self.broken_at = 0, genesis(subject), 0

    def put_on(self, row: Told) -> bool:
        """Does `row` follow what is there, and say what it said?"""
        told = chain_hash(row.previous, row.subject, row.seq, row.name, row.actor_id, row.actor_role, row.at, row.facts)
        fits = row.seq == self.length + 1 and row.previous == self.end and row.hash == told
        self.length, self.end = row.seq, row.hash
        if not fits and not self.broken_at:
            self.broken_at = row.seq
        return fits


class Chronicle:
    """A record with a history: `event_count` and `event_head` are its chain's length and last hash."""

    event_count: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    event_head: Mapped[bytes | None] = mapped_column(LargeBinary)

    @property
    def subject(self) -> str:
        """The record's name in the history: "booking-7K3MQ9WD"."""
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
        """Write down a fact. `nudges` are (audience, topic) told after the commit; `personal` values are erasable."""
        values = [
            EventValue(name=key, salt=secrets.token_bytes(16), value=text) for key, text in (personal or {}).items()
        ]
        facts |= {
            value.name: {"digest": hashlib.sha256(value.salt + value.value.encode()).hexdigest()} for value in values
        }
        if (way := channel.get()) is not None:
            facts["channel"] = way
        told = Event(
            subject=self.subject,
            seq=(self.event_count or 0) + 1,
            name=name,
            actor_id=by.id,
            actor_role=by.role,
            at=at or clock.now(),
            facts=facts,
            previous=self.event_head or genesis(self.subject),
            values=values,
        )
        told.hash = told.digest()
        self.event_count, self.event_head = told.seq, told.hash
        self.__dict__.setdefault("_told", []).append((told, [Announcement(*nudge) for nudge in nudges]))
        return told

    def take_told(self) -> list[tuple[Event, list[Announcement]]]:
        told: list[tuple[Event, list[Announcement]]] = self.__dict__.pop("_told", [])
        return told


Listener = Callable[[Event, Chronicle], Iterable[object]]
_listeners: list[Listener] = []


def on_every_event(listener: Listener) -> None:
    """`listener(event, record)` gives rows (outbox) to be written in the same transaction."""
    if listener not in _listeners:
        _listeners.append(listener)


def _write_events(session: Session, *_: object) -> None:
    for record in [row for row in (*session.new, *session.dirty) if isinstance(row, Chronicle)]:
        for told, announcements in record.take_told():
            session.add(told)
            session.info.setdefault("announcements", []).extend(announcements)
            for listener in _listeners:
                session.add_all(listener(told, record))


def collect_events() -> None:
    """From now on every session writes what its records recorded."""
    event.listen(Session, "before_flush", _write_events)


def nudge(session: Session | Any, audience: str, topic: str) -> None:
    """Tell `audience` after the commit, where no event says it."""
    session.info.setdefault("announcements", []).append(Announcement(audience, topic))


def take_announcements(session: Any) -> list[Announcement]:
    """What the committed session wants told, each once."""
    return list(dict.fromkeys(session.info.pop("announcements", [])))
