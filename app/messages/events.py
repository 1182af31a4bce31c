"""Events of messages; none of them holds what was written."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from app.core.cache_tags import NOTHING
from app.core.event_types import EventType, NotificationRule, record_field
from app.core.i18n import N_

if TYPE_CHECKING:
    from app.core.events import Event


def _announced_by(role: str) -> Callable[["Event", Any], bool]:
    """Choose the notification of a message by its author's role; none while the last one is not looked at."""
    return lambda event, _booking: event.actor_role == role and bool(event.facts["announced"])


EVENTS = (
    EventType(
        "booking.message_sent",
        N_("%(who)s sent a message."),
        NOTHING,
        labels={"photos": N_("photos")},
        hidden=("announced",),
        notifies=(
            NotificationRule("booking_message", record_field("customer_id"), when=_announced_by("professional")),
            NotificationRule("job_message", record_field("professional_id"), when=_announced_by("customer")),
        ),
    ),
    EventType(
        "booking.phone_shared", N_("%(who)s showed the phone number to the other side."), NOTHING, changes_calendar=True
    ),
    EventType(
        "booking.phone_hidden", N_("%(who)s hid the phone number from the other side."), NOTHING, changes_calendar=True
    ),
)
