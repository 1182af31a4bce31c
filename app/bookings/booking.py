"""A booking and its whole life: the table of moves, and the verbs that make them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Boolean, Computed, ForeignKey, Integer, SmallInteger, String
from sqlalchemy.dialects.postgresql import TSTZRANGE, Range
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.bookings.code import TRIES_IN_ALL, Code
from app.bookings.constraints import ACCEPTED_IN, CONSTRAINTS
from app.bookings.deadlines import Timely
from app.bookings.extra import Extra
from app.bookings.moves import MOVES, State, sorry
from app.bookings.telling import Telling
from app.bookings.terms import ASKED_FIRST, HOLD, TURNAROUND
from app.core import clock
from app.core.encryption import Vault
from app.core.errors import Refused
from app.core.events import Actor
from app.core.i18n import _
from app.core.orm import Base


class Booking(Timely, Base, Telling):
    """Price in paise and minutes are the ones agreed; `span` is the slot and ten minutes to turn around."""

    __tablename__ = "bookings"
    __table_args__ = CONSTRAINTS
    reference: Mapped[str] = mapped_column(String(8), unique=True)
    customer_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"))
    service_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("services.id"))
    state: Mapped[str]
    service_name: Mapped[str]
    price: Mapped[int]
    minutes: Mapped[int] = mapped_column(Integer)
    address: Mapped[str]
    pincode: Mapped[str] = mapped_column(String(6), ForeignKey("pincodes.pincode"))
    note: Mapped[str] = mapped_column(default="", server_default="")
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    span: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    named_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("professionals.user_id"))
    asked_until: Mapped[datetime | None]
    reserved_for: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("professionals.user_id"))
    professional_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("professionals.user_id"))
    held_until: Mapped[datetime | None]
    payment: Mapped[str | None]
    fee: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[datetime]
    requested_at: Mapped[datetime | None]
    reopened_at: Mapped[datetime | None]
    assigned_at: Mapped[datetime | None]
    departed_at: Mapped[datetime | None]
    arrived_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    cancelled_as: Mapped[str | None]
    cancel_reason: Mapped[str | None]
    by_clock: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")
    # For reports; the database keeps them (paise of the ledger, stars of the review, minutes from asked to accepted).
    commission: Mapped[int] = mapped_column(server_default="0", deferred=True)
    revenue: Mapped[int] = mapped_column(server_default="0", deferred=True)
    rating: Mapped[int | None] = mapped_column(SmallInteger, deferred=True)
    accepted_minutes: Mapped[int | None] = mapped_column(Integer, Computed(ACCEPTED_IN, persisted=True), deferred=True)
    codes: Mapped[list[Code]] = relationship(lazy="raise", order_by=Code.id)
    extras: Mapped[list[Extra]] = relationship(lazy="raise", order_by=Extra.id)

    @property
    def subject(self) -> str:
        return f"booking-{self.reference}"

    # What is true of it

    def allows(self, move: str, me: Actor) -> bool:
        """May `me`, who is a party to it, make this move now? A button that shows is a move that works."""
        rule = MOVES[move]
        return self.state in rule.sources and me.role in rule.by and self._concerns(me)

    def _concerns(self, me: Actor) -> bool:
        if me.role == "customer":
            return me.id == self.customer_id
        if me.role == "professional":
            return self.state == State.REQUESTED or me.id == self.professional_id
        return True

    def live_code(self, phase: str) -> Code | None:
        return next((code for code in self.codes if code.phase == phase and code.is_live), None)

    @property
    def total(self) -> int:
        """Paise: the agreed price and the extras that the customer approved."""
        return self.price + sum(extra.price for extra in self.extras if extra.state == "approved")

    # What may be done with it

    def hold(self, by: Actor, for_professional: int) -> None:
        """The first state of every booking: the time is kept while the customer pays."""
        self.state, self.reserved_for = State.HELD, for_professional
        self.held_until = clock.now() + HOLD
        self.codes, self.extras = [], []
        self.__dict__["_was"] = None
        self._tell(
            "booking.held",
            by,
            service_id=self.service_id,
            starts_at=self.starts_at.isoformat(),
            price=self.price,
            minutes=self.minutes,
            reserved_for=for_professional,
            personal={"address": self.address, "note": self.note},
        )

    def requote(self, by: Actor, price: int, minutes: int) -> None:
        """W6: the catalogue changed while somebody pays; they read the new price and confirm again."""
        self._expect(State.HELD)
        before = {"price": self.price, "minutes": self.minutes}
        self.price, self.minutes = price, minutes
        self.set_slot(self.starts_at)
        self._tell("booking.requoted", by, before=before, after={"price": price, "minutes": minutes})

    def pay(self, by: Actor, method: str) -> None:
        self._move("pay", by)
        self.payment, self.requested_at, self.held_until = method, clock.now(), None
        self.asked_until = clock.now() + ASKED_FIRST if self.named_id else None
        self._tell("booking.requested", by, method=method, total=self.total, offered=True)

    def accept(self, by: Actor, vault: Vault) -> None:
        self._move("accept", by)
        self._hand_to(by.id, vault)
        self._tell("booking.assigned", by, professional_id=by.id, offered=True)

    def give(self, by: Actor, professional_id: int, vault: Vault) -> None:
        """By an admin, to somebody who is free then."""
        self._move("give", by)
        self._hand_to(professional_id, vault)
        self._tell("booking.given", by, professional_id=professional_id, offered=True)

    def passed(self, by: Actor, reason: str, next_for: int | None) -> None:
        """`next_for` is the free candidate whose time is reserved now; None when nobody is left."""
        if self.reserved_for == by.id:
            self.reserved_for = next_for
        if self.named_id == by.id:
            self.asked_until = None
        self._tell("booking.passed", by, offered=True, nudge=by.id, reserved_for=next_for, personal=_said(reason))

    def hand_back(self, by: Actor, reason: str, next_for: int | None) -> None:
        self._reopen("hand_back", by, next_for)
        self._tell("booking.returned", by, offered=True, nudge=by.id, reserved_for=next_for, personal=_said(reason))

    def offer_again(self, by: Actor, reason: str, next_for: int | None) -> None:
        """W1, W14: taken from its professional and offered to the others."""
        before = self.professional_id
        self._reopen("offer_again", by, next_for)
        self._tell(
            "booking.offered_again",
            by,
            offered=True,
            nudge=before,
            professional_id=before,
            reserved_for=next_for,
            personal=_said(reason),
        )

    def reschedule(self, by: Actor, starts_at: datetime, next_for: int, fee: int) -> None:
        """The price stays the agreed one; the previous professional, or the one who was named, is asked first if free.

        `fee` paise are booked by the caller.
        """
        before, previous = self.starts_at, self.professional_id
        first = previous or self.named_id
        self._reopen("reschedule", by, next_for)
        self.set_slot(starts_at)
        self.reopened_at = None
        if first is not None and first == next_for:
            self.named_id, self.asked_until = first, clock.now() + ASKED_FIRST
        self._tell(
            "booking.moved",
            by,
            offered=True,
            nudge=previous,
            professional_id=previous,
            before={"starts_at": before.isoformat()},
            after={"starts_at": starts_at.isoformat()},
            reserved_for=next_for,
            fee=fee,
        )

    def depart(self, by: Actor) -> None:
        self._expect(State.ASSIGNED)
        if self.departed_at is None:
            self.departed_at = clock.now()
            self._tell("booking.departed", by)

    def arrive(self, by: Actor) -> None:
        self._expect(State.ASSIGNED)
        if self.arrived_at is None:
            self.arrived_at = clock.now()
            self._tell("booking.arrived", by)

    def start(self, by: Actor, code: Code, vault: Vault) -> None:
        """`code` was compared already; it is spent here and the finish code issued."""
        self._move("start", by)
        code.use()
        self.started_at = clock.now()
        self._issue("finish", vault)
        self._tell("booking.started", by)

    def complete(self, by: Actor, code: Code | None) -> None:
        """`code` is None only when the clock does it."""
        self._move("complete", by)
        if code is not None:
            code.use()
        self._void_codes()
        self.completed_at, self.by_clock = clock.now(), code is None
        self._tell("booking.completed", by, by_clock=self.by_clock, total=self.total)

    def close(self, by: Actor) -> None:
        self._move("close", by)
        self.closed_at = clock.now()
        self._tell("booking.closed", by)

    def cancel(self, by: Actor, cancelled_as: str, reason: str, fee: int = 0) -> None:
        """`fee` paise are kept of what was paid; the caller books them."""
        was_open = self.state == State.REQUESTED
        self._move("cancel", by)
        self._void_codes()
        self.cancelled_as, self.cancel_reason, self.fee = cancelled_as, reason, fee
        self.cancelled_at = clock.now()
        self._tell(
            "booking.cancelled", by, offered=was_open, cancelled_as=cancelled_as, fee=fee, personal=_said(reason)
        )

    def change_details(self, by: Actor, address: str, note: str) -> None:
        if self.state not in (State.HELD, State.REQUESTED):
            raise Refused(_("Somebody is coming already. Call them to change the address."))
        told = {"before.address": self.address, "before.note": self.note, "after.address": address, "after.note": note}
        self.address, self.note = address, note
        self._tell("booking.details_changed", by, personal=told)

    def renew_code(self, by: Actor, phase: str, vault: Vault) -> None:
        """The customer asks for a new code, which lifts a lock (W12)."""
        self._expect(State.ASSIGNED if phase == "start" else State.STARTED)
        self._issue(phase, vault)
        self._tell("booking.code_renewed", by, phase=phase)

    def void_code(self, by: Actor, reason: str) -> None:
        """An admin ends the code that is due, without having seen it; its customer asks for a new one (W12)."""
        code = self.live_code("finish" if self.state == State.STARTED else "start")
        if code is None:
            raise Refused(_("There is no code to void now."), reason="state")
        code.void()
        self._tell("booking.code_withdrawn", by, phase=code.phase, personal=_said(reason))

    def see_contact(self, by: Actor) -> None:
        """Address and phones were on an admin's screen: an access, no change."""
        self.record("booking.contact_seen", by=by)

    def lock_entry(self, by: Actor, code: Code, admins: Sequence[int]) -> None:
        """Five wrong tries: entry is closed for a while; ten: the code is void. Customer and admins are told (W12)."""
        if code.attempts >= TRIES_IN_ALL:
            code.void()
        name = "booking.code_voided" if code.voided_at else "booking.code_locked"
        self._tell(name, by, phase=code.phase, attempts=code.attempts, admins=list(admins))

    def propose_extra(self, by: Actor, what: str, price: int) -> Extra:
        """W15: further work with a price, for the customer to approve."""
        self._expect(State.STARTED)
        extra = Extra(text=what, price=price, state="proposed", proposed_at=clock.now())
        self.extras.append(extra)
        self._tell("booking.extra_proposed", by, price=price, personal={"text": what})
        return extra

    def answer_extra(self, by: Actor, extra: Extra, *, approved: bool) -> None:
        self._expect(State.STARTED)
        extra.answer(approved=approved)
        self._tell("booking.extra_approved" if approved else "booking.extra_refused", by, price=extra.price)

    def settle(self, by: Actor, method: str, total: int) -> None:
        """`total` paise that were due are paid."""
        self._tell("booking.settled", by, method=method, total=total)

    def dispute(self, by: Actor, text: str) -> None:
        self._tell("booking.disputed", by, personal={"text": text})

    def unreserve(self, next_for: int | None) -> None:
        """Another candidate's time is taken instead, or nobody's; no fact of the customer's life."""
        self.reserved_for = next_for

    def ask_everybody(self) -> None:
        """Whoever was asked first does not answer any more."""
        self.asked_until = None

    def set_slot(self, starts_at: datetime) -> None:
        self.starts_at = starts_at
        self.ends_at = starts_at + timedelta(minutes=self.minutes)
        self.span = Range(starts_at, self.ends_at + TURNAROUND, bounds="[)")

    # How

    def _move(self, name: str, by: Actor) -> None:
        rule = MOVES[name]
        if self.state not in rule.sources:
            raise Refused(sorry(self.state), reason="state")
        if by.role not in rule.by:
            raise Refused(_("That is not yours to do."), reason="role")
        self.__dict__["_was"], self.state = self.state, rule.target

    def _expect(self, state: State) -> None:
        if self.state != state:
            raise Refused(sorry(self.state), reason="state")

    def _hand_to(self, professional_id: int | None, vault: Vault) -> None:
        self.professional_id = self.reserved_for = professional_id
        self.assigned_at, self.asked_until = clock.now(), None
        self._issue("start", vault)

    def _reopen(self, move: str, by: Actor, next_for: int | None) -> None:
        self._move(move, by)
        self._void_codes()
        self.professional_id, self.reserved_for, self.reopened_at = None, next_for, clock.now()
        self.assigned_at = self.departed_at = self.arrived_at = self.asked_until = None

    def _issue(self, phase: str, vault: Vault) -> None:
        live = self.live_code(phase)
        if live is not None:
            live.void()
        self.codes.append(Code.issue(phase, vault, self.reference))

    def _void_codes(self) -> None:
        for code in self.codes:
            if code.is_live:
                code.void()


def _said(reason: str) -> dict[str, str]:
    """What somebody wrote, to be erased when they leave (W16, W17)."""
    return {"reason": reason} if reason else {}
