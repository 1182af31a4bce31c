"""Webhooks as a channel: a row for every webhook of each booking event that has a topic, without personal data."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import object_session

from app.bookings.booking import Booking
from app.core import clock
from app.core.event_types import registry
from app.core.events import AuditedMixin, Event
from app.core.orm import Base
from app.core.outbox import Outbox
from app.notifications.channel import Channel
from app.notifications.kinds import SOON
from app.webhooks.repository import active_ids
from app.webhooks.transport import deliver
from app.webhooks.webhook import CHANNEL_PREFIX

TEST_TOPIC = "test"


def topics() -> list[str]:
    """Every topic that webhooks receive."""
    return [event_type.webhook for event_type in registry if event_type.webhook]


def event_rows(event: Event, record: AuditedMixin) -> Iterable[Base]:
    """One row for each active webhook."""
    event_type, session = registry.get(event.name), object_session(record)
    if event_type is None or not event_type.webhook or not isinstance(record, Booking) or session is None:
        return
    for webhook_id in active_ids(session):
        payload: dict[str, object] = {
            "type": event_type.webhook,
            "timestamp": event.at.astimezone(clock.IST).isoformat(),
            "data": _booking_data(event, record),
        }
        yield outbox_row(webhook_id, event_type.webhook, payload, f"{event.subject}:{event.seq}", event.at)


def outbox_row(webhook_id: int, topic: str, payload: dict[str, object], key: str, at: datetime) -> Outbox:
    channel = f"{CHANNEL_PREFIX}{webhook_id}"
    return Outbox(
        channel=channel,
        priority=SOON,
        kind=topic,
        address=channel,
        data=payload,
        dedupe_key=f"{key}:{channel}",
        created_at=at,
        due_at=at,
    )


def _booking_data(event: Event, booking: Booking) -> dict[str, object]:
    """Times with offset, money in paise; `sequence` is the order of one booking's events."""
    return {
        "ref": booking.reference,
        "state": booking.state,
        "sequence": event.seq,
        "service_id": booking.service_id,
        "service": booking.service_name,
        "start": booking.starts_at.astimezone(clock.IST).isoformat(),
        "end": booking.ends_at.astimezone(clock.IST).isoformat(),
        "price_paise": booking.price,
        "cancelled_as": booking.cancelled_as,
    }


WEBHOOK_CHANNEL = Channel("webhooks", position=4, event_rows=event_rows, deliver=deliver, task="drain_webhooks")
