"""Bookings and jobs for calendar programs (RFC 5545) and as invitations (RFC 5546): one entry each, with a stable UID.

An entry shows what its reader sees on the page at that moment: no code, no note, and the other side's address and
phone only while contact is open (rules.md, who may see what).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from urllib.parse import urlencode, urlsplit

from icalendar import Calendar, Event, vCalAddress
from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.names import public_name
from app.bookings.booking import Booking
from app.bookings.moves import State
from app.core.addresses import format_address
from app.core.i18n import _
from app.core.orm import NaturalKeyBase

REFRESH_INTERVAL = timedelta(hours=1)  # how often programs should read a feed
GOOGLE_CALENDAR = "https://calendar.google.com/calendar/render"
PRODUCT_ID = "-//Doorstep//Calendar 1//EN"


class CalendarFeed(NaturalKeyBase):
    """The secret address of a user's bookings or jobs for calendar programs, one at most; only its digest is stored."""

    __tablename__ = "calendar_feeds"
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    digest: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Invitation:
    """What an email tells a calendar; `method` is REQUEST or CANCEL."""

    method: str
    text: str


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """A booking with the other side's contact; `revision` counts the changes of the entry, the last at `changed_at`."""

    booking: Booking
    place: str
    district: str
    name: str | None
    phone: str | None
    revision: int
    changed_at: datetime


def customer_event(entry: CalendarEntry, site: str, now: datetime) -> Event:
    """Return the customer's entry: the address, and the professional by their public name."""
    booking, name = entry.booking, public_name(entry.name) if entry.name and entry.booking.professional_id else None
    open_now = booking.contact_open(now)
    lines = [
        _("%(name)s is coming.", name=name) if name and open_now else name,
        entry.phone if name and open_now else None,
        _("Booking %(reference)s", reference=booking.reference),
    ]
    return _calendar_event(entry, site, f"/bookings/{booking.reference}", _address(entry), lines, now)


def professional_event(entry: CalendarEntry, site: str, now: datetime) -> Event:
    """Return the professional's entry: the area; while contact is open also the address and the customer."""
    booking, open_now = entry.booking, entry.booking.contact_open(now) and entry.name is not None
    lines = [*([entry.name, entry.phone] if open_now else []), _("Booking %(reference)s", reference=booking.reference)]
    location = _address(entry) if open_now else entry.place
    return _calendar_event(entry, site, f"/jobs/{booking.reference}", location, lines, now)


def job_invitation_event(entry: CalendarEntry, site: str, now: datetime, professional_id: int) -> Event:
    """Return the entry that an email brings: the area alone, since nothing takes back what stands in a mailbox.

    It is cancelled for a professional who had the job, whatever becomes of the booking.
    """
    reference = entry.booking.reference
    lines = [_("Booking %(reference)s", reference=reference)]
    event = _calendar_event(entry, site, f"/jobs/{reference}", entry.place, lines, now)
    if entry.booking.professional_id != professional_id:
        _set_status(event, "CANCELLED")
    return event


def google_url(summary: str, starts_at: datetime, ends_at: datetime, location: str) -> str:
    """A link that adds a visit to Google Calendar: title, times and place alone."""
    dates = "/".join(f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}" for moment in (starts_at, ends_at))
    fields = {"action": "TEMPLATE", "text": summary, "dates": dates, "location": location}
    return f"{GOOGLE_CALENDAR}?{urlencode(fields)}"


def render_invitation(event: Event, organizer: str, email: str, name: str) -> Invitation:
    """Return the message that adds, changes or cancels the entry in the calendar of its one attendee (RFC 5546).

    `organizer` is the sender of our emails.
    """
    sender_name, sender = parseaddr(organizer)
    event.add("organizer", vCalAddress(f"mailto:{sender}"), parameters={"CN": sender_name or "Doorstep"})
    attendee = {"CN": name, "ROLE": "REQ-PARTICIPANT", "PARTSTAT": "ACCEPTED", "RSVP": "FALSE"}
    event.add("attendee", vCalAddress(f"mailto:{email}"), parameters=attendee)
    method = "CANCEL" if event["status"] == "CANCELLED" else "REQUEST"
    document = _calendar()
    document.add("method", method)
    document.add_component(event)
    return Invitation(method, document.to_ical().decode())


def render_calendar(entries: Iterable[Event], name: str) -> bytes:
    """Return the calendar file."""
    document = _calendar()
    document.add("x-wr-calname", name)
    document.add("refresh-interval", REFRESH_INTERVAL, parameters={"VALUE": "DURATION"})
    for entry in entries:
        document.add_component(entry)
    return bytes(document.to_ical())


def _calendar() -> Calendar:
    document = Calendar()
    document.add("prodid", PRODUCT_ID)
    document.add("version", "2.0")
    return document


def _calendar_event(
    entry: CalendarEntry, site: str, path: str, location: str, lines: Iterable[str | None], now: datetime
) -> Event:
    booking = entry.booking
    event = Event()
    event.add("uid", f"booking-{booking.reference}@{urlsplit(site).hostname}")
    event.add("sequence", entry.revision)
    event.add("dtstamp", entry.changed_at.astimezone(UTC).replace(microsecond=0))
    event.add("dtstart", booking.starts_at.astimezone(UTC))
    event.add("dtend", booking.ends_at.astimezone(UTC))
    event.add("summary", booking.service_name)
    event.add("location", location)
    event.add("description", "\n".join(line for line in lines if line))
    event.add("url", f"{site}{path}")
    _set_status(event, _status(booking, now))
    return event


def _set_status(event: Event, status: str) -> None:
    for name in ("status", "transp"):
        event.pop(name, None)
    event.add("status", status)
    event.add("transp", "TRANSPARENT" if status == "CANCELLED" else "OPAQUE")


def _status(booking: Booking, now: datetime) -> str:
    if booking.state == State.CANCELLED or booking.hold_lapsed(now):
        return "CANCELLED"
    return "TENTATIVE" if booking.state in (State.HELD, State.REQUESTED) else "CONFIRMED"


def _address(entry: CalendarEntry) -> str:
    return format_address(entry.booking.whole_address, f"{entry.place}, {entry.district}", entry.booking.pincode)
