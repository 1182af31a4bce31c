"""Which write makes which page of the visitors stale: one table, from the names of events to the names of what is kept.

An event that nobody classed as harmless clears everything: a forgotten line costs time, never a wrong page.
"""

from collections.abc import Iterable

from sqlalchemy.orm import object_session

from app.core.cache import ALL
from app.core.events import Announcement, Chronicle, Event

TIMES = "times"  # free starts, and the earliest ones on cards
CARDS = "cards"  # services as lists show them: name, price, stars
REVIEWS = "reviews"  # what people said, and the spread
PEOPLE = "people"  # professionals' public cards, jobs done
BOOKED = "booked"  # what is booked most where
SOUGHT = "sought"  # what words mean
COUNTED = "counted"  # how many bookings there are of each service (app.catalog.admin_pages)

# Seconds that a page of visitors may be old: what no write tells is a hold that lapses.
TIMES_KEPT = 10
WORDS_KEPT = 300
SOUGHT_KEPT = 60  # shorter: these keys are typed by anybody

NOTHING: tuple[str, ...] = ()
JOB_DONE = (TIMES, BOOKED, PEOPLE, REVIEWS, CARDS)
SHELVES = (CARDS, TIMES, SOUGHT, PEOPLE, REVIEWS)  # what stands in the catalogue: names, prices, minutes, words
STALE: dict[str, tuple[str, ...]] = {
    "booking.held": (TIMES, COUNTED),
    "booking.requoted": (TIMES,),
    "booking.requested": (TIMES, BOOKED),
    "booking.assigned": (TIMES,),
    "booking.given": (TIMES,),
    "booking.passed": (TIMES,),
    "booking.returned": (TIMES,),
    "booking.offered_again": (TIMES,),
    "booking.moved": (TIMES,),
    "booking.cancelled": (TIMES,),
    "booking.started": (TIMES,),
    "booking.completed": JOB_DONE,
    "booking.closed": JOB_DONE,
    "booking.reviewed": JOB_DONE,
    "booking.review_changed": JOB_DONE,
    "booking.departed": NOTHING,
    "booking.arrived": NOTHING,
    "booking.details_changed": NOTHING,
    "booking.code_renewed": NOTHING,
    "booking.code_wrong": NOTHING,
    "booking.code_locked": NOTHING,
    "booking.code_voided": NOTHING,
    "booking.code_withdrawn": NOTHING,
    "booking.contact_seen": NOTHING,
    "booking.extra_proposed": NOTHING,
    "booking.extra_approved": NOTHING,
    "booking.extra_refused": NOTHING,
    "booking.disputed": NOTHING,
    "booking.settled": NOTHING,
    "document.submitted": NOTHING,
    "document.approved": (TIMES, PEOPLE, CARDS),
    "document.denied": NOTHING,
    "document.replaced": NOTHING,
    "document.erased": NOTHING,
    "document.seen": NOTHING,
    "document.expiry_warned": NOTHING,
    "person.blocked": (TIMES, PEOPLE),
    "person.unblocked": (TIMES, PEOPLE),
    "person.approved": (TIMES, PEOPLE, CARDS),
    "person.denied": NOTHING,
    "person.change_approved": (TIMES, PEOPLE, CARDS),
    "person.change_denied": NOTHING,
    "person.asked_again": NOTHING,
    "person.services_changed": (TIMES, PEOPLE, CARDS),
    "person.work_changed": (TIMES, PEOPLE),
    "person.moved_home": (TIMES, PEOPLE),
    "person.promoted": NOTHING,
    "person.demoted": NOTHING,
    "person.task_retried": NOTHING,
    "person.task_discarded": NOTHING,
    "person.contact_seen": NOTHING,
    "webhook.registered": NOTHING,
    "webhook.tested": NOTHING,
    "webhook.secret_renewed": NOTHING,
    "webhook.switched_off": NOTHING,
    "webhook.switched_on": NOTHING,
    "webhook.ended": NOTHING,
    "export.asked": NOTHING,
    "export.ready": NOTHING,
    "export.failed": NOTHING,
    "export.seen": NOTHING,
    "export.expired": NOTHING,
    "export.discarded": NOTHING,
    "person.calendar_made": NOTHING,
    "person.calendar_ended": NOTHING,
    "person.notices_changed": NOTHING,
    "person.registered": NOTHING,
    "person.email_verified": NOTHING,
    "person.email_changed": NOTHING,
    "person.password_changed": NOTHING,
    "person.address_added": NOTHING,
    "person.address_changed": NOTHING,
    "person.address_removed": NOTHING,
    "person.main_address_changed": NOTHING,
    "person.details_changed": (TIMES, PEOPLE, REVIEWS),
    "service.created": SHELVES,
    "service.changed": SHELVES,
    "service.retired": SHELVES,
    "service.offered_again": SHELVES,
    "service.deleted": SHELVES,
    "category.created": SHELVES,
    "category.changed": SHELVES,
    "category.moved": SHELVES,
    "category.retired": SHELVES,
    "category.offered_again": SHELVES,
    "category.deleted": SHELVES,
    "person.left": (TIMES, CARDS, REVIEWS, PEOPLE),
}


def stale_after(event_name: str) -> tuple[str, ...]:
    """The names of what that event makes stale."""
    return STALE.get(event_name, (ALL,))


def clear_what_it_changes(told: Event, record: Chronicle) -> Iterable[object]:
    """A listener of every event (app.core.events): after the commit every process forgets. It writes no row."""
    session = object_session(record)
    if session is not None:
        session.info.setdefault("announcements", []).extend(
            Announcement("cache", name) for name in stale_after(told.name)
        )
    return ()
