"""A notice as its reader sees it: one line, when, where it leads, read or not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.bookings.booking import Booking
from app.core.i18n import _
from app.notifications.inbox import Notice
from app.notifications.kinds import kind_of


@dataclass(frozen=True, slots=True)
class Line:
    id: int
    words: str
    at: datetime
    href: str
    is_new: bool


def lines_of(notices: Sequence[Notice], bookings: Mapping[str, Booking], reader: int) -> list[Line]:
    return [_line(notice, bookings.get(notice.data.get("booking", "")), reader) for notice in notices]


def href_of(notice: Notice, booking: Booking | None, reader: int) -> str:
    """A job that is not theirs any more has no page for them."""
    if "export" in notice.data:
        doors = "/earnings/exports" if notice.data.get("of") == "earnings" else "/admin/exports"
        return f"{doors}/{notice.data['export']}"
    if booking is None:
        return kind_of(notice.kind).leads or "/notices"
    if reader == booking.customer_id:
        return f"/bookings/{booking.reference}"
    if reader == booking.professional_id:
        return f"/jobs/{booking.reference}"
    return f"/admin/bookings/{booking.reference}" if notice.kind in FOR_ADMINS else "/jobs"


FOR_ADMINS = ("wrong_codes",)


def _line(notice: Notice, booking: Booking | None, reader: int) -> Line:
    said = kind_of(notice.kind).said or ""
    values = {**notice.data, "service": booking.service_name if booking else ""}
    return Line(
        notice.id, _(said, **values), notice.created_at, href_of(notice, booking, reader), notice.read_at is None
    )
