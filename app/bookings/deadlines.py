"""The deadlines of a booking (docs/rules.md): durations, and what is due, over or free of charge at a moment."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from app.bookings.moves import State
from app.scheduling.travel import MIN_ARRIVAL_WINDOW, ArrivalWindow

HOLD_DURATION = timedelta(minutes=7)
PRIORITY_OFFER_DURATION = timedelta(minutes=10)
FREE_CANCELLATION_NOTICE = timedelta(hours=3)
LATE_FEE_PAISE = 100_00
UNFILLED_CUTOFF = timedelta(minutes=60)
MAX_UNALERTED_WAIT = timedelta(hours=2)  # for a professional to accept, before admins are alerted (W26)
MIN_TIME_TO_ACCEPT = timedelta(minutes=6)
UNASKED_EARLY_START = timedelta(minutes=90)
EARLIEST_ARRIVAL = timedelta(minutes=60)
MAX_DELAYS = 2  # how often a professional may say that they are late (W24)
CUSTOMER_NO_SHOW_WAIT = timedelta(minutes=15)
PROFESSIONAL_ABSENCE_WAIT = timedelta(minutes=30)
AUTO_COMPLETE_AFTER = timedelta(hours=12)
CLOSE_AFTER = timedelta(days=7)
CONTACT_OPEN_AFTER_JOB = timedelta(hours=24)
KEEP_CONTACT = timedelta(days=180)  # after the visit: the person at the door
REVIEW_EDIT_PERIOD = timedelta(hours=48)
ANSWER_EDIT_PERIOD = timedelta(hours=48)  # of the answer to a review


class BookingDeadlines:
    """Mixin of the entity Booking and of CustomerBooking, which is read without it; both have these columns."""

    __slots__ = ()
    if TYPE_CHECKING:
        state: State
        price: int
        starts_at: datetime
        ends_at: datetime
        requested_professional_id: int | None
        exclusive_until: datetime | None
        held_until: datetime | None
        created_at: datetime
        requested_at: datetime | None
        reopened_at: datetime | None
        assigned_at: datetime | None
        departed_at: datetime | None
        arrived_at: datetime | None
        eta_from: datetime | None
        eta_until: datetime | None
        late_count: int
        started_at: datetime | None
        completed_at: datetime | None
        cancelled_at: datetime | None
        cancelled_as: str | None
        contact_ended_at: datetime | None

    def cancellation_fee(self, now: datetime) -> int:
        """Paise owed for cancelling or rescheduling now: 0 until 3 h before the slot, while unassigned, or by W14."""
        if (
            self.state != State.ASSIGNED
            or now < self.starts_at - FREE_CANCELLATION_NOTICE
            or self.professional_is_absent(now)
        ):
            return 0
        return min(LATE_FEE_PAISE, self.price)

    def hold_lapsed(self, now: datetime) -> bool:
        return self.state == State.HELD and self.held_until is not None and self.held_until <= now

    def contact_open(self, now: datetime) -> bool:
        """Whether the two parties see each other's address and phone: from accepted until 24 h after the job.

        A case of safety ends it (W27).
        """
        return self.contact_ended_at is None and is_contact_open(self.state, self.completed_at, now)

    def priority_professional_id(self, now: datetime) -> int | None:
        """The professional with a priority offer now; None when the job is offered to all candidates."""
        return (
            self.requested_professional_id if self.exclusive_until is not None and now < self.exclusive_until else None
        )

    def priority_offer_end(self, now: datetime) -> datetime:
        """Until when a priority offer lasts that begins now: the other candidates have as long for a near start."""
        return now + min(PRIORITY_OFFER_DURATION, (self.unfilled_at - now) / 2)

    def may_be_offered(self, now: datetime) -> bool:
        """Whether professionals would have enough time to accept if the booking was paid now."""
        return unfilled_at(self.starts_at, now) - now >= MIN_TIME_TO_ACCEPT

    @property
    def unfilled_at(self) -> datetime:
        """When a paid booking is cancelled if no professional has accepted (W9)."""
        assert self.requested_at is not None
        return unfilled_at(self.starts_at, self.requested_at)

    @property
    def was_reopened_late(self) -> bool:
        """Reopened too late to be cancelled as unfilled: it waits for the start, then for its customer (W9)."""
        return self.reopened_at is not None and self.reopened_at >= self.unfilled_at

    def is_unfilled(self, now: datetime) -> bool:
        """Not accepted in time (W9)."""
        return self.state == State.REQUESTED and now >= self.unfilled_at and not self.was_reopened_late

    def needs_answer(self, now: datetime) -> bool:
        """The slot began without a professional: the customer picks a new start or a refund (W9)."""
        return self.state == State.REQUESTED and now >= self.starts_at

    def is_early(self, now: datetime) -> bool:
        """W23: whether leaving for the job, or starting it, is so early that the professional is asked first."""
        return now < self.starts_at - UNASKED_EARLY_START

    @property
    def arrival_from(self) -> datetime:
        """W23: when the professional may report the arrival at the earliest."""
        return self.starts_at - EARLIEST_ARRIVAL

    def may_report_delay(self) -> bool:
        """W24: whether the professional may say that they are late."""
        return self.state == State.ASSIGNED and self.arrived_at is None and self.late_count < MAX_DELAYS

    def delayed_arrival(self, delay: timedelta, now: datetime) -> ArrivalWindow:
        """The arrival window `delay` later than it is now, of the slot's start before departure; never in the past."""
        window = ArrivalWindow.around(self.starts_at, MIN_ARRIVAL_WINDOW / 2)
        since, until = self.eta_from or window.since, self.eta_until or window.until
        delay = max(delay, now + delay - until)
        return ArrivalWindow(since + delay, until + delay)

    def professional_is_absent(self, now: datetime) -> bool:
        """W14: half an hour into the slot and no arrival reported."""
        return (
            self.state == State.ASSIGNED
            and self.arrived_at is None
            and now >= self.starts_at + PROFESSIONAL_ABSENCE_WAIT
        )

    def may_contest_arrival(self, now: datetime) -> bool:
        """W14: the professional reported an arrival, but half an hour into the slot no start code was entered."""
        return (
            self.state == State.ASSIGNED
            and self.arrived_at is not None
            and now >= self.starts_at + PROFESSIONAL_ABSENCE_WAIT
        )

    def no_show_reportable_from(self) -> datetime | None:
        """W13: 15 minutes after the arrival or the slot's start, whichever is later; None before the arrival."""
        return max(self.arrived_at, self.starts_at) + CUSTOMER_NO_SHOW_WAIT if self.arrived_at else None

    def may_report_no_show(self, now: datetime) -> bool:
        """W13: whether the professional may report that the customer doesn't answer."""
        since = self.no_show_reportable_from()
        return self.state == State.ASSIGNED and since is not None and now >= since


def unfilled_at(starts_at: datetime, requested_at: datetime) -> datetime:
    """W9: an hour before the start, or for a near one half of the time from the request to it."""
    return starts_at - min(UNFILLED_CUTOFF, (starts_at - requested_at) / 2)


def unfilled_at_sql(bookings: str) -> str:
    """The same in SQL, of the table or alias `bookings`."""
    half = f"({bookings}.starts_at - {bookings}.requested_at) / 2"
    return f"({bookings}.starts_at - least(interval '{UNFILLED_CUTOFF.seconds} seconds', {half}))"


def alert_at_sql(bookings: str) -> str:
    """SQL: from when an admin should look after a booking that nobody accepted, of the alias `bookings` (W26).

    Half of the time from the request, or the moment it was opened again, to W9's end, at most two hours.
    """
    since = f"greatest({bookings}.requested_at, {bookings}.reopened_at)"
    wait = f"least(interval '{MAX_UNALERTED_WAIT.seconds} seconds', ({unfilled_at_sql(bookings)} - {since}) / 2)"
    return f"({since} + {wait})"


def is_contact_open(state: str, completed_at: datetime | None, now: datetime) -> bool:
    """The same for a booking read without its entity."""
    if state in (State.ASSIGNED, State.STARTED):
        return True
    return completed_at is not None and now < completed_at + CONTACT_OPEN_AFTER_JOB
