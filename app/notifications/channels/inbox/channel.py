"""The inbox in the app: one item for each notification whose kind has a message, there as soon as the event is."""

from collections.abc import Iterable

from app.core.i18n import N_
from app.core.orm import Base
from app.notifications.channel import Channel
from app.notifications.channels.inbox.transport import NAME, deliver
from app.notifications.inbox import InboxItem
from app.notifications.kinds import kind_of
from app.notifications.notification import Notification


def notification_rows(notification: Notification) -> Iterable[Base]:
    if kind_of(notification.kind).message is None:
        return
    yield InboxItem(
        user_id=notification.recipient_id,
        kind=notification.kind,
        data=notification.data,
        dedupe_key=notification.key,
        created_at=notification.at,
    )


CHANNEL = Channel(
    NAME, position=1, preference_label=N_("In the app"), notification_rows=notification_rows, deliver=deliver
)
