"""A row of the outbox as a letter: all is read at the moment of writing, so that nothing secret waits in the row.

A code is opened for its own customer only. Letters to professionals are written from what an offer or a job may show.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from jinja2 import Environment
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.email_links import SEALED, sealed_token
from app.accounts.user import Block, User
from app.bookings.booking import Booking
from app.bookings.moves import State
from app.bookings.repository import Bookings
from app.bookings.terms import FREE_UNTIL, LATE_FEE
from app.core import clock
from app.core.encryption import Vault
from app.core.outbox import Outbox
from app.core.secrets import digest
from app.notifications.kinds import kind_of
from app.notifications.message_data import CONTENTS
from app.notifications.repository import Around
from app.notifications.unsubscribe import token_for
from app.payments.shares import earning_of

# Which code stands in which letter; code_renewed says it itself.
CODES = {"booking_assigned": "start", "booking_started": "finish"}
ABOUT_BLOCKS = ("account_blocked", "account_unblocked")
ABOUT_DENIAL = ("work_denied",)


@dataclass(frozen=True, slots=True)
class Letter:
    to: str
    subject: str
    html: str
    text: str
    unsubscribe: str | None = None  # the address that ends mails of its kind


class OutOfDate(Exception):
    """What the letter would say is not true any more, or there is nobody to read it: it is not sent."""


class Letters:
    """`env` draws pages and letters alike; `site` is BASE_URL, the beginning of every link."""

    def __init__(self, env: Environment, vault: Vault, site: str) -> None:
        self._html = env
        self._text = env.overlay(autoescape=False, trim_blocks=False)
        self._vault = vault
        self._site = site

    async def write(self, db: AsyncSession, mail: Outbox) -> Letter:
        """Raises OutOfDate."""
        about = self._about_booking if "booking" in mail.data else self._about_account
        person, context = await about(db, mail)
        context |= {"person": person, "site": self._site, "data": mail.data}
        subject = self._subject(mail.kind, context)
        context |= {"subject": subject, "unsubscribe": self._unsubscribe(mail)}
        return Letter(
            to=mail.address or person.email,
            subject=subject,
            html=self._html.get_template(f"emails/{mail.kind}.html").render(context),
            text=_tidy(self._text.get_template(f"emails/{mail.kind}.txt").render(context)),
            unsubscribe=context["unsubscribe"],
        )

    def _unsubscribe(self, mail: Outbox) -> str | None:
        topic = kind_of(mail.kind).topic
        if not topic or mail.recipient_id is None:
            return None
        return f"{self._site}/unsubscribe/{token_for(self._vault, mail.recipient_id, topic)}"

    def _subject(self, kind: str, context: dict[str, Any]) -> str:
        template = self._text.get_template(f"emails/{kind}.txt")
        return " ".join("".join(template.blocks["subject"](template.new_context(context))).split())

    async def _about_account(self, db: AsyncSession, mail: Outbox) -> tuple[User, dict[str, Any]]:
        around, token = Around(db), sealed_token(mail, self._vault)
        if token is not None:
            person = await around.owner_of_link(digest(token))
        else:
            person = await around.person(mail.recipient_id)
        if person is None or (SEALED in mail.data and token is None):
            raise OutOfDate
        until = mail.data.get("until")
        content = CONTENTS.get(mail.kind)
        more = await content(db, person, mail) if content is not None else {}
        if more is None:
            raise OutOfDate
        return person, {
            **more,
            "token": token,
            "until": date.fromisoformat(until) if until else None,
            "block": await self._block_of(around, mail, person) if mail.kind in ABOUT_BLOCKS else None,
            "reason": await self._denial_of(around, person) if mail.kind in ABOUT_DENIAL else None,
        }

    async def _block_of(self, around: Around, mail: Outbox, person: User) -> Block:
        """The block in force, or for the other letter the one that has ended and is the last."""
        block = await around.last_block(person.id)
        if block is None or (block.lifted_at is None) != (mail.kind == "account_blocked"):
            raise OutOfDate
        return block

    async def _denial_of(self, around: Around, person: User) -> str:
        """Why the last case was denied, if it was."""
        reason = await around.last_denial(person.id)
        if reason is None:
            raise OutOfDate
        return reason

    async def _about_booking(self, db: AsyncSession, mail: Outbox) -> tuple[User, dict[str, Any]]:
        booking = await Bookings(db).by_reference(mail.data["booking"])
        if not STILL_TRUE.get(mail.kind, _always)(booking, mail):
            raise OutOfDate
        told = await Around(db).of(booking, mail.data.get("professional_id") or booking.professional_id)
        person = await Around(db).person(mail.recipient_id)
        if person is None:
            raise OutOfDate
        phase = mail.data.get("phase") if mail.kind == "code_renewed" else CODES.get(mail.kind)
        return person, {
            "booking": booking,
            "told": told,
            "phase": phase,
            "code": self._code(booking, mail, phase),
            "before": _moment(mail.data.get("before")),
            "moved_to": _moment(mail.data.get("starts_at")),
            "free_until": FREE_UNTIL,
            "late_fee": min(LATE_FEE, booking.price),
            "earning": earning_of(booking.price),
        }

    def _code(self, booking: Booking, mail: Outbox, phase: str | None) -> str | None:
        """Six digits for the customer's own eyes."""
        live = booking.live_code(phase) if phase else None
        if live is None or mail.recipient_id != booking.customer_id:
            return None
        return live.reveal(self._vault, booking.reference)


def _moment(told: str | None) -> datetime | None:
    return datetime.fromisoformat(told) if told else None


def _tidy(text: str) -> str:
    """No more than one empty line at a time."""
    lines = [line.rstrip() for line in text.strip().splitlines()]
    kept = [line for place, line in enumerate(lines) if line or (place and lines[place - 1])]
    return "\n".join(kept) + "\n"


def _always(_booking: Booking, _mail: Outbox) -> bool:
    return True


def _holds_it(booking: Booking, mail: Outbox) -> bool:
    return booking.state == State.ASSIGNED and booking.professional_id == mail.data.get("professional_id")


def _still_comes(booking: Booking, mail: Outbox) -> bool:
    """The same person at the same time, and not begun: a reminder of anything else would be wrong."""
    same = booking.starts_at.isoformat() == mail.data["starts_at"] and clock.now() < booking.starts_at
    return same and _holds_it(booking, mail)


def _code_is_live(booking: Booking, mail: Outbox) -> bool:
    return booking.live_code(str(mail.data.get("phase"))) is not None


STILL_TRUE: dict[str, Callable[[Booking, Outbox], bool]] = {
    "booking_assigned": _holds_it,
    "job_assigned": _holds_it,
    "job_given": _holds_it,
    "job_asked": lambda booking, mail: (
        booking.state == State.REQUESTED and booking.asks_first(clock.now()) == mail.recipient_id
    ),
    "booking_soon": _still_comes,
    "job_soon": _still_comes,
    "booking_looking_again": lambda booking, mail: booking.state == State.REQUESTED,
    "booking_moved": lambda booking, mail: booking.starts_at.isoformat() == mail.data.get("starts_at"),
    "booking_started": lambda booking, mail: booking.state == State.STARTED,
    "code_locked": _code_is_live,
    "code_renewed": _code_is_live,
    "extra_proposed": lambda booking, mail: (
        booking.state == State.STARTED and any(extra.state == "proposed" for extra in booking.extras)
    ),
}
