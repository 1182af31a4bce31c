"""Event types: all that the product derives from an event, declared once in the `events` module of its room.

History sentences (app.audit), cache invalidation (app.discovery.invalidation), notifications (app.notifications),
webhook topics (app.webhooks), the admins' live pages (app.core.admin_audience) and calendar revisions (app.jobs) read
these declarations. app.events lists the rooms.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.core.events import Event

# (event, record) -> user ids. `record` is the ORM object that the event happened to.
Recipients = Callable[["Event", Any], int | None | Iterable[int]]
Condition = Callable[["Event", Any], bool]


class UndeclaredEvent(LookupError):
    """An event was recorded under a name that no room declares."""


@dataclass(frozen=True, slots=True)
class NotificationRule:
    """Notify `recipients` of an event. `kind` is an entry of app.notifications.kinds and a pair of mail templates."""

    kind: str
    recipients: Recipients
    when: Condition | None = None


@dataclass(frozen=True, slots=True)
class EventFamily:
    """The kind of record of a group of events: the part before the dot in their names.

    `label` is its filter on the admin's list of events, `admin_page` the prefix of a record's admin page, `admin_topic`
    what the admins' open pages hear after each event.
    """

    name: str
    label: str
    admin_page: str = ""
    admin_topic: str = ""


@dataclass(frozen=True, slots=True)
class EventType:
    """One event that a record can have, in the past tense: "booking.assigned"."""

    name: str
    message: str  # its sentence in the history, with %(who)s
    invalidates: tuple[str, ...]  # cache tags (app.core.cache_tags); no default, so they cannot be forgotten
    # Facts of its own: labels of those that app.audit.details does not know; facts that no history shows; personal
    # values shown only where each look is recorded; facts whose value is a key of ENUM_LABELS.
    labels: Mapping[str, str] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    private: tuple[str, ...] = ()
    enums: tuple[str, ...] = ()
    bare_field: str = "state"  # the field meant when `before` and `after` are plain values
    names_single_change: bool = False  # the sentence says the change itself when there is exactly one
    # Who is notified, and with which facts; of `carries_change`, a field of `before` and `after`, with both values.
    notifies: tuple[NotificationRule, ...] = ()
    carries: tuple[str, ...] = ()
    carries_change: str = ""
    webhook: str = ""  # the topic under which webhooks receive it; only bookings' events have one
    chat: str = ""  # the line in the admins' chat, with %(booking)s
    changes_calendar: bool = False  # calendar entries read differently afterwards
    is_view: bool = False  # a record was only viewed: open pages need not reload

    @property
    def family(self) -> str:
        return self.name.partition(".")[0]


class EventRegistry:
    """The declared event types by name, and their families, in the order of declaration."""

    def __init__(self) -> None:
        self._types: dict[str, EventType] = {}
        self._families: dict[str, EventFamily] = {}
        self._unions: dict[str, frozenset[str]] = {}

    def register(self, types: Iterable[EventType], families: Iterable[EventFamily] = ()) -> None:
        """Raises ValueError when a name is declared twice, or an event belongs to no family."""
        self._unions.clear()
        for family in families:
            self._families[family.name] = family
        for event_type in types:
            if event_type.name in self._types:
                raise ValueError(f"{event_type.name} is declared twice")
            if event_type.family not in self._families:
                raise ValueError(f"{event_type.name} belongs to no declared family")
            self._types[event_type.name] = event_type

    def unregister(self, types: Iterable[EventType]) -> None:
        """Undo `register`, for tests."""
        self._unions.clear()
        for event_type in types:
            del self._types[event_type.name]

    def get(self, name: str) -> EventType | None:
        return self._types.get(name)

    def require(self, name: str) -> EventType:
        """Raises UndeclaredEvent."""
        if name not in self._types:
            raise UndeclaredEvent(
                f"{name}: declare it in the events module of its room, and list the room in app.events"
            )
        return self._types[name]

    def family_of(self, event_name: str) -> EventFamily | None:
        return self._families.get(event_name.partition(".")[0])

    @property
    def hidden_fields(self) -> frozenset[str]:
        return self._union("hidden")

    @property
    def private_fields(self) -> frozenset[str]:
        return self._union("private")

    @property
    def enum_fields(self) -> frozenset[str]:
        return self._union("enums")

    def label_of(self, event_name: str, field_name: str) -> str | None:
        """The label that the event type defines for one of its facts."""
        event_type = self._types.get(event_name)
        return event_type.labels.get(field_name) if event_type else None

    @property
    def families(self) -> list[EventFamily]:
        return list(self._families.values())

    def __iter__(self) -> Iterator[EventType]:
        """Family by family."""
        order = list(self._families)
        return iter(sorted(self._types.values(), key=lambda event_type: order.index(event_type.family)))

    def _union(self, attribute: str) -> frozenset[str]:
        """A field that one event type declares hidden, private or an enum is so in every event."""
        if attribute not in self._unions:
            self._unions[attribute] = frozenset(
                name for event_type in self._types.values() for name in getattr(event_type, attribute)
            )
        return self._unions[attribute]


registry = EventRegistry()


def record_field(name: str) -> Recipients:
    """The user whose id is in this attribute of the record."""

    def recipients(_event: "Event", record: Any) -> int | None:
        user_id: int | None = getattr(record, name)
        return user_id

    return recipients


def actor(event: "Event", _record: Any) -> int | None:
    """The user who did it."""
    return event.actor_id


def fact(name: str) -> Recipients:
    """The user, or the users, whose ids are in this fact of the event."""

    def recipients(event: "Event", _record: Any) -> int | None | Iterable[int]:
        user_ids: int | None | list[int] = event.facts.get(name)
        return user_ids

    return recipients
