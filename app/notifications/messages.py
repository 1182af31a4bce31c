"""Render an outbox row as a message. All content is read at that time, so that rows contain no secrets.

A code is decrypted for its own customer only. Messages to professionals show only what an offer or a job may show.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from jinja2 import Template
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.email_links import TOKEN_FIELD, link_token
from app.accounts.repository import EmailLinks, Users
from app.accounts.session import CODE_LIFETIME
from app.accounts.sign_in_codes import CODE_EMAIL
from app.accounts.user import Block, User
from app.billing.bank_account_repository import BankAccounts
from app.billing.payout_repository import Payouts
from app.blocking.appeal_repository import Appeals
from app.bookings.booking import Booking
from app.bookings.calendar import (
    CalendarEntry,
    Invitation,
    customer_event,
    job_invitation_event,
    render_invitation,
)
from app.bookings.calendar_repository import Calendars
from app.bookings.deadlines import FREE_CANCELLATION_NOTICE, LATE_FEE_PAISE
from app.bookings.moves import State
from app.bookings.offer_wave_repository import OfferWaves
from app.bookings.repository import Bookings
from app.bookings.slot_picker import nearest_free_starts
from app.bookings.timeline import TimelineEvent, last_reopening
from app.bookings.timeline_repository import timeline_events
from app.cases.case import CaseState
from app.cases.repository import BookingCases
from app.core import clock
from app.core.encryption import Encryption
from app.core.errors import Missing
from app.core.outbox import Outbox
from app.core.paging import AnyRow
from app.core.secrets import digest
from app.jobs.offers import find_workday
from app.messages.repository import Messages
from app.notifications.channel import MessageTemplates
from app.notifications.inbox_repository import MESSAGE_KINDS
from app.notifications.kinds import kind_of
from app.notifications.preference import unsubscribe_token
from app.notifications.repository import NotificationContext
from app.payments.refund_repository import RefundNotice, Refunds
from app.payments.shares import earning_of
from app.payments.tip import Tip
from app.payments.tips_repository import Tips
from app.reviews.repository import OwnReview, Reviews
from app.site_settings.contacts import NO_CONTACTS, Contacts, load_contacts
from app.vetting.repository import Cases

# The phase whose code a message shows; a code_renewed row names it itself.
CODES = {
    "booking_assigned": "start",
    "booking_started": "finish",
    "contact_visit": "start",
    "contact_reminder": "start",
}
# Messages that change the recipient's calendar: of the customer, and of the professional.
CUSTOMER_INVITATIONS = frozenset(
    {
        "booking_requested",
        "booking_assigned",
        "booking_looking_again",
        "booking_moved",
        "booking_cancelled",
        "booking_unfilled",
        "booking_no_show",
        "booking_redo",
    }
)
JOB_INVITATIONS = frozenset(
    {"job_assigned", "job_given", "job_moved", "job_cancelled", "job_returned", "job_taken_away"}
)
# To the person at the door, at the address that the customer gave: the row's recipient is the customer.
CONTACT_KINDS = ("contact_visit", "contact_reminder", "contact_change")
REVIEW_KINDS = ("review_answered", "review_hidden", "review_shown", "job_review_hidden", "job_review_shown")
BLOCK_KINDS = ("account_blocked", "account_unblocked", "appeal_kept")
DENIAL_KINDS = ("work_denied",)
UNFILLED_KINDS = ("booking_unfilled",)
REOPENING_KINDS = ("booking_looking_again",)
REFUND_KINDS = ("booking_refunded", "job_refunded")

MessageData = Callable[[AsyncSession, User, Outbox], Awaitable[dict[str, Any] | None]]


@dataclass(frozen=True, slots=True)
class RenderedMessage:
    recipient: str
    subject: str
    html: str
    text: str
    unsubscribe: str | None = None  # the address of one-click unsubscribing
    invitation: Invitation | None = None  # what it tells the recipient's calendar


class OutOfDate(Exception):
    """The message is outdated, or its recipient's account is deleted: it is not sent."""


class MessageRenderer:
    """`templates` are those of the pages; `site` is BASE_URL, the beginning of every link.

    `sender` is MAIL_FROM, the organizer of invitations; `default_contacts` are those of the environment.
    """

    def __init__(
        self,
        templates: MessageTemplates,
        encryption: Encryption,
        site: str,
        sender: str,
        default_contacts: Contacts = NO_CONTACTS,
    ) -> None:
        self._templates = templates
        self._encryption = encryption
        self._site = site
        self._sender = sender
        self._default_contacts = default_contacts
        self._contacts: Contacts | None = None  # read with the first message: a renderer sends one batch

    async def render(self, db: AsyncSession, row: Outbox) -> RenderedMessage:
        """Raises OutOfDate."""
        self._contacts = self._contacts or await load_contacts(db, self._default_contacts)
        if row.kind == CODE_EMAIL:
            return self._render(row, row.address or await self._email_of(db, row), self._sign_in_code(row))
        about = self._about_booking if "booking" in row.data else self._about_account
        person, context = await about(db, row)
        recipient = context["booking"].contact_email if row.kind in CONTACT_KINDS else row.address or person.email
        return self._render(row, recipient, context | {"person": person})

    def _render(self, row: Outbox, recipient: str, context: dict[str, Any]) -> RenderedMessage:
        context |= {"site": self._site, "data": row.data, "contacts": lambda: self._contacts}
        subject = self._subject(row.kind, context)
        context |= {"subject": subject, "unsubscribe": self._unsubscribe(row)}
        return RenderedMessage(
            recipient=recipient,
            subject=subject,
            html=self._templates.get_template(f"emails/{row.kind}.html").render(context),
            text=_tidy(self._text(row.kind).render(context)),
            unsubscribe=context["unsubscribe"],
            invitation=context.get("invitation"),
        )

    async def _email_of(self, db: AsyncSession, row: Outbox) -> str:
        """The recipient's address. Raises OutOfDate."""
        person = await NotificationContext(db).recipient(row.recipient_id)
        if person is None:
            raise OutOfDate
        return person.email

    def _sign_in_code(self, row: Outbox) -> dict[str, Any]:
        """The code, the same for people with and without an account. Raises OutOfDate once it has expired."""
        code = link_token(row, self._encryption)
        if code is None or row.created_at + CODE_LIFETIME <= clock.now():
            raise OutOfDate
        return {"code": code}

    def _unsubscribe(self, row: Outbox) -> str | None:
        topic = kind_of(row.kind).topic
        if not topic or row.recipient_id is None:
            return None
        return f"{self._site}/unsubscribe/{unsubscribe_token(self._encryption, row.recipient_id, topic)}"

    def _subject(self, kind: str, context: dict[str, Any]) -> str:
        template = self._text(kind)
        return " ".join("".join(template.blocks["subject"](template.new_context(context))).split())

    def _text(self, kind: str) -> Template:
        return self._templates.get_template(f"emails/{kind}.txt", plain_text=True)

    async def _about_account(self, db: AsyncSession, row: Outbox) -> tuple[User, dict[str, Any]]:
        context, token = NotificationContext(db), link_token(row, self._encryption)
        if token is not None:
            person = await EmailLinks(db).owner(digest(token))
        else:
            person = await context.recipient(row.recipient_id)
        if person is None or (TOKEN_FIELD in row.data and token is None):
            raise OutOfDate
        until = row.data.get("until")
        load = MESSAGE_DATA.get(row.kind)
        more = await load(db, person, row) if load is not None else {}
        if more is None:
            raise OutOfDate
        return person, {
            **more,
            "token": token,
            "until": date.fromisoformat(until) if until else None,
            "block": await self._block_of(db, row, person) if row.kind in BLOCK_KINDS else None,
            "reason": await self._denial_of(db, person) if row.kind in DENIAL_KINDS else None,
        }

    async def _block_of(self, db: AsyncSession, row: Outbox, person: User) -> Block:
        """The block in force, or for account_unblocked the last one, which has ended. Raises OutOfDate."""
        block = await Users(db).last_block(person.id)
        if block is None or (block.lifted_at is not None) != (row.kind == "account_unblocked"):
            raise OutOfDate
        return block

    async def _denial_of(self, db: AsyncSession, person: User) -> str:
        """The reason of the last denial. Raises OutOfDate if the last decision was an approval."""
        reason = await Cases(db).last_denial(person.id)
        if reason is None:
            raise OutOfDate
        return reason

    async def _about_booking(self, db: AsyncSession, row: Outbox) -> tuple[User, dict[str, Any]]:
        # Before the booking: a revision may stand beside a newer content, never beside an older one.
        entry = await self._calendar_entry(db, row)
        booking = await Bookings(db).by_reference(row.data["booking"])
        if not STILL_VALID.get(row.kind, _always)(booking, row):
            raise OutOfDate
        context = NotificationContext(db)
        about = await context.of_booking(booking, row.data.get("professional_id") or booking.professional_id)
        person = await context.recipient(row.recipient_id)
        if person is None:
            raise OutOfDate
        reopening = await self._reopening_of(db, booking) if row.kind in REOPENING_KINDS else None
        if row.kind in MESSAGE_KINDS and not await Messages(db).has_unread(booking.id, person.id):
            raise OutOfDate
        phase = row.data.get("phase") if row.kind == "code_renewed" else CODES.get(row.kind)
        return person, {
            "invitation": self._invitation(entry, row, person) if entry else None,
            "booking": booking,
            "about": about,
            "phase": phase,
            "code": self._code(booking, row, phase),
            "before": _time(row.data.get("before")),
            "moved_to": _time(row.data.get("starts_at")),
            "free_until": FREE_CANCELLATION_NOTICE,
            "late_fee": min(LATE_FEE_PAISE, booking.price),
            "earning": earning_of(booking.price),
            "free_starts": await self._free_starts(db, booking) if row.kind in UNFILLED_KINDS else [],
            "case": await self._case_of(db, row, person) if "case" in row.data else None,
            "review": await self._review_of(db, booking, row) if row.kind in REVIEW_KINDS else None,
            "tip": await self._tip_of(db, booking) if row.kind == "job_tipped" else None,
            "refund": await self._refund_of(db, row) if row.kind in REFUND_KINDS else None,
            "credit": row.data.get("amount"),
            "credit_reason": row.data.get("credit_reason"),
            "admin_text": await self._admin_text(db, booking, row) if row.kind == "admin_message" else None,
            "reopening_reason": reopening.reason if reopening and reopening.actor_role != "customer" else "",
        }

    async def _review_of(self, db: AsyncSession, booking: Booking, row: Outbox) -> OwnReview:
        """The review; OutOfDate when it is not hidden, shown or answered as the message says."""
        review = await Reviews(db).shown_on(booking.id)
        if review is None or (review.hidden_at is not None) != row.kind.endswith("review_hidden"):
            raise OutOfDate
        if row.kind == "review_answered" and not review.answer:
            raise OutOfDate
        return review

    async def _admin_text(self, db: AsyncSession, booking: Booking, row: Outbox) -> str:
        """What the admin wrote. OutOfDate once it is erased."""
        text = await NotificationContext(db).admin_text(booking.subject, row.data["number"])
        if text is None:
            raise OutOfDate
        return text

    async def _refund_of(self, db: AsyncSession, row: Outbox) -> RefundNotice:
        """What the refund gave back, and why; OutOfDate if it is not done, or the decision of a case says so."""
        notice = await Refunds(db).notice(row.data["refund_id"], row.recipient_id)
        if notice is None or await BookingCases(db).says_refund(row.data["refund_id"], notice.done_at):
            raise OutOfDate
        return notice

    async def _tip_of(self, db: AsyncSession, booking: Booking) -> Tip:
        """The tip that was paid; else OutOfDate."""
        tip = await Tips(db).paid(booking.id)
        if tip is None:
            raise OutOfDate
        return tip

    async def _case_of(self, db: AsyncSession, row: Outbox, person: User) -> AnyRow:
        """The case; OutOfDate when it is not open or decided as the message says."""
        try:
            case = await BookingCases(db).row(row.data["case"], person)
        except Missing as error:
            raise OutOfDate from error
        if (case.state == CaseState.DECIDED) != (row.kind == "case_decided"):
            raise OutOfDate
        return case

    async def _calendar_entry(self, db: AsyncSession, row: Outbox) -> CalendarEntry | None:
        """The entry of a message after which the recipient's calendar is to change."""
        is_invitation = row.kind in CUSTOMER_INVITATIONS | JOB_INVITATIONS
        return await Calendars(db).of_message(row.data["booking"]) if is_invitation else None

    def _invitation(self, entry: CalendarEntry, row: Outbox, person: User) -> Invitation:
        now = clock.now()
        if row.kind in CUSTOMER_INVITATIONS:
            event = customer_event(entry, self._site, now)
        else:
            event = job_invitation_event(entry, self._site, now, person.id)
        return render_invitation(event, self._sender, person.email, person.full_name)

    async def _free_starts(self, db: AsyncSession, booking: Booking) -> list[datetime]:
        return await nearest_free_starts(
            db, booking.service_id, booking.pincode, booking.starts_at, customer_id=booking.customer_id
        )

    async def _reopening_of(self, db: AsyncSession, booking: Booking) -> TimelineEvent | None:
        return last_reopening(booking, await timeline_events(db, booking.reference))

    def _code(self, booking: Booking, row: Outbox, phase: str | None) -> str | None:
        """The six digits, for the customer alone."""
        code = booking.live_code(phase) if phase else None
        if code is None or row.recipient_id != booking.customer_id:
            return None
        return code.reveal(self._encryption, booking.reference)


def _time(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None


def _tidy(text: str) -> str:
    """Collapse runs of empty lines into one."""
    lines = [line.rstrip() for line in text.strip().splitlines()]
    cleaned = [line for index, line in enumerate(lines) if line or (index and lines[index - 1])]
    return "\n".join(cleaned) + "\n"


def _always(_booking: Booking, _mail: Outbox) -> bool:
    return True


def _is_still_assigned(booking: Booking, row: Outbox) -> bool:
    return booking.state == State.ASSIGNED and booking.professional_id == row.data.get("professional_id")


def _is_still_planned(booking: Booking, row: Outbox) -> bool:
    """Whether the booking is still at the same time with the same professional, and ahead."""
    same = booking.starts_at.isoformat() == row.data["starts_at"] and clock.now() < booking.starts_at
    return same and _is_still_assigned(booking, row)


def _is_on_the_way(booking: Booking, _row: Outbox) -> bool:
    return booking.state == State.ASSIGNED and booking.eta_from is not None and booking.arrived_at is None


def _code_is_live(booking: Booking, row: Outbox) -> bool:
    return booking.live_code(str(row.data.get("phase"))) is not None


def _contact_expects(booking: Booking, row: Outbox) -> bool:
    """Whether a professional still comes to the person at the door, who has a code to give."""
    same = row.data.get("professional_id") in (None, booking.professional_id)
    return bool(booking.contact_email) and same and booking.live_code("start") is not None


STILL_VALID: dict[str, Callable[[Booking, Outbox], bool]] = {
    "booking_assigned": _is_still_assigned,
    "job_assigned": _is_still_assigned,
    "job_given": _is_still_assigned,
    "job_asked": lambda booking, row: (
        booking.state == State.REQUESTED and booking.priority_professional_id(clock.now()) == row.recipient_id
    ),
    "booking_soon": _is_still_planned,
    "job_soon": _is_still_planned,
    "contact_visit": _contact_expects,
    "contact_reminder": lambda booking, row: _contact_expects(booking, row) and _is_still_planned(booking, row),
    "contact_change": lambda booking, row: (
        bool(booking.contact_email) and booking.state in (State.REQUESTED, State.CANCELLED)
    ),
    "booking_looking_again": lambda booking, row: booking.state == State.REQUESTED,
    "booking_redo": lambda booking, row: booking.state == State.REQUESTED,
    "booking_moved": lambda booking, row: booking.starts_at.isoformat() == row.data.get("starts_at"),
    "booking_departed": _is_on_the_way,
    "booking_delayed": _is_on_the_way,
    "booking_arrived": lambda booking, row: booking.state == State.ASSIGNED and booking.arrived_at is not None,
    "booking_started": lambda booking, row: booking.state == State.STARTED,
    "code_locked": _code_is_live,
    "code_renewed": _code_is_live,
    "extra_proposed": lambda booking, row: (
        booking.state == State.STARTED and any(extra.state == "proposed" for extra in booking.extras)
    ),
}


async def _evening_data(db: AsyncSession, person: User, row: Outbox) -> dict[str, Any] | None:
    """The jobs of the next day and the open offers; None when there is neither any more."""
    day = date.fromisoformat(row.data["day"])
    if day <= clock.today():
        return None
    _schedule, agenda, offers = await find_workday(db, person)
    jobs = [job for job in agenda if job.state == State.ASSIGNED and job.starts_at.astimezone(clock.IST).date() == day]
    return {"day": day, "jobs": jobs, "offers": offers} if jobs or offers else None


async def _offers_data(db: AsyncSession, person: User, row: Outbox) -> dict[str, Any] | None:
    """The offers of this email that are still open; None when there are none any more."""
    references = await OfferWaves(db).in_digest(person.id, row.dedupe_key)
    _schedule, _agenda, open_offers = await find_workday(db, person)
    offers = [offer for offer in open_offers if offer.reference in references]
    return {"offers": offers} if offers else None


async def _appeal_data(db: AsyncSession, person: User, _row: Outbox) -> dict[str, Any] | None:
    """The appeal of the block in force, once it is decided."""
    block = await Users(db).active_block(person.id)
    appeal = await Appeals(db).of_block(block.id) if block is not None else None
    return {"appeal": appeal} if appeal is not None and appeal.is_decided else None


async def _payout_data(db: AsyncSession, person: User, row: Outbox) -> dict[str, Any] | None:
    """The payout, once it is paid or failed as the message says."""
    payout = await Payouts(db).own(person.id, row.data["payout_id"])
    return {"payout": payout} if payout is not None and row.kind == f"payout_{payout.state}" else None


async def _bank_account_data(db: AsyncSession, person: User, _row: Outbox) -> dict[str, Any] | None:
    """The account in force."""
    account = await BankAccounts(db).current(person.id)
    return {"account": account} if account is not None else None


# More of what a message shows beside its recipient, by kind. None means that there is nothing to say any more.
MESSAGE_DATA: dict[str, MessageData] = {
    "evening": _evening_data,
    "job_offers": _offers_data,
    "appeal_kept": _appeal_data,
    "payout_paid": _payout_data,
    "payout_failed": _payout_data,
    "bank_account_changed": _bank_account_data,
}


def register_message_data(kind: str, load: MessageData) -> None:
    """Register the function that loads a higher room's data for messages of its kind."""
    MESSAGE_DATA[kind] = load
