"""What a person was told, in one line each, for the list in the app."""

from dataclasses import dataclass
from datetime import datetime

from app.bookings.booking import Booking
from app.kit.outbox import Outbox
from app.kit.words import N_, _

SENTENCES = {
    "booking_requested": N_("Booked: %(service)s."),
    "booking_assigned": N_("Somebody accepted: %(service)s."),
    "booking_looking_again": N_("We look for somebody else: %(service)s."),
    "booking_moved": N_("Moved: %(service)s."),
    "booking_cancelled": N_("Cancelled: %(service)s."),
    "booking_unfilled": N_("Nobody was free in time: %(service)s."),
    "booking_no_show": N_("Nobody opened the door: %(service)s."),
    "booking_started": N_("The work has started: %(service)s."),
    "booking_completed": N_("Done: %(service)s."),
    "code_locked": N_("Somebody typed wrong codes: %(service)s."),
    "code_withdrawn": N_("Your code does not count any more: %(service)s."),
    "code_voided": N_("Your code does not count any more: %(service)s."),
    "code_renewed": N_("You have a new code: %(service)s."),
    "extra_proposed": N_("Extra work is proposed: %(service)s."),
    "job_asked": N_("Somebody asked for you: %(service)s."),
    "job_given": N_("We have given you a job: %(service)s."),
    "job_assigned": N_("The job is yours: %(service)s."),
    "job_moved": N_("A job of yours was moved: %(service)s."),
    "job_cancelled": N_("A job of yours was cancelled: %(service)s."),
    "job_taken_away": N_("A job was given to others: %(service)s."),
    "extra_answered": N_("An answer about the extra work: %(service)s."),
}


@dataclass(frozen=True, slots=True)
class Notice:
    words: str
    at: datetime
    href: str


def notices_of(told: list[tuple[Outbox, Booking]]) -> list[Notice]:
    return [_notice(mail, booking) for mail, booking in told if mail.kind in SENTENCES]


def _notice(mail: Outbox, booking: Booking) -> Notice:
    words = _(SENTENCES[mail.kind], service=booking.service_name)
    return Notice(words, mail.created_at, _href(mail, booking))


def _href(mail: Outbox, booking: Booking) -> str:
    """A job that is not theirs any more has no page for them."""
    if mail.recipient_id == booking.customer_id:
        return f"/bookings/{booking.reference}"
    return f"/jobs/{booking.reference}" if mail.recipient_id == booking.professional_id else "/jobs"
