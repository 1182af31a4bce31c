"""What the admins' open pages hear of: every fact of the town, by the kind of its record."""

from collections.abc import Iterable

from sqlalchemy.orm import object_session

from app.core.events import Announcement, Chronicle, Event

DESK = "desk"
BOOKINGS, PEOPLE, CATALOGUE = "desk-bookings", "desk-people", "desk-catalogue"
TOPICS = {
    "booking": BOOKINGS,
    "user": PEOPLE,
    "document": PEOPLE,
    "service": CATALOGUE,
    "category": CATALOGUE,
}


def tell_the_desk(told: Event, record: Chronicle) -> Iterable[object]:
    """A listener of every event (app.core.events): after the commit all admins hear its topic. It writes no row.

    Not of what was merely looked at: a page that shows it would never come to rest.
    """
    session, topic = object_session(record), TOPICS.get(told.subject.split("-")[0])
    if session is not None and topic is not None and not told.name.endswith("seen"):
        session.info.setdefault("announcements", []).append(Announcement(DESK, topic))
    return ()
