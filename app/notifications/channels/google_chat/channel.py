"""The admins' room in Google Chat: one line for each event that declares one, with a reference and a link, and a digest
of tomorrow each evening where the setting says so.

Many people read a room: nothing personal, and nothing for one person, goes there.
"""

from collections.abc import Iterable

from app.core.event_types import registry
from app.core.events import AuditedMixin, Event
from app.core.orm import Base
from app.core.outbox import Outbox
from app.notifications.channel import Channel
from app.notifications.channels.google_chat.transport import ADDRESS, NAME, deliver
from app.notifications.kinds import NOW


def event_rows(event: Event, record: AuditedMixin) -> Iterable[Base]:
    """One row for the room, however many admins there are."""
    event_type, reference = registry.get(event.name), getattr(record, "reference", None)
    if event_type is None or not event_type.chat or reference is None:
        return
    yield Outbox(
        channel=NAME,
        priority=NOW,
        kind=event.name,
        address=ADDRESS,
        data={"booking": reference},
        dedupe_key=f"{event.subject}:{event.seq}:{NAME}",
        created_at=event.at,
        due_at=event.at,
    )


CHANNEL = Channel(NAME, position=3, event_rows=event_rows, deliver=deliver, task="drain_google_chat")
