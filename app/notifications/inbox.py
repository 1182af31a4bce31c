"""The inbox in the app: stored notifications of a person, and each as a line of the list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.bookings.booking import Booking
from app.core.i18n import _
from app.core.orm import Base
from app.notifications.kinds import kind_of

ADMIN_KINDS = ("wrong_codes",)  # about a booking, and for admins

ACCOUNT_KINDS = ("credit_added",)  # about the account, though a booking was the occasion


class InboxItem(Base):
    """One notification of a person. `data` holds references, as in the outbox; the text is rendered when it is read."""

    __tablename__ = "inbox_items"
    __table_args__ = (
        Index("inbox_items_user_idx", "user_id", "id"),
        Index("inbox_items_unread_idx", "user_id", postgresql_where=text("read_at IS NULL")),
    )
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    dedupe_key: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


@dataclass(frozen=True, slots=True)
class InboxLine:
    """An item as its reader sees it."""

    id: int
    text: str
    at: datetime
    href: str
    is_new: bool


def inbox_lines(items: Sequence[InboxItem], bookings: Mapping[str, Booking], reader_id: int) -> list[InboxLine]:
    """`bookings` are those that the items are about, by reference."""
    return [_line(item, bookings.get(item.data.get("booking", "")), reader_id) for item in items]


def item_url(item: InboxItem, booking: Booking | None, reader_id: int) -> str:
    """The URL of the item; "" for a professional who is no longer assigned to the job."""
    if "export" in item.data:
        exports = "/earnings/exports" if item.data.get("of") == "earnings" else "/admin/exports"
        return f"{exports}/{item.data['export']}"
    if "case" in item.data:
        return f"/cases/{item.data['case']}"
    if booking is None or item.kind in ACCOUNT_KINDS:
        return kind_of(item.kind).url or "/notices"
    if reader_id == booking.customer_id:
        return f"/bookings/{booking.reference}"
    if reader_id == booking.professional_id:
        return f"/jobs/{booking.reference}"
    return f"/admin/bookings/{booking.reference}" if item.kind in ADMIN_KINDS else "/jobs"


def _line(item: InboxItem, booking: Booking | None, reader_id: int) -> InboxLine:
    values = {**item.data, "service": booking.service_name if booking else ""}
    message = kind_of(item.kind).message
    text = _(message, **values) if message else ""
    return InboxLine(item.id, text, item.created_at, item_url(item, booking, reader_id), item.read_at is None)
