"""The Booking entity without a database: every state × move × role against a table, then random orders of moves."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from app.bookings.booking import Booking
from app.bookings.deadlines import FREE_CANCELLATION_NOTICE, HOLD_DURATION, LATE_FEE_PAISE
from app.bookings.moves import MOVES, State
from app.core import clock
from app.core.encryption import Encryption
from app.core.errors import Refused
from tests.factories import a_start

ENCRYPTION = Encryption("a secret for bookings without a database")
ROLES = ("customer", "professional", "admin", "platform")
# c customer, p professional, a admin, x platform: who may, in which state; written from the rules, not from the code.
WRITTEN = """
                held  requested  assigned  started  completed  closed  cancelled
    pay         c     -          -         -        -          -       -
    accept      -     p          -         -        -          -       -
    give        -     a          -         -        -          -       -
    hand_back   -     -          p         -        -          -       -
    offer_again -     -          cax       -        -          -       -
    reschedule  -     ca         ca        -        -          -       -
    reassign    -     -          a         a        -          -       -
    start       -     -          p         -        -          -       -
    complete    -     -          -         px       -          -       -
    close       -     -          -         -        cx         -       -
    cancel      cpax  cpax       cpax      -        -          -       -
"""
TARGETS = {
    "pay": "requested",
    "accept": "assigned",
    "give": "assigned",
    "hand_back": "requested",
    "offer_again": "requested",
    "reschedule": "requested",
    "reassign": "assigned",
    "start": "started",
    "complete": "completed",
    "close": "closed",
    "cancel": "cancelled",
}
ROLE_CODES = {"c": "customer", "p": "professional", "a": "admin", "x": "platform"}
HEAD, *ROWS = [line.split() for line in WRITTEN.strip().splitlines()]
TABLE = {
    (row[0], state, role): any(ROLE_CODES.get(code) == role for code in cell)
    for row in ROWS
    for state, cell in zip(HEAD, row[1:], strict=True)
    for role in ROLES
}
_references = count()


@dataclass(frozen=True)
class ActingUser:
    id: int | None
    role: str


WHO = {role: ActingUser(number, role) for number, role in enumerate(ROLES, 1)} | {
    "platform": ActingUser(None, "platform")
}
ASHA, RAVI = WHO["customer"], WHO["professional"]


def a_booking() -> Booking:
    booking = Booking(
        reference=f"TEST{next(_references) % 10_000:04d}",
        customer_id=ASHA.id,
        service_id=1,
        service_name="Fixing leaks and pipes",
        price=149_00,
        minutes=60,
        address="Flat 3B",
        pincode="600020",
        note="",
        fee=0,
        event_count=0,
    )
    booking.set_slot(a_start())
    booking.hold(ASHA, RAVI.id, clock.now() + HOLD_DURATION)
    return booking


def make_move(booking: Booking, move: str, by: ActingUser) -> None:
    """Call the verb of a move with its arguments."""
    code = next(iter(booking.codes), None)
    actions = {
        "pay": lambda: booking.pay(by, "card"),
        "accept": lambda: booking.accept(by, ENCRYPTION),
        "give": lambda: booking.assign(by, RAVI.id, ENCRYPTION),
        "hand_back": lambda: booking.hand_back(by, "x", None),
        "offer_again": lambda: booking.offer_again(by, "x", None),
        "reschedule": lambda: booking.reschedule(by, a_start(2), RAVI.id, 0),
        "reassign": lambda: booking.reassign(by, RAVI.id, "x", ENCRYPTION),
        "start": lambda: booking.start(by, booking.live_code("start") or code, ENCRYPTION),
        "complete": lambda: booking.complete(by, booking.live_code("finish")),
        "close": lambda: booking.close(by),
        "cancel": lambda: booking.cancel(by, "customer", "x"),
    }
    actions[move]()


MOVES_TO_STATE = {
    "held": [],
    "requested": ["pay"],
    "assigned": ["pay", "accept"],
    "started": ["pay", "accept", "start"],
    "completed": ["pay", "accept", "start", "complete"],
    "closed": ["pay", "accept", "start", "complete", "close"],
    "cancelled": ["cancel"],
}
DONE_BY = {"pay": ASHA, "accept": RAVI, "start": RAVI, "complete": RAVI, "close": ASHA, "cancel": ASHA}


def in_state(state: str) -> Booking:
    booking = a_booking()
    for move in MOVES_TO_STATE[state]:
        make_move(booking, move, DONE_BY[move])
    assert booking.state == state
    return booking


def test_the_written_table_names_every_move_and_state():
    assert {move for move, _, _ in TABLE} == set(MOVES) == set(TARGETS)
    assert list(HEAD) == [str(state) for state in State]


@pytest.mark.parametrize(("move", "state", "role"), TABLE, ids=lambda cell: str(cell))
def test_every_cell_of_the_table(move, state, role):
    booking, result = in_state(state), None
    before = (booking.event_count, booking.professional_id)
    try:
        make_move(booking, move, WHO[role])
    except Refused as refusal:
        result = refusal.message
    if TABLE[move, state, role]:
        assert (booking.state, result) == (TARGETS[move], None)
        assert booking.event_count > before[0]
    else:
        assert booking.state == state
        assert result
        assert (booking.event_count, booking.professional_id) == before


@pytest.mark.parametrize("state", HEAD)
def test_a_button_that_shows_is_a_move_that_works(state):
    """`allows` and the move itself agree for both parties."""
    for move in set(MOVES) - {"offer_again", "close", "cancel"}:
        for person in (ASHA, RAVI):
            assert in_state(state).allows(move, person) == TABLE[move, state, person.role], (move, person.role)


def test_nothing_is_allowed_to_another_customer_or_another_professional():
    for state in HEAD:
        for move in set(MOVES) - {"accept"}:
            assert not in_state(state).allows(move, ActingUser(99, "customer"))
            if state != "requested":
                assert not in_state(state).allows(move, ActingUser(98, "professional"))


@pytest.mark.parametrize(
    ("state", "before", "fee"),
    [
        ("requested", timedelta(hours=1), 0),
        ("assigned", FREE_CANCELLATION_NOTICE + timedelta(seconds=1), 0),
        ("assigned", FREE_CANCELLATION_NOTICE - timedelta(seconds=1), LATE_FEE_PAISE),
        ("assigned", timedelta(minutes=1), LATE_FEE_PAISE),
    ],
)
def test_cancelling_is_free_until_three_hours_before_or_while_no_one_is_assigned(state, before, fee):
    booking = in_state(state)
    assert booking.cancellation_fee(booking.starts_at - before) == fee
    booking.price = 50_00
    assert booking.cancellation_fee(booking.starts_at - before) == min(fee, 50_00)


class AnyOrder(RuleBasedStateMachine):
    """Any moves in any order: the state follows the table, and the invariants hold."""

    @initialize()
    def begin(self):
        self.booking = a_booking()
        self.expected = "held"

    @rule(move=st.sampled_from(sorted(TARGETS)), role=st.sampled_from(ROLES))
    def try_move(self, move, role):
        allowed = TABLE[move, self.expected, role]
        try:
            make_move(self.booking, move, WHO[role])
        except Refused:
            assert not allowed, (move, self.expected, role)
        else:
            assert allowed, (move, self.expected, role)
            self.expected = TARGETS[move]

    @invariant()
    def state_follows_table(self):
        assert self.booking.state == self.expected

    @invariant()
    def an_accepted_job_has_its_professional(self):
        if self.expected in ("assigned", "started"):
            assert self.booking.professional_id == RAVI.id
        if self.expected == "requested":
            assert self.booking.professional_id is None

    @invariant()
    def only_the_code_that_is_due_can_be_read(self):
        live = [(code.phase, code.encrypted_code is not None) for code in self.booking.codes if code.is_live]
        due = {"assigned": [("start", True)], "started": [("finish", True)]}
        assert live == due.get(self.expected, [])
        assert not [code for code in self.booking.codes if not code.is_live and code.encrypted_code is not None]

    @invariant()
    def final_state_has_reason(self):
        assert (self.booking.cancelled_as is not None) == (self.expected == "cancelled")
        assert self.booking.fee <= self.booking.price

    @invariant()
    def history_is_one_chain(self):
        response = [event for event, _ in self.booking.__dict__.get("_pending_events", [])]
        assert [event.seq for event in response] == list(range(1, len(response) + 1))
        assert all(later.previous == before.hash for before, later in zip(response, response[1:], strict=False))
        assert response[-1].hash == self.booking.event_head


AnyOrder.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestAnyOrder = AnyOrder.TestCase


def test_the_slot_is_as_long_as_the_work():
    booking = a_booking()
    assert booking.ends_at - booking.starts_at == timedelta(minutes=60)


def test_contact_is_open_from_accepted_until_a_day_after_the_job():
    assert not in_state("requested").contact_open(clock.now())
    assert in_state("assigned").contact_open(clock.now())
    done = in_state("completed")
    assert done.contact_open(done.completed_at + timedelta(hours=23, minutes=59))
    assert not done.contact_open(done.completed_at + timedelta(hours=24))
