"""Notifications: who is notified of an event, and the rows that all channels write for them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import event as database_event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, object_session

from app.bookings.booking import Booking
from app.core.event_types import EventType, registry
from app.core.events import AuditedMixin, Event, nudge
from app.core.outbox import Outbox
from app.core.queue import MAIL_QUEUE, enqueue_after_commit
from app.notifications.channel import all_channels
from app.notifications.repository import OutboxRepository

INBOX_TOPIC = "notices"  # what the bell on open pages subscribes to


@dataclass(frozen=True, slots=True)
class Notification:
    """What one person is to be notified of, before it is known through which channels.

    `kind` is an entry of app.notifications.kinds and a pair of mail templates; `key` makes it be delivered once.
    """

    kind: str
    recipient_id: int
    data: dict[str, Any]
    key: str
    at: datetime


def wake_worker_on_outbox_rows() -> None:
    """From now on, committing new outbox rows wakes the worker."""
    if not database_event.contains(Session, "after_flush", _wake):
        database_event.listen(Session, "after_flush", _wake)


async def notify_many(db: AsyncSession, notifications: Iterable[Notification]) -> int:
    """Write notifications that are not declared by an event type (reminders, statements); return how many are new.

    Those whose `key` was written before are skipped. `write_notifications` does the same for events by itself.
    """
    by_key = {notification.key: notification for notification in notifications}
    rows = (
        row
        for notification in by_key.values()
        for channel in all_channels()
        for row in channel.notification_rows(notification)
    )
    new_keys = await OutboxRepository(db).insert_new(rows)
    for key in new_keys:
        nudge(db, f"user:{by_key[key].recipient_id}", INBOX_TOPIC)
    if new_keys:
        enqueue_after_commit(db, "drain_outbox", queue=MAIL_QUEUE)
    return len(new_keys)


def write_notifications(event: Event, record: AuditedMixin) -> Iterable[object]:
    """A listener of every event: return the rows of all channels, and nudge the open pages of who is notified."""
    event_type, channels, session = registry.get(event.name), all_channels(), object_session(record)
    rows: list[object] = []
    for notification in _notifications(event_type, event, record) if event_type else ():
        for channel in channels:
            rows += channel.notification_rows(notification)
        if session is not None:
            nudge(session, f"user:{notification.recipient_id}", INBOX_TOPIC)
    for channel in channels:
        rows += channel.event_rows(event, record)
    if session is not None and any(isinstance(row, Outbox) for row in rows):
        _wake_worker(session)
    return rows


def _notifications(event_type: EventType, event: Event, record: AuditedMixin) -> Iterable[Notification]:
    for rule in event_type.notifies:
        if rule.when is not None and not rule.when(event, record):
            continue
        recipients = rule.recipients(event, record)
        for user_id in [recipients] if isinstance(recipients, int) else recipients or ():
            key = f"{event.subject}:{event.seq}:{rule.kind}:{user_id}"
            yield Notification(rule.kind, user_id, _data(event_type, event, record), key, event.at)


def _data(event_type: EventType, event: Event, record: AuditedMixin) -> dict[str, Any]:
    """The facts that a message needs; all else is read when it is rendered. Never a code, never a reason."""
    data = {name: event.facts[name] for name in event_type.carries if name in event.facts}
    field, before, after = event_type.carries_change, event.facts.get("before"), event.facts.get("after")
    if field and before and after:
        data |= {"before": before[field], field: after[field]}
    if isinstance(record, Booking):
        data["booking"] = record.reference
    return data


def _wake(session: Session, _flush: object) -> None:
    if any(isinstance(row, Outbox) for row in session.new):
        _wake_worker(session)


def _wake_worker(session: Session) -> None:
    enqueue_after_commit(session, "drain_outbox", queue=MAIL_QUEUE)  # type: ignore[arg-type]  # both kinds of session carry `info`
