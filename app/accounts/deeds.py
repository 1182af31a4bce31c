"""What people read of every event: one sentence each; all else stands in lines below it (app.accounts.details).

An event without a sentence here fails the tests, so that no history ever shows a bare name.
"""

from app.kit.words import N_

SAID: dict[str, str] = {
    "booking.held": N_("%(who)s chose a time and went on to pay."),
    "booking.requoted": N_("%(who)s read a new price while paying."),
    "booking.requested": N_("%(who)s booked."),
    "booking.assigned": N_("%(who)s accepted the job."),
    "booking.given": N_("%(who)s gave the job to a professional."),
    "booking.passed": N_("%(who)s passed on the job."),
    "booking.returned": N_("%(who)s handed the job back."),
    "booking.offered_again": N_("%(who)s had the job offered again."),
    "booking.moved": N_("%(who)s moved the booking to another time."),
    "booking.departed": N_("%(who)s set out."),
    "booking.arrived": N_("%(who)s was at the door."),
    "booking.started": N_("%(who)s started the work with the start code."),
    "booking.completed": N_("%(who)s finished the work."),
    "booking.settled": N_("%(who)s paid what was due."),
    "booking.closed": N_("%(who)s closed the booking."),
    "booking.cancelled": N_("%(who)s cancelled the booking."),
    "booking.details_changed": N_("%(who)s changed the address or the note."),
    "booking.code_renewed": N_("%(who)s asked for a new code."),
    "booking.code_locked": N_("%(who)s typed wrong codes; entry was locked."),
    "booking.code_voided": N_("%(who)s typed wrong codes too often; the code is void."),
    "booking.code_withdrawn": N_("%(who)s made the code void, without seeing it."),
    "booking.contact_seen": N_("%(who)s looked at the address and the phone numbers."),
    "booking.extra_proposed": N_("%(who)s proposed extra work."),
    "booking.extra_approved": N_("%(who)s approved extra work."),
    "booking.extra_refused": N_("%(who)s refused extra work."),
    "booking.disputed": N_("%(who)s objected."),
    "booking.reviewed": N_("%(who)s wrote a review."),
    "booking.review_changed": N_("%(who)s changed the review."),
    "person.registered": N_("%(who)s made the account."),
    "person.email_verified": N_("%(who)s confirmed the e-mail address."),
    "person.email_changed": N_("%(who)s changed the e-mail address."),
    "person.password_changed": N_("%(who)s set a new password."),
    "person.details_changed": N_("%(who)s changed name or phone."),
    "person.address_added": N_("%(who)s added an address."),
    "person.address_changed": N_("%(who)s changed an address."),
    "person.address_removed": N_("%(who)s removed an address."),
    "person.main_address_changed": N_("%(who)s chose another main address."),
    "person.hours_changed": N_("%(who)s changed the weekly hours."),
    "person.area_changed": N_("%(who)s changed the area."),
    "person.time_off_changed": N_("%(who)s took time off."),
    "person.time_off_removed": N_("%(who)s gave time off up."),
    "person.blocked": N_("%(who)s blocked the account."),
    "person.unblocked": N_("%(who)s ended the block."),
    "person.promoted": N_("%(who)s made the account an admin's."),
    "person.demoted": N_("%(who)s took the admin's right away."),
    "person.approved": N_("%(who)s approved the account for work."),
    "person.denied": N_("%(who)s denied the account."),
    "person.change_approved": N_("%(who)s approved what was new."),
    "person.change_denied": N_("%(who)s denied what was new."),
    "person.asked_again": N_("%(who)s asked to be checked again."),
    "person.services_changed": N_("%(who)s changed the services offered."),
    "person.work_changed": N_("%(who)s changed trade or years."),
    "person.moved_home": N_("%(who)s moved home."),
    "person.contact_seen": N_("%(who)s looked at phone and address."),
    "person.notices_changed": N_("%(who)s changed what they want to hear."),
    "person.task_retried": N_("%(who)s had a task tried again."),
    "person.task_discarded": N_("%(who)s discarded a task."),
    "person.calendar_made": N_("%(who)s made a secret address for a calendar; an older one ended."),
    "person.calendar_ended": N_("%(who)s ended the secret address of the calendar."),
    "person.left": N_("%(who)s left. What was personal is erased."),
    "service.created": N_("%(who)s put the service into the catalogue."),
    "service.changed": N_("%(who)s changed the service."),
    "service.retired": N_("%(who)s took the service out of the catalogue."),
    "service.offered_again": N_("%(who)s brought the service back."),
    "service.deleted": N_("%(who)s deleted the service."),
    "category.created": N_("%(who)s made the category."),
    "category.changed": N_("%(who)s changed the category."),
    "category.moved": N_("%(who)s moved other categories, and this one with them."),
    "category.retired": N_("%(who)s took the category out of the catalogue."),
    "category.offered_again": N_("%(who)s brought the category back."),
    "category.deleted": N_("%(who)s deleted the category."),
    "document.submitted": N_("%(who)s sent the paper."),
    "document.approved": N_("%(who)s approved the paper."),
    "document.denied": N_("%(who)s denied the paper."),
    "document.replaced": N_("%(who)s put a newer paper in its place."),
    "document.seen": N_("%(who)s looked at the paper."),
    "document.expiry_warned": N_("%(who)s told its owner that the paper runs out."),
    "document.erased": N_("%(who)s erased the file."),
    "export.asked": N_("%(who)s asked for the export."),
    "export.ready": N_("%(who)s finished the export."),
    "export.failed": N_("%(who)s could not make the export."),
    "export.seen": N_("%(who)s fetched the file."),
    "export.expired": N_("%(who)s deleted the file, a week after it was made."),
    "export.discarded": N_("%(who)s threw the export away."),
}

# When exactly one thing changed, this is the whole sentence.
ONE_CHANGED = N_("%(who)s changed %(what)s from %(before)s to %(after)s.")
ONE_SET = N_("%(who)s set %(what)s to %(after)s.")
ONE_EMPTIED = N_("%(who)s emptied %(what)s, which was %(before)s.")
CHANGES = ("service.changed", "category.changed", "category.moved", "person.details_changed")

# How whoever acted had come (app.kit.events.CHANNELS).
WAYS = {
    "page": N_("on a page"),
    "api": N_("by the API"),
    "task": N_("by a task of the worker"),
    "command": N_("by a command"),
}

# The kinds of records, as the list of events filters them.
FAMILIES = {
    "booking": N_("Bookings"),
    "person": N_("People"),
    "document": N_("Papers"),
    "service": N_("Services"),
    "category": N_("Categories"),
    "export": N_("Exports"),
}
