"""Bookings and jobs for calendar programs (RFC 5545): one entry each, in Asia/Kolkata, with a stable UID.

An entry shows what its reader sees on the page at that moment: no code, no note, and the other side's address and
phone only while contact is open (rules.md, who may see what).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from icalendar import Calendar, Event
from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.names import public_name
from app.bookings.booking import Booking
from app.bookings.moves import State
from app.core import clock
from app.core.addresses import format_address
from app.core.i18n import _
from app.core.orm import NaturalKeyBase

REFRESH_INTERVAL = timedelta(hours=1)  # how often programs should read a feed
PRODUCT_ID = "-//Doorstep//Calendar 1//EN"


class CalendarFeed(NaturalKeyBase):
    """The secret address of a professional's jobs for calendar programs, one at most; only its digest is stored."""

    __tablename__ = "calendar_feeds"
    professional_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("professionals.user_id", ondelete="CASCADE"), primary_key=True
    )
    digest: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime]


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


def render_calendar(entries: Iterable[Event], name: str) -> bytes:
    """Return the calendar file, with the rules of its time zone."""
    document = Calendar()
    document.add("prodid", PRODUCT_ID)
    document.add("version", "2.0")
    document.add("x-wr-calname", name)
    document.add("refresh-interval", REFRESH_INTERVAL, parameters={"VALUE": "DURATION"})
    for entry in entries:
        document.add_component(entry)
    document.add_missing_timezones()
    return bytes(document.to_ical())


def _calendar_event(
    entry: CalendarEntry, site: str, path: str, location: str, lines: Iterable[str | None], now: datetime
) -> Event:
    booking, status = entry.booking, _status(entry.booking, now)
    event = Event()
    event.add("uid", f"booking-{booking.reference}@{urlsplit(site).hostname}")
    event.add("sequence", entry.revision)
    event.add("dtstamp", entry.changed_at.astimezone(UTC).replace(microsecond=0))
    event.add("dtstart", booking.starts_at.astimezone(clock.IST))
    event.add("dtend", booking.ends_at.astimezone(clock.IST))
    event.add("summary", booking.service_name)
    event.add("location", location)
    event.add("description", "\n".join(line for line in lines if line))
    event.add("status", status)
    event.add("transp", "TRANSPARENT" if status == "CANCELLED" else "OPAQUE")
    event.add("url", f"{site}{path}")
    return event


def _status(booking: Booking, now: datetime) -> str:
    if booking.state == State.CANCELLED or booking.hold_lapsed(now):
        return "CANCELLED"
    return "TENTATIVE" if booking.state in (State.HELD, State.REQUESTED) else "CONFIRMED"


def _address(entry: CalendarEntry) -> str:
    return format_address(entry.booking.address, f"{entry.place}, {entry.district}", entry.booking.pincode)
