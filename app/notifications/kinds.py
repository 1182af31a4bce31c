"""Kinds of notifications: how urgent each is, whether it can be muted, and its line in the inbox."""

from dataclasses import dataclass

from app.core.i18n import N_

NOW, SOON, BULK = 0, 1, 2  # priorities of the outbox: bulk messages never delay a code


@dataclass(frozen=True, slots=True)
class NotificationKind:
    """`topic` is what a user can mute, "" for never; `message` is the inbox line, None for kinds sent by email only.

    `url` is where the line leads, "" to the booking or job it is about.
    """

    topic: str = ""
    priority: int = NOW
    message: str | None = None
    url: str = ""
    digest: str = ""  # the kind of the email that lists it with others; it has none of its own

    @property
    def deferrable(self) -> bool:
        """Whether it waits for the end of the recipient's quiet hours."""
        return self.priority > NOW


KINDS: dict[str, NotificationKind] = {
    "account_blocked": NotificationKind(message=N_("Your account is blocked."), url="/blocked"),
    "account_unblocked": NotificationKind(message=N_("Your account is unblocked."), url="/"),
    "appeal_kept": NotificationKind(message=N_("Your appeal is decided: the block stays."), url="/blocked"),
    "email_changed": NotificationKind(),
    "known_address": NotificationKind(),
    "password_changed": NotificationKind(message=N_("Your password was changed."), url="/profile/sessions"),
    "reset": NotificationKind(),
    "sign_in_code": NotificationKind(),
    "verify": NotificationKind(),
    "booking_requested": NotificationKind("bookings", message=N_("Booked: %(service)s.")),
    "booking_assigned": NotificationKind(message=N_("A professional accepted: %(service)s.")),
    "booking_looking_again": NotificationKind(message=N_("We're finding another professional: %(service)s.")),
    "booking_moved": NotificationKind("bookings", message=N_("Rescheduled: %(service)s.")),
    "booking_cancelled": NotificationKind(message=N_("Cancelled: %(service)s.")),
    "booking_unfilled": NotificationKind(message=N_("No professional was available in time: %(service)s.")),
    "booking_no_show": NotificationKind(message=N_("No answer at the door: %(service)s.")),
    "contact_visit": NotificationKind(),
    "contact_reminder": NotificationKind(priority=SOON),
    "contact_change": NotificationKind(),
    "booking_departed": NotificationKind(message=N_("On the way to you: %(service)s.")),
    "booking_delayed": NotificationKind(message=N_("The professional is late: %(service)s.")),
    "booking_arrived": NotificationKind(message=N_("At your door: %(service)s.")),
    "booking_started": NotificationKind(message=N_("The job has started: %(service)s.")),
    "booking_completed": NotificationKind("bookings", message=N_("Done: %(service)s.")),
    "code_locked": NotificationKind(message=N_("Wrong codes were entered: %(service)s.")),
    "code_voided": NotificationKind(message=N_("Your code is no longer valid: %(service)s.")),
    "code_withdrawn": NotificationKind(message=N_("Your code was withdrawn: %(service)s.")),
    "code_renewed": NotificationKind(message=N_("You have a new code: %(service)s.")),
    "review_answered": NotificationKind(message=N_("Your review was answered: %(service)s.")),
    "review_hidden": NotificationKind(message=N_("Your review is hidden: %(service)s.")),
    "review_shown": NotificationKind(message=N_("Your review is public again: %(service)s.")),
    "job_review_hidden": NotificationKind(message=N_("A review of your work is hidden: %(service)s.")),
    "job_review_shown": NotificationKind(message=N_("A review of your work is public again: %(service)s.")),
    "admin_message": NotificationKind(message=N_("Doorstep wrote to you: %(service)s.")),
    "booking_refunded": NotificationKind(message=N_("You get a refund: %(service)s.")),
    "credit_added": NotificationKind(message=N_("We added credit to your account."), url="/credit"),
    "job_tipped": NotificationKind(message=N_("The customer tipped you: %(service)s.")),
    "job_refunded": NotificationKind(message=N_("The customer got a refund: %(service)s.")),
    "booking_message": NotificationKind(message=N_("Your professional sent a message: %(service)s.")),
    "job_message": NotificationKind(message=N_("The customer sent a message: %(service)s.")),
    "case_opened": NotificationKind(message=N_("A case is open: %(service)s.")),
    "case_message": NotificationKind(message=N_("New message in your case: %(service)s.")),
    "case_decided": NotificationKind(message=N_("Your case is decided: %(service)s.")),
    "case_reopened": NotificationKind(message=N_("Your case is open again: %(service)s.")),
    "booking_redo": NotificationKind(message=N_("Your second visit is arranged: %(service)s.")),
    "payout_paid": NotificationKind(message=N_("We paid out your earnings."), url="/earnings"),
    "payout_failed": NotificationKind(message=N_("A payout to you failed."), url="/bank-account"),
    "bank_account_changed": NotificationKind(message=N_("Your bank account was changed."), url="/bank-account"),
    "extra_proposed": NotificationKind(message=N_("Extra work proposed: %(service)s.")),
    "extra_answered": NotificationKind(message=N_("The customer answered about extra work: %(service)s.")),
    "job_offered": NotificationKind("bookings", SOON, N_("New offer: %(service)s."), url="/jobs", digest="job_offers"),
    "job_offers": NotificationKind("bookings", SOON),
    "job_asked": NotificationKind("bookings", message=N_("A customer requested you: %(service)s.")),
    "job_assigned": NotificationKind(message=N_("The job is yours: %(service)s.")),
    "job_given": NotificationKind(message=N_("You've been assigned a job: %(service)s.")),
    "job_moved": NotificationKind(message=N_("Your job was rescheduled: %(service)s.")),
    "job_cancelled": NotificationKind(message=N_("Your job was cancelled: %(service)s.")),
    "job_returned": NotificationKind(),  # for the calendar: who gave up the job knows it
    "job_taken_away": NotificationKind(message=N_("Your job was reassigned: %(service)s.")),
    "paper_running_out": NotificationKind(
        priority=SOON, message=N_("Check your document's expiry date."), url="/documents"
    ),
    "work_approved": NotificationKind(message=N_("You're approved to work with Doorstep."), url="/verification"),
    "work_denied": NotificationKind(message=N_("We couldn't approve what you sent."), url="/verification"),
    "change_approved": NotificationKind(message=N_("Your changes are approved."), url="/verification"),
    "booking_soon": NotificationKind("reminders", SOON, N_("Coming up: %(service)s.")),
    "job_soon": NotificationKind("reminders", SOON, N_("Your job is coming up: %(service)s.")),
    "evening": NotificationKind("reminders", SOON, N_("Your open offers and tomorrow's jobs."), url="/jobs"),
    "export_ready": NotificationKind(priority=SOON, message=N_("Your export is ready.")),
    "monthly_report": NotificationKind("reports", BULK, N_("Your monthly Doorstep report."), url="/reports"),
    "channel_off": NotificationKind(
        message=N_("Google Chat notifications were switched off: Google Chat isn't accepting them."), url="/admin/tasks"
    ),
    "webhook_off": NotificationKind(
        message=N_("A webhook was turned off: its server isn't accepting events."), url="/admin/webhooks"
    ),
    "wrong_codes": NotificationKind(message=N_("Wrong codes at the door: %(service)s.")),
}
UNKNOWN_KIND = NotificationKind()


def kind_of(name: str) -> NotificationKind:
    """An unknown kind is urgent and cannot be muted; a test finds missing ones."""
    return KINDS.get(name, UNKNOWN_KIND)
