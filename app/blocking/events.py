"""Events of blocks and appeals."""

from typing import TYPE_CHECKING, Any

from app.core.cache_tags import CARDS, PROFESSIONALS, SLOTS
from app.core.event_types import EventType, NotificationRule, record_field
from app.core.i18n import N_

if TYPE_CHECKING:
    from app.core.events import Event


def _is_kept(event: "Event", _record: Any) -> bool:
    """A lifted block is announced by person.unblocked, with the same reason."""
    return event.facts.get("outcome") == "keep"


EVENTS = (
    EventType(
        "person.blocked",
        N_("%(who)s blocked the account."),
        (SLOTS, PROFESSIONALS, CARDS),
        notifies=(NotificationRule("account_blocked", record_field("id")),),
    ),
    EventType(
        "person.unblocked",
        N_("%(who)s unblocked the account."),
        (SLOTS, PROFESSIONALS, CARDS),
        notifies=(NotificationRule("account_unblocked", record_field("id")),),
    ),
    EventType("person.appealed", N_("%(who)s appealed the block."), ()),
    EventType(
        "person.appeal_decided",
        N_("%(who)s decided the appeal."),
        (),
        labels={"outcome": N_("the block"), "only_admin": N_("decided by the only admin, who had blocked")},
        enums=("outcome",),
        notifies=(NotificationRule("appeal_kept", record_field("id"), when=_is_kept),),
    ),
)
