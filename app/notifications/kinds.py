"""Every kind of thing that people are told: how urgent it is, whether it can be muted, its line in the app's list."""

from dataclasses import dataclass

from app.core.i18n import N_

NOW, SOON, BULK = 0, 1, 2  # lanes of the outbox: what goes to everybody never delays a code


@dataclass(frozen=True, slots=True)
class Kind:
    """`topic` is what a person mutes, "" what nobody can. `said` is the line in the list, None: by mail alone.

    What is not urgent waits until somebody's quiet hours are over.
    """

    topic: str = ""
    lane: int = NOW
    said: str | None = None
    leads: str = ""  # where the line leads; "" to the booking or job it is about

    @property
    def waits(self) -> bool:
        return self.lane > NOW


KINDS: dict[str, Kind] = {
    "account_blocked": Kind(said=N_("Your account is blocked."), leads="/blocked"),
    "account_unblocked": Kind(said=N_("Your account is open again."), leads="/"),
    "email_changed": Kind(),
    "known_address": Kind(),
    "password_changed": Kind(said=N_("Your password was changed."), leads="/profile/sessions"),
    "reset": Kind(),
    "verify": Kind(),
    "booking_requested": Kind("bookings", said=N_("Booked: %(service)s.")),
    "booking_assigned": Kind(said=N_("Somebody accepted: %(service)s.")),
    "booking_looking_again": Kind(said=N_("We look for somebody else: %(service)s.")),
    "booking_moved": Kind("bookings", said=N_("Moved: %(service)s.")),
    "booking_cancelled": Kind(said=N_("Cancelled: %(service)s.")),
    "booking_unfilled": Kind(said=N_("Nobody was free in time: %(service)s.")),
    "booking_no_show": Kind(said=N_("Nobody opened the door: %(service)s.")),
    "booking_started": Kind(said=N_("The work has started: %(service)s.")),
    "booking_completed": Kind("bookings", said=N_("Done: %(service)s.")),
    "code_locked": Kind(said=N_("Somebody typed wrong codes: %(service)s.")),
    "code_voided": Kind(said=N_("Your code does not count any more: %(service)s.")),
    "code_withdrawn": Kind(said=N_("Your code was withdrawn: %(service)s.")),
    "code_renewed": Kind(said=N_("You have a new code: %(service)s.")),
    "extra_proposed": Kind(said=N_("Extra work is proposed: %(service)s.")),
    "extra_answered": Kind(said=N_("An answer about the extra work: %(service)s.")),
    "job_asked": Kind("bookings", said=N_("Somebody asked for you: %(service)s.")),
    "job_assigned": Kind(said=N_("The job is yours: %(service)s.")),
    "job_given": Kind(said=N_("A job was given to you: %(service)s.")),
    "job_moved": Kind(said=N_("A job of yours was moved: %(service)s.")),
    "job_cancelled": Kind(said=N_("A job of yours was cancelled: %(service)s.")),
    "job_taken_away": Kind(said=N_("A job was given to others: %(service)s.")),
    "paper_running_out": Kind(lane=SOON, said=N_("A paper of yours runs out."), leads="/documents"),
    "work_approved": Kind(said=N_("You may work with Doorstep."), leads="/verification"),
    "work_denied": Kind(said=N_("We could not accept what you sent."), leads="/verification"),
    "change_approved": Kind(said=N_("What was new is approved."), leads="/verification"),
    "booking_soon": Kind("reminders", SOON, N_("Soon: %(service)s.")),
    "job_soon": Kind("reminders", SOON, N_("Your job is soon: %(service)s.")),
    "evening": Kind("reminders", SOON, N_("What waits, and what comes tomorrow."), leads="/jobs"),
    "export_ready": Kind(lane=SOON, said=N_("Your export is ready.")),
    "monthly_report": Kind("reports", BULK, N_("Your month with Doorstep."), leads="/reports"),
    "channel_off": Kind(said=N_("The desk's room was switched off: Google Chat takes nothing."), leads="/admin/tasks"),
    "webhook_off": Kind(said=N_("A webhook was switched off: its server takes nothing."), leads="/admin/webhooks"),
    "wrong_codes": Kind(said=N_("Wrong codes at a door: %(service)s.")),
}
OTHERWISE = Kind()


def kind_of(name: str) -> Kind:
    """What nobody wrote down here is urgent and cannot be muted; a test says what is missing."""
    return KINDS.get(name, OTHERWISE)
