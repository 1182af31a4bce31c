"""Every mail as it is sent, word for word: a change of any of them is seen in a diff.

After a change that is meant: GOLDEN=write bin/test tests/notifications/test_golden.py, and read what git shows.
"""

import os
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.accounts.email_links import encrypted_email, send_reset, send_verification
from app.accounts.sign_in_codes import CODE_EMAIL
from app.bookings.booking import Booking
from app.bookings.offer_wave_repository import OfferWaves
from app.bookings.repository import Bookings
from app.core import clock
from app.core.db import Database
from app.core.encryption import Encryption
from app.core.outbox import Outbox
from app.jobs.acceptance import accept
from app.notifications.kinds import KINDS
from app.notifications.messages import MessageRenderer, RenderedMessage
from app.reports.monthly_statement import MonthBooking, MonthlySummary, UpcomingBooking, to_facts
from tests.factories import a_customer, a_professional, a_request, a_service, an_admin
from tests.notifications.conftest import Town
from tests.notifications.test_messages import ACCOUNT, CASE_REFERENCE, prepare

GOLDEN = Path(__file__).parent / "golden"
WRITE = os.environ.get("GOLDEN") == "write"
MONDAY = datetime(2026, 12, 7, 4, 30, tzinfo=UTC)  # 10:00 in India
MONTHS = (date(2028, 2, 1), date(2028, 3, 1), date(2028, 12, 1))
LINKS: dict[str, Callable[..., Awaitable[Any]]] = {"verify": send_verification, "reset": send_reset}
TO_PROFESSIONALS = (
    *("job_", "extra_answered", "work_", "change_", "evening", "paper_"),
    *("payout_", "bank_account"),
)
ACCEPTED_LATER = ("evening", "job_asked", "job_offers", "booking_requested")
EMAILED = {name for name, kind in KINDS.items() if not kind.digest} - {"monthly_report"}
# Random values of each run and their replacements in the files.
REPLACEMENTS = (
    (re.compile(r"/(verify|reset)/[\w-]{20,}"), r"/\1/the-link"),
    (re.compile(r"/unsubscribe/[\w.-]+"), "/unsubscribe/the-link"),
    (re.compile(r"/professionals/\d+"), "/professionals/7"),
)


@pytest.fixture(autouse=True)
def stopped_clock():
    with clock.freeze(MONDAY):
        yield


@pytest.fixture
async def town(database: Database) -> Town:
    """Asha has requested a plumber for Tuesday; Ravi is free."""
    async with database.work() as db:
        service = await a_service(db)
        service.name = "Fixing leaks & pipes"
        ravi = await a_professional(db, "Ravi Kumar", services=[service], email="ravi@example.com")
        asha = await a_customer(db, "Asha Raman", email="asha@example.com")
        asha.phone, ravi.phone = "+919000000001", "+919000000002"
        await db.flush()
        booking = await a_request(db, asha, service)
    return Town(asha, ravi, booking)


async def the_mail(database: Database, town: Town, encryption: Encryption, kind: str) -> Outbox:
    """An outbox row of this kind whose content is true."""
    recipient = town.ravi if kind.startswith(TO_PROFESSIONALS) else town.asha
    if kind not in ACCEPTED_LATER:
        async with database.work() as db:
            await accept(db, town.ravi, town.booking.reference, encryption)
    if kind in LINKS:
        return await the_link(database, encryption, town, kind)
    if kind == CODE_EMAIL:
        mail = encrypted_email(kind, "x", "402718", encryption, recipient.id, None)
        mail.created_at = MONDAY
        return mail
    if kind in ("wrong_codes", "export_ready", "channel_off", "webhook_off"):
        async with database.work() as db:
            recipient = await an_admin(db, email="meena@example.com")
    if kind == "job_offers":
        await list_in_email(database, town)
    elif kind != "job_asked":
        await prepare(database, town, encryption, kind)
    else:
        await reserve_for_named(database, town)
    return Outbox(kind=kind, recipient_id=recipient.id, data=data_of(kind, town), dedupe_key="x", created_at=MONDAY)


async def the_link(database: Database, encryption: Encryption, town: Town, kind: str) -> Outbox:
    async with database.work() as db:
        more = (town.asha, town.asha.email) if kind == "verify" else (town.asha.email,)
        await LINKS[kind](db, encryption, *more)
    async with database.work() as db:
        return (await db.scalars(select(Outbox).where(Outbox.kind == kind))).one()


async def reserve_for_named(database: Database, town: Town) -> None:
    async with database.work() as db:
        booking = await Bookings(db).by_reference(town.booking.reference, lock=True)
        booking.requested_professional_id, booking.exclusive_until = (
            town.ravi.id,
            datetime(2026, 12, 7, 4, 45, tzinfo=UTC),
        )


async def list_in_email(database: Database, town: Town) -> None:
    async with database.work() as db:
        await OfferWaves(db).add_recipients(town.booking.id, {town.ravi.id: "x"})


def data_of(kind: str, town: Town) -> dict[str, Any]:
    account: dict[str, dict[str, Any]] = {
        "known_address": {},
        "email_changed": {},
        "verify": {},
        "reset": {},
        "channel_off": {},
        "webhook_off": {},
    } | ACCOUNT
    if kind in account:
        return account[kind]
    if kind == "evening":
        return {"day": "2026-12-08"}
    if kind == "job_offers":
        return {}
    if kind.startswith("payout_"):
        return {"payout_id": town.payout_id}
    if kind == "export_ready":
        return {"export": "7K3MQ9WD", "of": "bookings"}
    at = town.booking.starts_at.astimezone(UTC).isoformat()
    fields = {"booking": town.booking.reference, "professional_id": town.ravi.id, "starts_at": at}
    fields |= {
        "before": datetime(2026, 12, 8, 8, 30, tzinfo=UTC).isoformat(),
        "fee": 100_00,
        "attempts": 5,
        "minutes": 10,
        "hours": 24,
        "refund_id": town.refund_id,
        "amount": 14_90,
        "credit_reason": "apology",
    }
    fields |= {"to": "customer", "number": town.admin_message_number} if kind == "admin_message" else {}
    fields |= {"case": CASE_REFERENCE, "side": "customer"} if kind.startswith("case_") else {}
    return fields | ({"phase": "start"} if kind.startswith("code_") else {})


def fixed(body: str, booking: Booking, codes: dict[str, str]) -> str:
    """Replace random values by fixed ones."""
    body = body.replace(booking.reference, "7K3MQ9WD")
    for rendered, replacement in codes.items():
        body = body.replace(rendered, replacement)
    for pattern, instead in REPLACEMENTS:
        body = pattern.sub(instead, body)
    return body


async def codes_of(database: Database, reference: str, encryption: Encryption) -> dict[str, str]:
    """Every code of the booking as it may be written, and the fixed one."""
    async with database.work() as db:
        booking = await Bookings(db).by_reference(reference)
        live = [code for phase in ("start", "finish") if (code := booking.live_code(phase)) is not None]
        formatted_codes = [code.reveal(encryption, booking.reference) for code in live]
    return dict.fromkeys(formatted_codes, "402718") | {f"{code[:3]} {code[3:]}": "402 718" for code in formatted_codes}


def headed(message: RenderedMessage) -> str:
    ends = f"List-Unsubscribe: <{message.unsubscribe}>\n" if message.unsubscribe else ""
    return f"To: {message.recipient}\nSubject: {message.subject}\n{ends}\n{message.text}"


def compare(name: str, body: str) -> None:
    path = GOLDEN / name
    if WRITE:
        path.parent.mkdir(exist_ok=True)
        path.write_text(body, encoding="utf-8")
    assert body == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", sorted(EMAILED))
async def test_a_mail_is_as_it_was(database, town, encryption, renderer: MessageRenderer, kind):
    mail = await the_mail(database, town, encryption, kind)
    codes = await codes_of(database, town.booking.reference, encryption)
    async with database.work() as db:
        message = await renderer.render(db, mail)
    compare(f"{kind}.txt", fixed(headed(message), town.booking, codes))
    compare(f"{kind}.html", fixed(message.html, town.booking, codes))
    if message.invitation:
        compare(f"{kind}.ics", fixed(message.invitation.text.replace("\r\n", "\n"), town.booking, codes))


def a_month(first: date) -> MonthlySummary:
    """A month in Asia/Kolkata with a booking completed, one cancelled with a fee, one refunded and one upcoming."""
    last = clock.at(date(first.year + first.month // 12, first.month % 12 + 1, 1), -30)
    past = (
        MonthBooking(clock.at(first, 30), "7K3MQ9WD", "Fixing leaks & pipes", "closed", 1_49_00),
        MonthBooking(clock.at(first.replace(day=14), 9 * 60), "8K3MQ9WD", "Sofa shampoo", "cancelled", 1_00_00),
        MonthBooking(clock.at(first.replace(day=15), 9 * 60), "9K3MQ9WD", "Haircut at home", "cancelled", 0),
        MonthBooking(clock.at(first.replace(day=16), 9 * 60), "BK3MQ9WD", "Tap repair", "closed", -49_00),
        MonthBooking(last, "AK3MQ9WD", "Full home cleaning", "completed", 12_34_567_00),
    )
    upcoming = [
        UpcomingBooking(
            clock.at(date(first.year + first.month // 12, first.month % 12 + 1, 3), 600), "BK", "AC service"
        )
    ]
    return MonthlySummary(3, 2, sum(item.paid for item in past), 2, 4.5, list(past), upcoming)


@pytest.mark.parametrize("first", MONTHS, ids=lambda month: f"{month:%Y-%m}")
async def test_a_month_is_reported_as_it_was(database, town, renderer: MessageRenderer, first):
    data = {"month": first.isoformat(), "facts": to_facts(a_month(first))}
    mail = Outbox(kind="monthly_report", recipient_id=town.asha.id, data=data, dedupe_key="x", created_at=MONDAY)
    async with database.work() as db:
        message = await renderer.render(db, mail)
    compare(f"monthly_report-{first:%Y-%m}.txt", fixed(headed(message), town.booking, {}))
    compare(f"monthly_report-{first:%Y-%m}.html", fixed(message.html, town.booking, {}))


def test_no_file_is_left_of_a_mail_that_is_not_sent_any_more():
    reports = {f"monthly_report-{month:%Y-%m}" for month in MONTHS}
    assert {path.stem for path in GOLDEN.iterdir()} == EMAILED | reports
