"""What the clock says of a booking: what is due, over, or free of charge at a moment. No I/O."""

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy.orm import Mapped

from app.bookings.moves import State
from app.bookings.terms import CONTACT_AFTER_JOB, FREE_UNTIL, LATE_FEE, NOBODY_AT_DOOR, NOBODY_CAME, UNFILLED_BEFORE


class Timely:
    """The questions; app.bookings.booking.Booking has what they look at."""

    if TYPE_CHECKING:
        state: Mapped[str]
        price: Mapped[int]
        starts_at: Mapped[datetime]
        named_id: Mapped[int | None]
        asked_until: Mapped[datetime | None]
        held_until: Mapped[datetime | None]
        reopened_at: Mapped[datetime | None]
        arrived_at: Mapped[datetime | None]
        completed_at: Mapped[datetime | None]

    def cancellation_fee(self, now: datetime) -> int:
        """Paise owed for cancelling or moving now: 0 until 3 h before the slot, while nobody is assigned, or by W14."""
        if self.state != State.ASSIGNED or now < self.starts_at - FREE_UNTIL or self.nobody_came(now):
            return 0
        return min(LATE_FEE, self.price)

    def hold_lapsed(self, now: datetime) -> bool:
        return self.state == State.HELD and self.held_until is not None and self.held_until <= now

    def contact_open(self, now: datetime) -> bool:
        """Do the two parties see each other's address and phone? From accepted until 24 h after the job."""
        return contact_is_open(self.state, self.completed_at, now)

    def asks_first(self, now: datetime) -> int | None:
        """The professional who alone is asked now, or None when everybody near and free is."""
        return self.named_id if self.asked_until is not None and now < self.asked_until else None

    def is_unfilled(self, now: datetime) -> bool:
        """Nobody accepted by slot − 60 min; opened again later than that it waits (W9)."""
        limit = self.starts_at - UNFILLED_BEFORE
        opened_late = self.reopened_at is not None and self.reopened_at >= limit
        return self.state == State.REQUESTED and now >= limit and not opened_late

    def needs_answer(self, now: datetime) -> bool:
        """The slot began and nobody holds the job: its customer picks a new start or a refund (W9)."""
        return self.state == State.REQUESTED and now >= self.starts_at

    def nobody_came(self, now: datetime) -> bool:
        """W14: half an hour into the slot and not arrived."""
        return self.state == State.ASSIGNED and self.arrived_at is None and now >= self.starts_at + NOBODY_CAME

    def nobody_at_door(self, now: datetime) -> bool:
        """W13: arrived, and a quarter of an hour of the slot gone by."""
        since = max(self.arrived_at, self.starts_at) if self.arrived_at else None
        return self.state == State.ASSIGNED and since is not None and now >= since + NOBODY_AT_DOOR


def contact_is_open(state: str, completed_at: datetime | None, now: datetime) -> bool:
    """Of a booking that is no record of the session."""
    if state in (State.ASSIGNED, State.STARTED):
        return True
    return completed_at is not None and now < completed_at + CONTACT_AFTER_JOB
