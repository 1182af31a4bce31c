"""A booking's timeline: every state that its events name, with time and actor, and the steps to come. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.accounts.names import public_name
from app.bookings.deadlines import BookingDeadlines
from app.bookings.moves import State
from app.core import clock
from app.core.events import Person
from app.core.i18n import _

# Event → kind of step. An offer that was declined is no state of the booking.
STEP_KINDS = {
    "booking.held": "held",
    "booking.requested": "requested",
    "booking.redo_granted": "requested",
    "booking.assigned": "accepted",
    "booking.given": "given",
    "booking.reassigned": "given",
    "booking.returned": "returned",
    "booking.offered_again": "offered_again",
    "booking.moved": "moved",
    "booking.departed": "departed",
    "booking.arrived": "arrived",
    "booking.started": "started",
    "booking.completed": "completed",
    "booking.closed": "closed",
    "booking.cancelled": "cancelled",
}
ADMIN_MESSAGE = "booking.admin_message"  # no step: a message to the customer or the professional
REOPENINGS = ("returned", "offered_again")


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """An event of a booking. `actor` and `professional` are full names; `professional` is whose job it was or became,
    or to whom an admin wrote the `reason`.

    `moved_to` is the new start, in ISO 8601.
    """

    name: str
    at: datetime
    actor_id: int | None
    actor_role: str
    actor: str | None
    professional_id: int | None
    professional: str | None
    reason: str | None
    moved_to: str | None

    @property
    def kind(self) -> str:
        return STEP_KINDS[self.name]

    @property
    def is_reopening(self) -> bool:
        return self.kind in REOPENINGS


@dataclass(frozen=True, slots=True)
class Step:
    """`kind` names what happened; `state` is done, now, next or bad.

    `at` is when; of a step to come the earliest (`how` "from") or a guess ("about"). `day`: it is not the last one's.
    `who` acted, `professional` is the other person that the step is about, both as the reader may know them.
    """

    kind: str
    state: str
    at: datetime | None = None
    how: str = "at"
    day: bool = False
    who: str = ""
    professional: str = ""
    reason: str = ""
    moved_to: datetime | None = None


def timeline_steps(booking: BookingDeadlines, events: Sequence[TimelineEvent], reader: Person) -> list[Step]:
    """The steps as `reader` may see them; the latest that happened is the current one, until the work is done."""
    done = [_step(event, reader) for event in events if event.name in STEP_KINDS]
    if booking.state == State.CANCELLED:
        return _with_days([*done[:-1], replace(done[-1], state="bad")] if done else [])
    if booking.state == State.REQUESTED:
        done.append(Step("asked", "now"))
    elif done and booking.completed_at is None:
        done[-1] = replace(done[-1], state="now")
    return _with_days([*done, *_upcoming(booking)])


def last_reopening(booking: BookingDeadlines, events: Sequence[TimelineEvent]) -> TimelineEvent | None:
    """Why the booking looks for a professional again; None if it doesn't, or if its customer has moved it since."""
    steps = [event for event in events if event.name in STEP_KINDS]
    if booking.state != State.REQUESTED or not steps or not steps[-1].is_reopening:
        return None
    return steps[-1]


def admin_messages(events: Sequence[TimelineEvent], reader: Person) -> list[TimelineEvent]:
    """What admins wrote to the customer or the professional `reader`; erased ones are left out."""
    recipient_id = reader.id if reader.role == "professional" else None
    return [
        event
        for event in events
        if event.name == ADMIN_MESSAGE and event.reason and event.professional_id == recipient_id
    ]


def actor_name(event: TimelineEvent, reader: Person) -> str:
    """Who acted, as `reader` may know them: admins read full names, others public ones."""
    if event.actor_id is not None and event.actor_id == reader.id:
        return _("You")
    if reader.role == "admin":
        return _(event.actor) if event.actor else "Doorstep"
    if event.actor_role == "customer":
        return _("The customer")
    if event.actor_role == "professional":
        return _professional(event.actor, reader)
    return "Doorstep"


def _step(event: TimelineEvent, reader: Person) -> Step:
    professional = ""
    if event.professional_id is not None and event.professional_id != event.actor_id:
        is_own = event.professional_id == reader.id
        professional = _("You") if is_own else _professional(event.professional, reader)
    return Step(
        event.kind,
        "done",
        event.at,
        who=actor_name(event, reader),
        professional=professional,
        reason=event.reason if event.reason and _may_read_reason(event, reader) else "",
        moved_to=datetime.fromisoformat(event.moved_to) if event.moved_to else None,
    )


def _professional(full_name: str | None, reader: Person) -> str:
    """A professional by name; for another professional without."""
    if reader.role == "professional" or not full_name:
        return _("Another professional")
    return _(full_name) if reader.role == "admin" else public_name(full_name)


def _may_read_reason(event: TimelineEvent, reader: Person) -> bool:
    """A professional reads no reasons but their own and Doorstep's."""
    return reader.role != "professional" or event.actor_id in (None, reader.id)


def _upcoming(booking: BookingDeadlines) -> list[Step]:
    steps = [
        Step("accepted", "next"),
        Step("departed", "next"),
        Step("started", "next", booking.starts_at, "from"),
        Step("completed", "next", booking.ends_at, "about"),
    ]
    if booking.state == State.HELD:
        return steps
    if booking.state == State.REQUESTED or (booking.state == State.ASSIGNED and not _is_under_way(booking)):
        return steps[1:]
    if booking.state == State.ASSIGNED:
        return steps[2:]
    return steps[3:] if booking.state == State.STARTED else []


def _is_under_way(booking: BookingDeadlines) -> bool:
    return booking.departed_at is not None or booking.arrived_at is not None


def _with_days(steps: list[Step]) -> list[Step]:
    """Mark the steps whose day differs from the one before; steps to come show the time only."""
    previous_day, marked = None, []
    for step in steps:
        day_of_step = step.at.astimezone(clock.IST).date() if step.at else None
        marked.append(
            replace(step, day=step.state != "next" and day_of_step is not None and day_of_step != previous_day)
        )
        previous_day = day_of_step if day_of_step is not None and step.state != "next" else previous_day
    return marked
