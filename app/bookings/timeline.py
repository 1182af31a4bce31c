"""The five steps of a booking's timeline, past and to come. No I/O, no labels."""

from dataclasses import dataclass, replace
from datetime import datetime

from app.bookings.deadlines import BookingDeadlines
from app.bookings.moves import State
from app.core import clock


@dataclass(frozen=True, slots=True)
class Step:
    """`kind` names what happened; `state` is done, now, next or bad.

    `at` is when; of a step to come the earliest (`how` "from") or a guess ("about"). `day`: it is not the last one's.
    """

    kind: str
    state: str
    at: datetime | None = None
    how: str = "at"
    day: bool = False


def timeline_steps(booking: BookingDeadlines) -> list[Step]:
    """The steps; the latest that happened is the current one, until the work is done."""
    happened = _happened(booking)
    if booking.state == State.CANCELLED:
        done = [Step(kind, "done", at) for kind, at in happened if at is not None]
        return _with_days([*done, Step("cancelled", "bad", booking.cancelled_at)])
    last = max((index for index, (_, at) in enumerate(happened) if at is not None), default=0)
    finished = booking.completed_at is not None
    steps = [
        Step(kind, "now" if index == last and not finished else "done", at)
        for index, (kind, at) in enumerate(happened[: last + 1])
    ]
    if booking.state == State.REQUESTED:
        steps.append(Step("asked", "now"))
        steps[0] = replace(steps[0], state="done")
    return _with_days([*steps, *_upcoming(booking, len(steps))])


def _happened(booking: BookingDeadlines) -> list[tuple[str, datetime | None]]:
    departed_at = booking.departed_at or booking.arrived_at
    return [
        ("booked", booking.created_at),
        ("accepted", booking.assigned_at),
        ("arrived" if booking.arrived_at else "departed", booking.arrived_at or departed_at),
        ("started", booking.started_at),
        ("completed", booking.completed_at),
    ]


def _upcoming(booking: BookingDeadlines, count: int) -> list[Step]:
    steps = [
        Step("accepted", "next"),
        Step("departed", "next"),
        Step("started", "next", booking.starts_at, "from"),
        Step("completed", "next", booking.ends_at, "about"),
    ]
    return steps[count - 1 :]


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
