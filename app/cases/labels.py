"""The labels of topics and outcomes, for Python and for templates, which read this module as `case_labels`."""

from app.core.i18n import N_

# By side: what a case may be about, as its form says it.
TOPICS = {
    "customer": {
        "late": N_("The professional is late"),
        "absent": N_("The professional didn't come"),
        "quality": N_("The work wasn't done right"),
        "price": N_("The price isn't right"),
        "damage": N_("Something was damaged"),
        "safety": N_("I don't feel safe"),
        "no_show_fee": N_("I was charged a no-show fee"),
        "completed_by_clock": N_("The job was marked as done, but it isn't"),
        "other": N_("Something else"),
    },
    "professional": {
        "customer_absent": N_("The customer isn't there"),
        "unsafe": N_("I don't feel safe"),
        "unpaid": N_("I wasn't paid"),
        "damage": N_("Something was damaged"),
        "other": N_("Something else"),
    },
}
# How admins and the other side read the topic.
TOPIC_LABELS = {
    "late": N_("Late"),
    "absent": N_("Professional didn't come"),
    "quality": N_("Quality of the work"),
    "price": N_("Price"),
    "damage": N_("Damage"),
    "safety": N_("Safety"),
    "no_show_fee": N_("No-show fee"),
    "completed_by_clock": N_("Completed automatically"),
    "customer_absent": N_("Customer not there"),
    "unsafe": N_("Safety"),
    "unpaid": N_("Not paid"),
    "other": N_("Other"),
}
OUTCOME_LABELS = {
    "none": N_("No refund and no second visit"),
    "refund": N_("Money back"),
    "redo": N_("A second visit at no price"),
    "fee_returned": N_("The fee is returned"),
    "payout_withheld": N_("The professional isn't paid for this job"),
}
