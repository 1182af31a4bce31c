"""The Booking entity: its columns and the verbs that change its state (states and moves: app.bookings.moves)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Boolean, Computed, ForeignKey, Integer, SmallInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.bookings.admin_moves import AdminMovesMixin
from app.bookings.code import MAX_ATTEMPTS, Code, CodePhase
from app.bookings.constraints import ACCEPTED_IN, CONSTRAINTS
from app.bookings.deadlines import MAX_DELAYS, BookingDeadlines
from app.bookings.extra import Extra, ExtraState
from app.bookings.moves import MOVES, Flag, State, StateRefused
from app.bookings.phone_sharing import PhoneSharingMixin
from app.bookings.visit_details import VisitDetails, VisitMixin
from app.core import clock
from app.core.encryption import Encryption
from app.core.errors import Refused
from app.core.events import PLATFORM, Actor, AuditedMixin
from app.core.i18n import _
from app.core.orm import Base, TextEnum
from app.scheduling.travel import ArrivalWindow


class Booking(AdminMovesMixin, BookingDeadlines, VisitMixin, PhoneSharingMixin, Base, AuditedMixin):
    """`price` (paise) and `minutes` are as agreed. Whose time it takes: app.scheduling.reservation.

    `requested_at` is when it was paid, or moved to the start that it has.
    """

    __tablename__ = "bookings"
    __table_args__ = CONSTRAINTS
    reference: Mapped[str] = mapped_column(String(8), unique=True)
    customer_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"))
    service_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("services.id"))
    state: Mapped[State] = mapped_column(TextEnum(State))
    service_name: Mapped[str]
    price: Mapped[int]
    minutes: Mapped[int] = mapped_column(Integer)
    address: Mapped[str]
    pincode: Mapped[str] = mapped_column(String(6), ForeignKey("pincodes.pincode"))
    note: Mapped[str] = mapped_column(default="", server_default="")
    floor: Mapped[str] = mapped_column(default="", server_default="")
    landmark: Mapped[str] = mapped_column(default="", server_default="")
    # Who is at the door, if it is not the customer; erased some time after the visit.
    contact_name: Mapped[str] = mapped_column(default="", server_default="")
    contact_phone: Mapped[str] = mapped_column(default="", server_default="")
    contact_email: Mapped[str] = mapped_column(default="", server_default="")
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    requested_professional_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("professionals.user_id"))
    exclusive_until: Mapped[datetime | None]
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
    # When the professional is expected, once they left or said that they are late, and how often they did (W24).
    eta_from: Mapped[datetime | None]
    eta_until: Mapped[datetime | None]
    late_count: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    cancelled_as: Mapped[str | None]
    cancel_reason: Mapped[str | None]
    # The booking whose work this visit puts right, at no price (W28).
    redo_of_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("bookings.id"))
    contact_ended_at: Mapped[datetime | None]
    completed_automatically: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")
    # For reports, maintained by triggers: paise of the ledger, stars of the review, minutes from request to acceptance.
    commission: Mapped[int] = mapped_column(server_default="0", deferred=True)
    revenue: Mapped[int] = mapped_column(server_default="0", deferred=True)
    # By the same trigger: the ledger has lines of the booking other than what is held.
    is_charged: Mapped[bool] = mapped_column(Boolean, server_default="false", deferred=True)
    rating: Mapped[int | None] = mapped_column(SmallInteger, deferred=True)
    # Set by a trigger with each professional who is assigned (app.bookings.self_booking).
    flag: Mapped[Flag | None] = mapped_column(TextEnum(Flag), deferred=True)
    flag_signs: Mapped[list[str] | None] = mapped_column(ARRAY(Text), deferred=True)
    accepted_minutes: Mapped[int | None] = mapped_column(Integer, Computed(ACCEPTED_IN, persisted=True), deferred=True)
    codes: Mapped[list[Code]] = relationship(lazy="raise", order_by=Code.id)
    extras: Mapped[list[Extra]] = relationship(lazy="raise", order_by=Extra.id)

    @property
    def subject(self) -> str:
        return f"booking-{self.reference}"

    def allows(self, move: str, me: Actor) -> bool:
        """Whether `me` may make this move now; templates show a button only for allowed moves."""
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
        return self.price + sum(extra.price for extra in self.extras if extra.state == ExtraState.APPROVED)

    def hold(self, by: Actor, professional_id: int, until: datetime) -> None:
        """Start the booking as a hold of this professional's time, while the customer pays."""
        self.state, self.held_until = State.HELD, until
        self.codes, self.extras = [], []
        self._record_move(
            "booking.held",
            by,
            None,
            service_id=self.service_id,
            starts_at=self.starts_at.isoformat(),
            price=self.price,
            minutes=self.minutes,
            reserved_for=professional_id,
            personal={"address": self.address, "note": self.note},
        )

    def requote(self, by: Actor, price: int, minutes: int, changed_by: int | None) -> None:
        """W6: take the catalogue's new price and minutes while held; the customer confirms again.

        `changed_by` is the admin who changed the service.
        """
        self._require_state(State.HELD)
        before = {"price": self.price, "minutes": self.minutes}
        self.price, self.minutes = price, minutes
        self.set_slot(self.starts_at)
        after = {"price": price, "minutes": minutes}
        self._record("booking.requoted", by, before=before, after=after, changed_by=changed_by)

    def pay(self, by: Actor, method: str) -> None:
        previous = self._move("pay", by)
        self.payment, self.requested_at, self.held_until = method, clock.now(), None
        self.exclusive_until = self.priority_offer_end(clock.now()) if self.requested_professional_id else None
        self._record_move("booking.requested", by, previous, method=method, total=self.total, offers_changed=True)

    def accept(self, by: Actor, encryption: Encryption) -> None:
        previous = self._move("accept", by)
        self._assign_to(by.id, encryption)
        self._record_move("booking.assigned", by, previous, professional_id=by.id, offers_changed=True)

    def assign(self, by: Actor, professional_id: int, encryption: Encryption) -> None:
        """An admin assigns the job to a free professional."""
        previous = self._move("give", by)
        self._assign_to(professional_id, encryption)
        self._record_move("booking.given", by, previous, professional_id=professional_id, offers_changed=True)

    def pass_on(self, by: Actor, reason: str, next_candidate_id: int | None) -> None:
        """Record a declined offer; the time of candidate `next_candidate_id` is reserved now, none if it is None."""
        if self.requested_professional_id == by.id:
            self.exclusive_until = None
        self._record(
            "booking.passed",
            by,
            offers_changed=True,
            also_refresh=by.id,
            reserved_for=next_candidate_id,
            personal=_personal(reason),
        )

    def hand_back(self, by: Actor, reason: str, next_candidate_id: int | None) -> None:
        """The assigned professional returns the job; it is offered again."""
        previous = self._reopen("hand_back", by)
        self._record_move(
            "booking.returned",
            by,
            previous,
            offers_changed=True,
            also_refresh=by.id,
            reserved_for=next_candidate_id,
            personal=_personal(reason),
        )

    def offer_again(self, by: Actor, reason: str, next_candidate_id: int | None) -> None:
        """W1, W14: take the job from its professional and offer it to the other candidates."""
        professional_id = self.professional_id
        previous = self._reopen("offer_again", by)
        self._record_move(
            "booking.offered_again",
            by,
            previous,
            offers_changed=True,
            also_refresh=professional_id,
            professional_id=professional_id,
            reserved_for=next_candidate_id,
            personal=_personal(reason),
        )

    def reschedule(self, by: Actor, starts_at: datetime, next_candidate_id: int, fee: int) -> None:
        """Move to another start at the agreed price; the previous or named professional is asked first if free.

        `fee` (paise) is recorded here and charged by the caller.
        """
        old_start, professional_id = self.starts_at, self.professional_id
        preferred_id = professional_id or self.requested_professional_id
        previous = self._reopen("reschedule", by)
        self.set_slot(starts_at)
        self.requested_at, self.reopened_at = clock.now(), None  # W9 counts from here
        if preferred_id is not None and preferred_id == next_candidate_id:
            self.requested_professional_id, self.exclusive_until = preferred_id, self.priority_offer_end(clock.now())
        self._record_move(
            "booking.moved",
            by,
            previous,
            offers_changed=True,
            also_refresh=professional_id,
            professional_id=professional_id,
            before={"starts_at": old_start.isoformat()},
            after={"starts_at": starts_at.isoformat()},
            reserved_for=next_candidate_id,
            fee=fee,
        )

    def depart(self, by: Actor, eta: ArrivalWindow | None = None) -> None:
        """Record that the professional is on the way, expected within `eta` (W24)."""
        self._require_state(State.ASSIGNED)
        if self.departed_at is None:
            self.departed_at = clock.now()
            if eta is not None:
                self.eta_from, self.eta_until = eta
            self._record("booking.departed", by)

    def delay(self, by: Actor, minutes: int) -> None:
        """W24: the professional comes `minutes` later than was last expected; at most twice, before the arrival."""
        self._require_state(State.ASSIGNED)
        if self.arrived_at is not None:
            raise Refused(_("You're at the door already."), reason="state", about="arrived")
        if self.late_count >= MAX_DELAYS:
            raise Refused(_("You've already said twice that you're late. Call the customer."), reason="late_twice")
        before = self.eta_from or self.starts_at
        self.eta_from, self.eta_until = self.delayed_arrival(timedelta(minutes=minutes), clock.now())
        self.late_count += 1
        self._record(
            "booking.delayed",
            by,
            minutes=minutes,
            before={"eta_from": before.isoformat()},
            after={"eta_from": self.eta_from.isoformat()},
        )

    def arrive(self, by: Actor) -> None:
        self._require_state(State.ASSIGNED)
        if self.arrived_at is None:
            self.arrived_at = clock.now()
            self._record("booking.arrived", by)

    def start(self, by: Actor, code: Code, encryption: Encryption) -> None:
        """Use the start `code`, already verified by the caller, and issue the finish code."""
        previous = self._move("start", by)
        code.use()
        self.started_at = clock.now()
        self._issue_code(CodePhase.FINISH, encryption)
        self._record_move("booking.started", by, previous)

    def complete(self, by: Actor, code: Code | None, **facts: Any) -> None:
        """Finish the job; `code` is None when it is completed automatically. Money: app.bookings.completion."""
        previous = self._move("complete", by)
        if code is not None:
            code.use()
        self._void_codes()
        self.completed_at, self.completed_automatically = clock.now(), code is None
        self._record_move("booking.completed", by, previous, by_clock=code is None, total=self.total, **facts)

    def close(self, by: Actor) -> None:
        previous = self._move("close", by)
        self.closed_at = clock.now()
        self._record_move("booking.closed", by, previous)

    def cancel(self, by: Actor, cancelled_as: str, reason: str, fee: int = 0) -> None:
        """End the booking; `fee` paise are owed. Money: app.bookings.cancellation.cancel_booking."""
        was_offered = self.state == State.REQUESTED
        previous = self._move("cancel", by)
        self._void_codes()
        self.cancelled_as, self.cancel_reason, self.fee = cancelled_as, reason, fee
        self.cancelled_at = clock.now()
        self._record_move(
            "booking.cancelled",
            by,
            previous,
            offers_changed=was_offered,
            cancelled_as=cancelled_as,
            fee=fee,
            personal=_personal(reason),
        )

    def change_details(self, by: Actor, address: str, note: str, visit: VisitDetails) -> None:
        if self.state not in (State.HELD, State.REQUESTED):
            raise Refused(_("A professional has already accepted. Call them to change the address."), about="address")
        changes = {
            "before.address": self.address,
            "before.note": self.note,
            "after.address": address,
            "after.note": note,
        }
        self.address, self.note = address, note
        self.visit = visit
        self._record("booking.details_changed", by, personal=changes)

    def renew_code(self, by: Actor, phase: CodePhase, encryption: Encryption) -> None:
        """Replace the code of `phase`, which also lifts a lock (W12)."""
        self._require_state(State.ASSIGNED if phase == CodePhase.START else State.STARTED)
        self._issue_code(phase, encryption)
        self._record("booking.code_renewed", by, phase=phase)

    def void_code(self, by: Actor, reason: str) -> None:
        """Void the current code on behalf of an admin, who never sees it; the customer can request a new one (W12)."""
        code = self.live_code(CodePhase.FINISH if self.state == State.STARTED else CodePhase.START)
        if code is None:
            raise Refused(_("There is no code to void."), reason="state", about="code")
        code.void()
        self._record("booking.code_withdrawn", by, phase=code.phase, personal=_personal(reason))

    def record_flag(self) -> None:
        """Record that the customer seems to be the professional: what both have in common."""
        self._record("booking.flagged", PLATFORM, signs=self.flag_signs)

    def decide_flag(self, by: Actor, flag: Flag) -> None:
        """An admin says whether the review of the flagged booking counts. Refused("state") without a flag."""
        if self.flag is None:
            raise Refused(_("This booking isn't flagged."), reason="state", about="flag")
        if flag != self.flag:
            before, self.flag = self.flag, flag
            self._record("booking.flag_decided", by, before={"flag": str(before)}, after={"flag": str(flag)})

    def record_contact_view(self, by: Actor) -> None:
        """Record that an admin viewed address and phones."""
        self.record("booking.contact_seen", by=by)

    def record_code_lock(self, by: Actor, code: Code, admins: Sequence[int]) -> None:
        """Record that wrong attempts locked the code (five) or voided it (ten); notifies customer and admins (W12)."""
        if code.attempts >= MAX_ATTEMPTS:
            code.void()
        name = "booking.code_voided" if code.voided_at else "booking.code_locked"
        self._record(name, by, phase=code.phase, attempts=code.attempts, admins=list(admins))

    def propose_extra(self, by: Actor, what: str, price: int) -> Extra:
        """W15: propose extra work at `price` paise, which the customer has to approve."""
        self._require_state(State.STARTED)
        extra = Extra(text=what, price=price, state=ExtraState.PROPOSED, proposed_at=clock.now())
        self.extras.append(extra)
        self._record("booking.extra_proposed", by, price=price, personal={"text": what})
        return extra

    def answer_extra_work(self, by: Actor, extra: Extra, *, approved: bool) -> None:
        self._require_state(State.STARTED)
        extra.answer(approved=approved)
        self._record("booking.extra_approved" if approved else "booking.extra_refused", by, price=extra.price)

    def settle(self, by: Actor, method: str, total: int) -> None:
        """Record the payment of `total` paise that were due."""
        self._record("booking.settled", by, method=method, total=total)

    def dispute(self, by: Actor, text: str) -> None:
        self._record("booking.disputed", by, personal={"text": text})

    def contest_arrival(self, by: Actor, text: str) -> None:
        self._record("booking.arrival_contested", by, personal={"text": text})

    def end_priority_offer(self) -> None:
        """End the priority offer, so that every candidate sees the job."""
        self.exclusive_until = None

    def set_slot(self, starts_at: datetime) -> None:
        self.starts_at = starts_at
        self.ends_at = starts_at + timedelta(minutes=self.minutes)

    def _move(self, name: str, by: Actor) -> State:
        """Make the move and return the previous state; Refused("state", "role") when the table does not allow it."""
        rule, previous = MOVES[name], self.state
        if previous not in rule.sources:
            raise StateRefused(previous)
        if by.role not in rule.by:
            raise Refused(_("You don't have permission to do this."), reason="role")
        self.state = rule.target
        return previous

    def _require_state(self, state: State) -> None:
        if self.state != state:
            raise StateRefused(self.state)

    def _assign_to(self, professional_id: int | None, encryption: Encryption) -> None:
        self.professional_id = professional_id
        self.assigned_at, self.exclusive_until = clock.now(), None
        self._issue_code(CodePhase.START, encryption)

    def _reopen(self, move: str, by: Actor) -> State:
        previous = self._move(move, by)
        self._void_codes()
        self.professional_id, self.reopened_at = None, clock.now()
        self.assigned_at = self.departed_at = self.arrived_at = self.exclusive_until = self.contact_ended_at = None
        self.eta_from, self.eta_until, self.late_count = None, None, 0
        self.professional_shares_phone = None
        return previous

    def _issue_code(self, phase: CodePhase, encryption: Encryption) -> None:
        live = self.live_code(phase)
        if live is not None:
            live.void()
        self.codes.append(Code.issue(phase, encryption, self.reference))

    def _void_codes(self) -> None:
        for code in self.codes:
            if code.is_live:
                code.void()

    def _record_move(
        self,
        name: str,
        by: Actor,
        previous: State | None,
        *,
        before: Mapping[str, object] | None = None,
        after: Mapping[str, object] | None = None,
        **facts: Any,
    ) -> None:
        """Record the event of a move with the states before and after; `previous` is None for a new booking."""
        state_before = {"state": str(previous) if previous else None}
        state_after = {"state": str(self.state)}
        self._record(name, by, before=state_before | dict(before or {}), after=state_after | dict(after or {}), **facts)

    def _record(
        self, name: str, by: Actor, *, offers_changed: bool = False, also_refresh: int | None = None, **facts: Any
    ) -> None:
        """Record the event and refresh the open pages of both parties and of user `also_refresh`.

        `offers_changed`: also those of the professionals in the area.
        """
        people = {self.customer_id, self.professional_id, also_refresh} - {None}
        nudges = [(f"user:{person}", topic) for person in people for topic in (self.subject, "jobs")]
        if offers_changed:
            nudges.append((f"area:{self.pincode}", "jobs"))
        self.record(name, by=by, nudges=nudges, **facts)


def _personal(reason: str) -> dict[str, str]:
    """The reason as a personal value, erased with the account (W16, W17)."""
    return {"reason": reason} if reason else {}
