"""Events of reviews, recorded on the booking."""

from app.core.cache_tags import JOB_DONE
from app.core.event_types import EventType
from app.core.i18n import N_

EVENTS = (
    EventType("booking.reviewed", N_("%(who)s wrote a review."), JOB_DONE),
    EventType("booking.review_changed", N_("%(who)s changed the review."), JOB_DONE),
    EventType(
        "booking.flag_decided",
        N_("%(who)s decided whether the review counts."),
        JOB_DONE,
        labels={"flag": N_("the review")},
        enums=("flag",),
    ),
)
