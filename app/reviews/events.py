"""Events of reviews, recorded on the booking."""

from app.core.cache_tags import JOB_DONE, NOTHING
from app.core.event_types import EventType, NotificationRule, record_field
from app.core.i18n import N_

CUSTOMER, PROFESSIONAL = record_field("customer_id"), record_field("professional_id")
EVENTS = (
    EventType(
        "booking.review_answered",
        N_("%(who)s answered the review."),
        JOB_DONE,
        notifies=(NotificationRule("review_answered", CUSTOMER),),
    ),
    EventType("booking.review_answer_changed", N_("%(who)s changed the answer to the review."), JOB_DONE),
    EventType("booking.review_reported", N_("%(who)s reported the review."), NOTHING),
    EventType(
        "booking.review_hidden",
        N_("%(who)s hid the review."),
        JOB_DONE,
        notifies=(NotificationRule("review_hidden", CUSTOMER), NotificationRule("job_review_hidden", PROFESSIONAL)),
    ),
    EventType(
        "booking.review_shown",
        N_("%(who)s made the review public again."),
        JOB_DONE,
        notifies=(NotificationRule("review_shown", CUSTOMER), NotificationRule("job_review_shown", PROFESSIONAL)),
    ),
    EventType("booking.review_reports_settled", N_("%(who)s left the review public."), NOTHING),
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
