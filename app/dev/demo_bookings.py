"""One booking of the demo town, lived through in memory with the domain's own verbs up to the present."""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.bookings.booking import Booking
from app.bookings.code import Code
from app.bookings.deadlines import CLOSE_AFTER, HOLD_DURATION, LATE_FEE_PAISE
from app.bookings.decline import Decline, Dispute
from app.bookings.moves import State
from app.cases.case import Case, CaseMessage
from app.core import clock
from app.core.encryption import Encryption
from app.core.events import PLATFORM, Actor, Person
from app.core.references import ALPHABET
from app.dev import demo_people
from app.dev.demo_cases import disputed_case
from app.dev.demo_town import Resident, Town
from app.payments.booking_money import BookingMoney
from app.payments.charge import ChargeState
from app.payments.charges import instrument_of
from app.payments.pretend_bank import Authorisation, Instrument
from app.reviews.review import Review
from app.scheduling.candidates import Candidate

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
METHODS, METHOD_WEIGHTS = ("card", "upi", "after"), (45, 35, 20)
CARDS = (("Visa", "4242"), ("Mastercard", "5454"), ("RuPay", "6012"))
EXTRA_SHARE, REVIEW_SHARE, DISPUTE_SHARE, DECLINE_SHARE, OPEN_SHARE = 0.06, 0.68, 0.5, 0.12, 0.35


@dataclass(slots=True)
class DemoBooking:
    """A booking with a given outcome, and every row that belongs to it. `money` needs the booking's id.

    Outcomes that stop before the end, in this order: "held", "offer", "asked" (offered to one professional first),
    "accepted", "departed", "arrived", "started", "unreviewed". The others are in demo_history.OUTCOMES. Whatever the
    outcome, nothing happens after `now`. `is_staged`: extra work and an objection are certain, else they are chance.
    """

    id: int
    town: Town
    rng: random.Random
    encryption: Encryption
    candidate: Candidate
    resident: Resident
    service_id: int
    start: datetime
    outcome: str
    now: datetime
    booked_at: datetime | None = None
    is_staged: bool = False
    booking: Booking = field(init=False)
    money: BookingMoney = field(init=False)
    review: Review | None = None
    dispute: Dispute | None = None
    case: tuple[Case, CaseMessage] | None = None
    declines: list[Decline] = field(default_factory=list)

    @property
    def customer(self) -> Person:
        return self.resident.person

    @property
    def professional(self) -> Person:
        return self.town.professionals[self.candidate.id]

    @property
    def takes_time(self) -> bool:
        """Whether the booking is open, so that it takes the candidate's time."""
        return self.booking.state in (State.HELD, State.REQUESTED, State.ASSIGNED, State.STARTED)

    def run(self) -> "DemoBooking":
        """Perform every step that is due by now."""
        self._hold()
        if self.outcome == "expired":
            self._cancel(self.booking.held_until, PLATFORM, "expired", "Not paid in time.")
        elif self.outcome != "held":
            self._pay()
            self._go_on()
        return self

    def _go_on(self) -> None:
        if self.outcome == "unfilled":
            reason = "No professional was available at that time."
            self._cancel(self.booking.unfilled_at, PLATFORM, "unfilled", reason)
        elif self.outcome in ("customer", "platform"):
            self._cancel_before_acceptance()
        elif self._accept():
            self._work()

    def _hold(self) -> None:
        booked_at = self.booked_at or self._random_booking_time()
        service = self.town.service(self.service_id)
        self.booking = Booking(
            id=self.id,
            reference="".join(self.rng.choices(ALPHABET, k=8)),
            customer_id=self.customer.id,
            service_id=service.id,
            service_name=service.name,
            price=service.price,
            minutes=service.minutes,
            address=self.resident.address_line,
            pincode=self.resident.location.pincode,
            note=self.rng.choice(demo_people.NOTES),
            created_at=booked_at,
            requested_professional_id=self.candidate.id if self.outcome == "asked" else None,
        )
        self.money = BookingMoney(self.id, self.customer.id)
        # A booking that is moved was made for the same hour of the next day.
        self.booking.set_slot(self.start + timedelta(days=1) if self.outcome == "moved" else self.start)
        with clock.freeze(booked_at):
            self.booking.hold(self.customer, self.candidate.id, booked_at + HOLD_DURATION)

    def _money_now(self) -> BookingMoney:
        """The booking's money, for a verb at the frozen time of its step."""
        self.money.at = clock.now()
        return self.money

    def _random_booking_time(self) -> datetime:
        latest = min(self.start - 3 * HOUR, self.now - 10 * MINUTE)
        booked_at = max(latest - self.rng.randint(0, 90) * HOUR, self.start - timedelta(days=6))
        return min(booked_at, latest)

    def _pay(self) -> None:
        method = self.rng.choices(METHODS, METHOD_WEIGHTS)[0]
        if self.is_staged:
            method = "after" if self.outcome == "unreviewed" else METHODS[self.id % 2]
        with clock.freeze(self.booking.created_at + 2 * MINUTE):
            self.booking.pay(self.customer, method)
            if method != "after":
                brand, last4 = self.rng.choice(CARDS) if method == "card" else (None, None)
                by = Instrument("card" if method == "card" else "upi", brand, last4)
                self._money_now().authorise(self.booking.price, "booking", Authorisation("authorised", by))

    def _cancel(self, at: datetime | None, by: Actor, cancelled_as: str, reason: str, fee: int = 0) -> None:
        """Cancel as app.bookings.cancellation does."""
        if at is None or at > self.now:
            return
        was_held, professional_id = self.booking.state == State.HELD, self.booking.professional_id
        with clock.freeze(at):
            self.booking.cancel(by, cancelled_as, reason, fee)
            if fee:
                self._money_now().take_fee(professional_id, fee)
            elif not was_held:
                self._money_now().release()

    def _cancel_before_acceptance(self) -> None:
        at = self.booking.created_at + 3 * MINUTE + (self.start - self.booking.created_at) * 0.6 * self.rng.random()
        if self.outcome == "customer":
            self._cancel(at, self.customer, "customer", self.rng.choice(demo_people.CANCELLATION_REASONS))
        else:
            self._cancel(at, self.town.admin, "platform", demo_people.PLATFORM_REASON)

    def _accept(self) -> bool:
        """Accept the booking; some upcoming ones stay open offers. Return whether it was accepted."""
        at = (self.booking.requested_at or self.booking.created_at) + self.rng.randint(3, 7) * MINUTE
        stays_open = self.outcome == "done" and self.start > self.now + 2 * HOUR and self.rng.random() < OPEN_SHARE
        if at > self.now or stays_open or self.outcome in ("offer", "asked"):
            return False
        if self.outcome == "returned":
            at = self._accept_and_hand_back(at)
        elif self.outcome == "moved":
            at = self._move(at)
        elif self.rng.random() < DECLINE_SHARE:
            self._decline(at - MINUTE)
        with clock.freeze(at):
            if self.outcome == "given":
                self.booking.assign(self.town.admin, self.candidate.id, self.encryption)
            else:
                self.booking.accept(self.professional, self.encryption)
        return True

    def _other_professional(self) -> Person | None:
        others = [
            other
            for other in self.town.candidates
            if other.id != self.candidate.id
            and self.service_id in other.services
            and self.booking.pincode in self.town.covered_pincodes[other.id]
        ]
        return self.town.professionals[self.rng.choice(others).id] if others else None

    def _decline(self, at: datetime) -> None:
        if other := self._other_professional():
            reason = self.rng.choice(demo_people.DECLINE_REASONS)
            with clock.freeze(at):
                self.booking.pass_on(other, reason, self.candidate.id)
            self._add_decline(other, "passed", reason, at)

    def _accept_and_hand_back(self, at: datetime) -> datetime:
        """Another professional accepts first; return when the candidate does."""
        if other := self._other_professional():
            reason = self.rng.choice(demo_people.DECLINE_REASONS)
            with clock.freeze(at):
                self.booking.accept(other, self.encryption)
            at += 20 * MINUTE
            with clock.freeze(at):
                self.booking.hand_back(other, reason, self.candidate.id)
            self._add_decline(other, "returned", reason, at)
            at += 5 * MINUTE
        return at

    def _add_decline(self, other: Person, kind: str, reason: str, at: datetime) -> None:
        self.declines.append(Decline(booking_id=self.id, professional_id=other.id, kind=kind, reason=reason, at=at))

    def _move(self, at: datetime) -> datetime:
        """The professional accepts the first time, then the customer moves; return when the new time is accepted."""
        with clock.freeze(at):
            self.booking.accept(self.professional, self.encryption)
        with clock.freeze(at + 20 * MINUTE):
            self.booking.reschedule(self.customer, self.start, self.candidate.id, 0)
        return at + 25 * MINUTE

    def _work(self) -> None:
        if self.outcome == "late":
            at = self.start - self.rng.randint(60, 150) * MINUTE
            reason = self.rng.choice(demo_people.CANCELLATION_REASONS)
            self._cancel(at, self.customer, "customer", reason, self.booking.cancellation_fee(at))
        elif self.outcome == "professional_absent":
            self._cancel(self.start + 31 * MINUTE, self.customer, "professional_absent", "Didn't arrive.")
        elif self._travel():
            if self.outcome == "no_show":
                self._report_no_show()
            elif self.outcome != "arrived":
                self._do_job()

    def _travel(self) -> bool:
        """Depart and arrive; return whether the professional is at the door."""
        departs_at = self.start - self.rng.randint(20, 40) * MINUTE
        arrives_at = self.start - self.rng.randint(5, 9) * MINUTE
        if self.outcome == "departed":
            departs_at = min(departs_at, self.now - 5 * MINUTE)
        if departs_at > self.now or self.outcome == "accepted":
            return False
        with clock.freeze(departs_at):
            self.booking.depart(self.professional)
        if arrives_at > self.now or self.outcome == "departed":
            return False
        with clock.freeze(arrives_at):
            self.booking.arrive(self.professional)
        return True

    def _report_no_show(self) -> None:
        at = self.start + 16 * MINUTE
        fee = min(LATE_FEE_PAISE, self.booking.price)
        self._cancel(at, self.professional, "no_show", "No answer at the door.", fee)
        disputed_at = at + self.rng.randint(30, 600) * MINUTE
        if (self.is_staged or self.rng.random() < DISPUTE_SHARE) and disputed_at <= self.now:
            text = self.rng.choice(demo_people.DISPUTES)
            with clock.freeze(disputed_at):
                self.dispute = Dispute(booking_id=self.id, customer_id=self.customer.id, text=text, at=disputed_at)
                self.booking.dispute(self.customer, text)
            self.case = disputed_case(
                self.booking, self.dispute, self.booking.reference, self.customer, self.town.admin, self.now
            )

    def _do_job(self) -> None:
        started_at = self.start + self.rng.randint(-4, 9) * MINUTE
        if started_at > self.now:
            return
        with clock.freeze(started_at):
            self.booking.start(self.professional, self._live_code("start"), self.encryption)
        if self.is_staged or self.rng.random() < EXTRA_SHARE:
            self._add_extras(started_at)
        overrun = self.rng.randint(-10, 15) * MINUTE
        finished_at = max(started_at + 10 * MINUTE, started_at + self.booking.minutes * MINUTE + overrun)
        if self.outcome == "by_clock":
            finished_at = self.booking.ends_at + 12 * HOUR
        if finished_at <= self.now and self.outcome != "started":
            self._finish(finished_at)

    def _add_extras(self, started_at: datetime) -> None:
        """The customer approves the first and refuses the second; a third waits while the job goes on."""
        answers = (True, False, None) if self.outcome == "started" else (True, False)
        for minute, answer in enumerate(answers, 1):
            what, price = demo_people.EXTRAS[(self.id + minute) % len(demo_people.EXTRAS)]
            at = started_at + minute * MINUTE
            if at > self.now:
                return
            with clock.freeze(at):
                extra = self.booking.propose_extra(self.professional, what, price)
                if answer is None:
                    continue
                self.booking.answer_extra_work(self.customer, extra, approved=answer)
                paid_by = self.money.in_state(ChargeState.AUTHORISED)
                if answer and paid_by:
                    authorised = Authorisation("authorised", instrument_of(paid_by[0]))
                    self._money_now().authorise(price, "extra", authorised)

    def _finish(self, at: datetime) -> None:
        by_clock = self.outcome == "by_clock"
        with clock.freeze(at):
            self.booking.complete(
                PLATFORM if by_clock else self.professional, None if by_clock else self._live_code("finish")
            )
            self._money_now().capture(self.professional.id, self.booking.total, held_payout=by_clock)
        self._settle(at + self.rng.randint(5, 600) * MINUTE)
        reviewed_at = at + self.rng.randint(1, 40) * HOUR
        if self.rng.random() < REVIEW_SHARE and reviewed_at <= self.now and self.outcome != "unreviewed":
            self._add_review(reviewed_at)
        elif at + CLOSE_AFTER <= self.now:
            with clock.freeze(at + CLOSE_AFTER):
                self.booking.close(PLATFORM)

    def _settle(self, at: datetime) -> None:
        """Pay what is due after the job, usually on the same evening."""
        if at <= self.now and self.outcome != "unreviewed":
            with clock.freeze(at):
                for charge in self.money.in_state(ChargeState.DUE):
                    self._money_now().settle(charge, Authorisation("authorised", Instrument("upi")))

    def _add_review(self, at: datetime) -> None:
        rating = self.rng.choices(demo_people.RATINGS, demo_people.RATING_WEIGHTS)[0]
        self.review = Review(
            booking_id=self.id,
            customer_id=self.customer.id,
            professional_id=self.professional.id,
            service_id=self.service_id,
            rating=rating,
            comment=self.rng.choice(demo_people.REVIEW_COMMENTS[rating]),
            created_at=at,
        )
        with clock.freeze(at):
            self.booking.close(self.customer)

    def _live_code(self, phase: str) -> Code:
        code = self.booking.live_code(phase)
        assert code is not None
        return code
