"""Events of a booking, from its hold to its end; those of reviews are declared in app.reviews.events."""

from collections.abc import Callable

from app.bookings.booking import Booking
from app.bookings.moves import State
from app.core.admin_audience import BOOKINGS_TOPIC
from app.core.cache_tags import BOOKING_COUNTS, JOB_DONE, MOST_BOOKED, NOTHING, SLOTS
from app.core.event_types import EventFamily, EventType, NotificationRule, actor, fact, record_field
from app.core.events import Event
from app.core.i18n import N_

CUSTOMER, PROFESSIONAL = record_field("customer_id"), record_field("professional_id")
PREFERRED_PROFESSIONAL = record_field("requested_professional_id")  # offered the job first
FORMER_PROFESSIONAL = fact("professional_id")  # whose job it was until this event
RETURNING_PROFESSIONAL = actor  # who gave the job up: their calendar is to lose it
ADMINS = fact("admins")  # all admins at the time of the event


def _cancelled_as(*outcomes: str) -> Callable[[Event, Booking], bool]:
    """Choose notifications by the kind of cancellation; an expired or abandoned hold sends none."""

    def matches(event: Event, booking: Booking) -> bool:
        return booking.requested_at is not None and event.facts.get("cancelled_as") in outcomes

    return matches


def _has_contact(event: Event, booking: Booking) -> bool:
    """Whether the person at the door has an email: they get the start code too."""
    return booking.contact_email != "" and event.facts.get("phase", "start") == "start"


def _contact_expects_visit(event: Event, booking: Booking) -> bool:
    """Whether a visit that the person at the door was notified of does not take place as planned."""
    previous = (event.facts.get("before") or {}).get("state")
    return booking.contact_email != "" and previous == State.ASSIGNED and event.facts.get("cancelled_as") != "no_show"


# The customer is the recipient; the email goes to the address of the person at the door (app.notifications.messages).
CONTACT_VISIT = NotificationRule("contact_visit", CUSTOMER, when=_has_contact)
CONTACT_CHANGE = NotificationRule("contact_change", CUSTOMER, when=_contact_expects_visit)
FAMILIES = (EventFamily("booking", N_("Bookings"), admin_page="/admin/bookings", admin_topic=BOOKINGS_TOPIC),)
EVENTS = (
    EventType(
        "booking.held",
        N_("%(who)s chose a time and continued to payment."),
        (SLOTS, BOOKING_COUNTS),
        hidden=("service_id",),
        private=("address", "note"),
        changes_calendar=True,
    ),
    EventType(
        "booking.requoted",
        N_("%(who)s applied a change of the service during payment."),
        (SLOTS,),
        bare_field="price",
        changes_calendar=True,
    ),
    EventType(
        "booking.requested",
        N_("%(who)s made the booking."),
        (SLOTS, MOST_BOOKED),
        enums=("state", "method"),
        notifies=(
            NotificationRule("booking_requested", CUSTOMER),
            NotificationRule("job_asked", PREFERRED_PROFESSIONAL),
        ),
        webhook="booking.requested",
        changes_calendar=True,
    ),
    EventType(
        "booking.assigned",
        N_("%(who)s accepted the job."),
        (SLOTS,),
        enums=("state",),
        notifies=(
            NotificationRule("booking_assigned", CUSTOMER),
            NotificationRule("job_assigned", PROFESSIONAL),
            CONTACT_VISIT,
        ),
        carries=("professional_id",),
        webhook="booking.assigned",
        changes_calendar=True,
    ),
    EventType(
        "booking.given",
        N_("%(who)s assigned the job to a professional."),
        (SLOTS,),
        enums=("state",),
        notifies=(
            NotificationRule("booking_assigned", CUSTOMER),
            NotificationRule("job_given", PROFESSIONAL),
            CONTACT_VISIT,
        ),
        carries=("professional_id",),
        webhook="booking.given",
        changes_calendar=True,
    ),
    EventType(
        "booking.reassigned",
        N_("%(who)s gave the job to another professional."),
        (SLOTS,),
        labels={"former_id": N_("whose job it was")},
        hidden=("former_id",),
        enums=("state",),
        notifies=(
            NotificationRule("booking_assigned", CUSTOMER),
            NotificationRule("job_given", PROFESSIONAL),
            NotificationRule("job_taken_away", fact("former_id")),
            CONTACT_VISIT,
        ),
        carries=("professional_id",),
        webhook="booking.reassigned",
        changes_calendar=True,
    ),
    EventType(
        "booking.admin_message",
        N_("%(who)s wrote a message."),
        NOTHING,
        labels={"to": N_("to whom")},
        hidden=("recipient_id", "number"),
        enums=("to",),
        notifies=(NotificationRule("admin_message", fact("recipient_id")),),
        carries=("to", "number"),
    ),
    EventType(
        "booking.mail_resent",
        N_("%(who)s sent an email again."),
        NOTHING,
        labels={"mail": N_("the email")},
        hidden=("recipient_id",),
    ),
    EventType("booking.noted", N_("%(who)s wrote a note."), NOTHING),
    EventType("booking.passed", N_("%(who)s passed on the offer."), (SLOTS,)),
    EventType(
        "booking.returned",
        N_("%(who)s gave up the job."),
        (SLOTS,),
        enums=("state",),
        notifies=(
            NotificationRule("booking_looking_again", CUSTOMER),
            NotificationRule("job_returned", RETURNING_PROFESSIONAL),
            CONTACT_CHANGE,
        ),
        webhook="booking.returned",
        changes_calendar=True,
    ),
    EventType(
        "booking.offered_again",
        N_("%(who)s offered the job to other professionals again."),
        (SLOTS,),
        enums=("state",),
        notifies=(
            NotificationRule("booking_looking_again", CUSTOMER),
            NotificationRule("job_taken_away", FORMER_PROFESSIONAL),
            CONTACT_CHANGE,
        ),
        carries=("professional_id",),
        webhook="booking.offered_again",
        changes_calendar=True,
    ),
    EventType(
        "booking.moved",
        N_("%(who)s rescheduled the booking."),
        (SLOTS,),
        enums=("state",),
        bare_field="starts_at",
        notifies=(
            NotificationRule("booking_moved", CUSTOMER),
            NotificationRule("job_moved", FORMER_PROFESSIONAL),
            CONTACT_CHANGE,
        ),
        carries=("professional_id", "fee"),
        carries_change="starts_at",
        webhook="booking.moved",
        changes_calendar=True,
    ),
    EventType(
        "booking.departed",
        N_("%(who)s left for the job."),
        NOTHING,
        notifies=(NotificationRule("booking_departed", CUSTOMER),),
        webhook="booking.departed",
    ),
    EventType(
        "booking.delayed",
        N_("%(who)s said that they are late."),
        NOTHING,
        labels={"minutes": N_("minutes"), "eta_from": N_("arrival from")},
        notifies=(NotificationRule("booking_delayed", CUSTOMER),),
        carries=("minutes",),
        webhook="booking.delayed",
    ),
    EventType(
        "booking.arrived",
        N_("%(who)s arrived at the door."),
        NOTHING,
        notifies=(NotificationRule("booking_arrived", CUSTOMER),),
        webhook="booking.arrived",
    ),
    EventType(
        "booking.started",
        N_("%(who)s started the job with the start code."),
        (SLOTS,),
        enums=("state",),
        notifies=(NotificationRule("booking_started", CUSTOMER),),
        webhook="booking.started",
    ),
    EventType(
        "booking.completed",
        N_("%(who)s finished the job."),
        JOB_DONE,
        enums=("state",),
        notifies=(NotificationRule("booking_completed", CUSTOMER),),
        webhook="booking.completed",
    ),
    EventType(
        "booking.closed", N_("%(who)s closed the booking."), JOB_DONE, enums=("state",), webhook="booking.closed"
    ),
    EventType(
        "booking.cancelled",
        N_("%(who)s cancelled the booking."),
        (SLOTS,),
        enums=("state", "cancelled_as"),
        notifies=(
            NotificationRule(
                "booking_cancelled", CUSTOMER, when=_cancelled_as("customer", "platform", "professional_absent")
            ),
            NotificationRule("job_cancelled", PROFESSIONAL, when=_cancelled_as("customer", "platform")),
            NotificationRule("job_taken_away", PROFESSIONAL, when=_cancelled_as("professional_absent")),
            NotificationRule("booking_no_show", CUSTOMER, when=_cancelled_as("no_show")),
            NotificationRule("booking_unfilled", CUSTOMER, when=_cancelled_as("unfilled")),
            CONTACT_CHANGE,
        ),
        carries=("cancelled_as", "fee"),
        webhook="booking.cancelled",
        changes_calendar=True,
    ),
    EventType(
        "booking.settled",
        N_("%(who)s paid the amount due."),
        NOTHING,
        enums=("method",),
        webhook="booking.settled",
    ),
    EventType(
        "booking.details_changed",
        N_("%(who)s changed the address or note."),
        NOTHING,
        private=("address", "note"),
        changes_calendar=True,
    ),
    EventType(
        "booking.code_renewed",
        N_("%(who)s requested a new code."),
        NOTHING,
        enums=("phase",),
        notifies=(NotificationRule("code_renewed", CUSTOMER), CONTACT_VISIT),
        carries=("phase",),
    ),
    EventType(
        "booking.code_locked",
        N_("%(who)s entered wrong codes, so code entry was locked."),
        NOTHING,
        hidden=("admins",),
        enums=("phase",),
        notifies=(NotificationRule("code_locked", CUSTOMER), NotificationRule("wrong_codes", ADMINS)),
        carries=("phase", "attempts"),
        chat=N_("Wrong codes at the door: booking %(booking)s."),
    ),
    EventType(
        "booking.code_voided",
        N_("%(who)s entered too many wrong codes, so the code was voided."),
        NOTHING,
        hidden=("admins",),
        enums=("phase",),
        notifies=(NotificationRule("code_voided", CUSTOMER), NotificationRule("wrong_codes", ADMINS)),
        carries=("phase", "attempts"),
        chat=N_("10 wrong codes were entered, so the code is no longer valid: booking %(booking)s."),
    ),
    EventType(
        "booking.flagged",
        N_("%(who)s flagged the booking: the customer may be the professional."),
        NOTHING,
        labels={"signs": N_("what is the same")},
        enums=("signs",),
    ),
    EventType(
        "booking.code_withdrawn",
        N_("%(who)s voided the code without seeing it."),
        NOTHING,
        enums=("phase",),
        notifies=(NotificationRule("code_withdrawn", CUSTOMER),),
        carries=("phase",),
    ),
    EventType(
        "booking.contact_seen",
        N_("%(who)s viewed the address and phone numbers."),
        NOTHING,
        is_view=True,
    ),
    EventType(
        "booking.extra_proposed",
        N_("%(who)s proposed extra work."),
        NOTHING,
        notifies=(NotificationRule("extra_proposed", CUSTOMER),),
    ),
    EventType(
        "booking.extra_approved",
        N_("%(who)s approved extra work."),
        NOTHING,
        notifies=(NotificationRule("extra_answered", PROFESSIONAL),),
    ),
    EventType(
        "booking.extra_refused",
        N_("%(who)s declined extra work."),
        NOTHING,
        notifies=(NotificationRule("extra_answered", PROFESSIONAL),),
    ),
    EventType(
        "booking.arrival_contested",
        N_("%(who)s said that the professional hasn't arrived."),
        NOTHING,
        chat=N_("The customer says that the professional hasn't arrived: booking %(booking)s."),
    ),
    EventType(
        "booking.disputed",
        N_("%(who)s disputed the fee."),
        NOTHING,
        chat=N_("The no-show fee was disputed: booking %(booking)s."),
    ),
    EventType(
        "person.calendar_made", N_("%(who)s created a private calendar link. Any older link stopped working."), NOTHING
    ),
    EventType("person.calendar_ended", N_("%(who)s removed the private calendar link."), NOTHING),
)
