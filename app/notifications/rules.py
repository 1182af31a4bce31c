"""Who hears about what. A fact's mails are rows of the outbox, written in the same transaction as the fact."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event as database_event
from sqlalchemy.orm import Session, object_session

from app.accounts.user import User
from app.bookings.booking import Booking
from app.core.events import Chronicle, Event, nudge, on_every_event
from app.core.outbox import Outbox
from app.core.queue import MAIL, later
from app.notifications.channel_registry import CHANNELS, ROOMS
from app.notifications.channels.inbox import TOPIC
from app.notifications.notification import Told
from app.vetting.document import Document

Who = Callable[[Event, Any], int | None | Iterable[int]]


def customer(_event: Event, booking: Booking) -> int:
    return booking.customer_id


def professional(_event: Event, booking: Booking) -> int | None:
    return booking.professional_id


def named(_event: Event, booking: Booking) -> int | None:
    """Asked before everybody else."""
    return booking.named_id


def released(event: Event, _booking: Booking) -> int | None:
    """Whose job it was until this happened."""
    whose: int | None = event.facts.get("professional_id")
    return whose


def admins(event: Event, _booking: Booking) -> Iterable[int]:
    """Whoever looked after the service when it happened."""
    told: list[int] = event.facts.get("admins", [])
    return told


def owner(_event: Event, document: Document) -> int:
    return document.professional_id


def themselves(_event: Event, user: User) -> int:
    return user.id


@dataclass(frozen=True, slots=True)
class Rule:
    """`kind` is a pair of templates in templates/emails/."""

    who: Who
    kind: str


RULES: dict[str, tuple[Rule, ...]] = {
    "booking.requested": (Rule(customer, "booking_requested"), Rule(named, "job_asked")),
    "booking.assigned": (Rule(customer, "booking_assigned"), Rule(professional, "job_assigned")),
    "booking.given": (Rule(customer, "booking_assigned"), Rule(professional, "job_given")),
    "booking.returned": (Rule(customer, "booking_looking_again"),),
    "booking.offered_again": (Rule(customer, "booking_looking_again"), Rule(released, "job_taken_away")),
    "booking.moved": (Rule(customer, "booking_moved"), Rule(released, "job_moved")),
    "booking.started": (Rule(customer, "booking_started"),),
    "booking.completed": (Rule(customer, "booking_completed"),),
    "booking.code_locked": (Rule(customer, "code_locked"), Rule(admins, "wrong_codes")),
    "booking.code_voided": (Rule(customer, "code_voided"), Rule(admins, "wrong_codes")),
    "booking.code_withdrawn": (Rule(customer, "code_withdrawn"),),
    "booking.code_renewed": (Rule(customer, "code_renewed"),),
    "booking.extra_proposed": (Rule(customer, "extra_proposed"),),
    "booking.extra_approved": (Rule(professional, "extra_answered"),),
    "booking.extra_refused": (Rule(professional, "extra_answered"),),
    "document.expiry_warned": (Rule(owner, "paper_running_out"),),
    "person.approved": (Rule(themselves, "work_approved"),),
    "person.denied": (Rule(themselves, "work_denied"),),
    "person.change_approved": (Rule(themselves, "change_approved"),),
    "person.change_denied": (Rule(themselves, "work_denied"),),
    "person.blocked": (Rule(themselves, "account_blocked"),),
    "person.unblocked": (Rule(themselves, "account_unblocked"),),
    "person.password_changed": (Rule(themselves, "password_changed"),),
}
# A cancellation is told by how it ended; a hold that lapsed or was given up is told to nobody.
CANCELLED: dict[str, tuple[Rule, ...]] = {
    "customer": (Rule(customer, "booking_cancelled"), Rule(professional, "job_cancelled")),
    "platform": (Rule(customer, "booking_cancelled"), Rule(professional, "job_cancelled")),
    "professional_absent": (Rule(customer, "booking_cancelled"), Rule(professional, "job_taken_away")),
    "no_show": (Rule(customer, "booking_no_show"),),
    "unfilled": (Rule(customer, "booking_unfilled"),),
}
# What a mail needs to know of the fact itself; all else is read when it is written. Never a code, never a reason.
CARRIED = (
    "professional_id",
    "phase",
    "attempts",
    "fee",
    "cancelled_as",
    "kind",
    "days",
    "until",
)


def install() -> None:
    """From now on every fact writes its mails, and whoever committed them wakes the worker."""
    on_every_event(tell)
    if not database_event.contains(Session, "after_flush", _wake):
        database_event.listen(Session, "after_flush", _wake)


def tell(event: Event, record: Chronicle) -> Iterable[object]:
    """Rows of every channel for everybody who is to hear of it; the bells of those who are looking ring."""
    for rule in _rules(event, record):
        told = rule.who(event, record)
        for whose in [told] if isinstance(told, int) else told or ():
            one = _told(event, rule.kind, whose, record)
            for channel in CHANNELS:
                yield from channel.rows(one)
            _ring(record, whose)
    for room in ROOMS:
        yield from room.rows(event, record)


def _rules(event: Event, record: Chronicle) -> tuple[Rule, ...]:
    if event.name != "booking.cancelled":
        return RULES.get(event.name, ())
    paid = isinstance(record, Booking) and record.requested_at is not None
    return CANCELLED.get(str(event.facts.get("cancelled_as")), ()) if paid else ()


def _told(event: Event, kind: str, whose: int, record: Chronicle) -> Told:
    data: dict[str, Any] = {name: event.facts[name] for name in CARRIED if name in event.facts} | _times(event)
    if isinstance(record, Booking):
        data["booking"] = record.reference
    return Told(kind, whose, data, f"{event.subject}:{event.seq}:{kind}:{whose}", event.at)


def _ring(record: Chronicle, whose: int) -> None:
    session = object_session(record)
    if session is not None:
        nudge(session, f"user:{whose}", TOPIC)


def _times(event: Event) -> dict[str, str]:
    """Of a move: from when to when."""
    before, after = event.facts.get("before"), event.facts.get("after")
    if event.name != "booking.moved" or not before or not after:
        return {}
    return {"before": before["starts_at"], "starts_at": after["starts_at"]}


def _wake(session: Session, _flush: object) -> None:
    if any(isinstance(row, Outbox) for row in session.new):
        later(session, "drain_outbox", queue=MAIL)  # type: ignore[arg-type]  # both kinds of session carry `info`
