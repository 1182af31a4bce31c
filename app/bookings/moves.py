"""The states of a booking and the table of moves between them: from which states, to which, and by whom."""

import enum
from dataclasses import dataclass

from app.core.errors import Refused
from app.core.i18n import _


class Flag(enum.StrEnum):
    """Of a booking whose customer seems to be its own professional: whether its review counts."""

    PENDING = "pending"  # does not count until an admin has looked at it
    COUNTS = "counts"
    EXCLUDED = "excluded"


class State(enum.StrEnum):
    HELD = "held"
    REQUESTED = "requested"
    ASSIGNED = "assigned"
    STARTED = "started"
    COMPLETED = "completed"
    CLOSED = "closed"
    CANCELLED = "cancelled"


ACTIVE = (State.HELD, State.REQUESTED, State.ASSIGNED, State.STARTED)
ENDS = ("customer", "platform", "unfilled", "expired", "no_show", "professional_absent")


@dataclass(frozen=True, slots=True)
class Move:
    """A move: from which states, to which, and by which roles."""

    sources: frozenset[State]
    target: State
    by: frozenset[str]


def _move(sources: set[State], target: State, *by: str) -> Move:
    return Move(frozenset(sources), target, frozenset(by))


S = State
MOVES: dict[str, Move] = {
    "pay": _move({S.HELD}, S.REQUESTED, "customer"),
    "accept": _move({S.REQUESTED}, S.ASSIGNED, "professional"),
    "give": _move({S.REQUESTED}, S.ASSIGNED, "admin"),
    "hand_back": _move({S.ASSIGNED}, S.REQUESTED, "professional"),
    "offer_again": _move({S.ASSIGNED}, S.REQUESTED, "customer", "platform", "admin"),
    "reschedule": _move({S.REQUESTED, S.ASSIGNED}, S.REQUESTED, "customer", "admin"),
    "reassign": _move({S.ASSIGNED, S.STARTED}, S.ASSIGNED, "admin"),
    "start": _move({S.ASSIGNED}, S.STARTED, "professional"),
    "complete": _move({S.STARTED}, S.COMPLETED, "professional", "platform"),
    "close": _move({S.COMPLETED}, S.CLOSED, "customer", "platform"),
    "cancel": _move({S.HELD, S.REQUESTED, S.ASSIGNED}, S.CANCELLED, "customer", "professional", "platform", "admin"),
}


class StateRefused(Refused):
    """Refused("state"), about the state: what was done needs another one."""

    def __init__(self, state: str) -> None:
        super().__init__(state_refusal(state), reason="state", about=State(state))


def state_refusal(state: str) -> str:
    """The sentence why a move is not possible in this state."""
    return {
        State.HELD: _("This booking isn't paid yet."),
        State.REQUESTED: _("No professional has accepted this job yet."),
        State.ASSIGNED: _("This job has been accepted."),
        State.STARTED: _("This job has started."),
        State.COMPLETED: _("This job is done."),
        State.CLOSED: _("This job is done and closed."),
        State.CANCELLED: _("This booking was cancelled."),
    }[State(state)]
