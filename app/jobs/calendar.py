"""Bookings and jobs for calendar programs (RFC 5545): one entry each, in Asia/Kolkata, the same UID all its life.

What stands in an entry is what its reader sees on the page at that moment, never more: no code, no note, and the other
side's address and phone only while contact is open (rules.md, who may see what).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from icalendar import Calendar, Event

from app.accounts.user import public_name
from app.bookings.booking import Booking
from app.bookings.moves import State
from app.core import clock
from app.core.i18n import _

READ_EVERY = timedelta(hours=1)  # what we ask programs that follow a feed
MAKER = "-//Doorstep//Calendar 1//EN"


@dataclass(frozen=True, slots=True)
class Kept:
    """A booking with the other party as stored; `revision` counts what changed an entry, last at `changed_at`."""

    booking: Booking
    place: str
    district: str
    name: str | None
    phone: str | None
    revision: int
    changed_at: datetime


def for_customer(kept: Kept, site: str, now: datetime) -> Event:
    """Where it is they know; who comes, as their page names them."""
    booking, name = kept.booking, public_name(kept.name) if kept.name and kept.booking.professional_id else None
    open_now = booking.contact_open(now)
    lines = [
        _("%(name)s comes.", name=name) if name and open_now else name,
        kept.phone if name and open_now else None,
        _("Booking %(reference)s", reference=booking.reference),
    ]
    return _entry(kept, site, f"/bookings/{booking.reference}", _address(kept), lines, now)


def for_professional(kept: Kept, site: str, now: datetime) -> Event:
    """The area; from accepted until a day after the work also the door, and who opens it."""
    booking, open_now = kept.booking, kept.booking.contact_open(now) and kept.name is not None
    lines = [*([kept.name, kept.phone] if open_now else []), _("Booking %(reference)s", reference=booking.reference)]
    where = _address(kept) if open_now else kept.place
    return _entry(kept, site, f"/jobs/{booking.reference}", where, lines, now)


def written(entries: Iterable[Event], name: str) -> bytes:
    """The file; the zone's own rules are inside, so that no program has to guess them."""
    made = Calendar()
    made.add("prodid", MAKER)
    made.add("version", "2.0")
    made.add("x-wr-calname", name)
    made.add("refresh-interval", READ_EVERY, parameters={"VALUE": "DURATION"})
    for entry in entries:
        made.add_component(entry)
    made.add_missing_timezones()
    return bytes(made.to_ical())


def _entry(kept: Kept, site: str, path: str, where: str, lines: Iterable[str | None], now: datetime) -> Event:
    booking, status = kept.booking, _status(kept.booking, now)
    made = Event()
    made.add("uid", f"booking-{booking.reference}@{urlsplit(site).hostname}")
    made.add("sequence", kept.revision)
    made.add("dtstamp", kept.changed_at.astimezone(UTC).replace(microsecond=0))
    made.add("dtstart", booking.starts_at.astimezone(clock.IST))
    made.add("dtend", booking.ends_at.astimezone(clock.IST))
    made.add("summary", booking.service_name)
    made.add("location", where)
    made.add("description", "\n".join(line for line in lines if line))
    made.add("status", status)
    made.add("transp", "TRANSPARENT" if status == "CANCELLED" else "OPAQUE")
    made.add("url", f"{site}{path}")
    return made


def _status(booking: Booking, now: datetime) -> str:
    if booking.state == State.CANCELLED or booking.hold_lapsed(now):
        return "CANCELLED"
    return "TENTATIVE" if booking.state in (State.HELD, State.REQUESTED) else "CONFIRMED"


def _address(kept: Kept) -> str:
    return f"{kept.booking.address}, {kept.place}, {kept.district} {kept.booking.pincode}"
