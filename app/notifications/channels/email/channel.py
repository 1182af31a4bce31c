"""Emails: one outbox row for each notification that is not listed in another's email, delivered by SMTP."""

from collections.abc import Iterable

from app.core.i18n import N_
from app.core.orm import Base
from app.core.outbox import Outbox
from app.notifications.channel import Channel
from app.notifications.channels.email.transport import NAME, deliver
from app.notifications.kinds import kind_of
from app.notifications.notification import Notification


def notification_rows(notification: Notification) -> Iterable[Base]:
    if kind_of(notification.kind).digest:
        return
    yield Outbox(
        channel=NAME,
        priority=kind_of(notification.kind).priority,
        kind=notification.kind,
        recipient_id=notification.recipient_id,
        data=notification.data,
        dedupe_key=notification.key,
        created_at=notification.at,
        due_at=notification.at,
    )


CHANNEL = Channel(
    NAME,
    position=2,
    preference_label=N_("Email"),
    notification_rows=notification_rows,
    deliver=deliver,
    task="drain_outbox",
)
