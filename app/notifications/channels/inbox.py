"""The list in the app: there as soon as the fact is."""

from collections.abc import Iterable

from app.core.orm import Base
from app.notifications.inbox import Notice
from app.notifications.kinds import kind_of
from app.notifications.notification import Told

NAME = "inbox"
TOPIC = "notices"  # what the bell listens for


def rows(told: Told) -> Iterable[Base]:
    if kind_of(told.kind).said is None:
        return
    yield Notice(
        user_id=told.recipient_id,
        kind=told.kind,
        data=told.data,
        dedupe_key=told.key,
        created_at=told.at,
    )
