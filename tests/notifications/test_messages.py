"""Who is notified of what, and the content of the messages."""

import contextlib
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.billing.bank_accounts import change_bank_account
from app.billing.payouts import make_run, mark_failed, mark_paid
from app.blocking.appeal import Outcome
from app.blocking.appeals import decide_appeal, submit_appeal
from app.bookings.completion import complete_booking
from app.bookings.expiry import cancel_unfilled
from app.bookings.moves import State
from app.bookings.repository import Bookings
from app.bookings.visit_details import VisitDetails
from app.cases.cases import ask_for_help, reopen_case
from app.cases.decision import decide_case, read_decision
from app.core import clock
from app.core.errors import Invalid
from app.core.event_types import registry
from app.core.events import PLATFORM
from app.core.outbox import Outbox
from app.core.storage import Storage
from app.jobs.acceptance import accept, hand_back
from app.jobs.handover import start
from app.messages.thread import send_message
from app.notifications.kinds import KINDS as EVERY_KIND
from app.notifications.messages import CONTACT_KINDS, OutOfDate
from app.payments import charges
from app.payments.pretend_bank import Authorisation, Instrument
from app.payments.refund import BorneBy
from app.payments.refunds import refund_booking
from app.payments.repository import Charges
from app.payments.tips import ask_tip, pay_tip
from app.reviews.moderation import answer_review, hide_review, show_review
from app.reviews.submission import submit_review
from app.scheduling.travel import ArrivalWindow
from app.vetting.decision import deny
from app.vetting.repository import Cases
from app.vetting.verification import CaseKind, CaseState
from app.web.templating import TEMPLATES
from tests.billing.money import ACCOUNT as ACCOUNT_OF_RAVI
from tests.billing.money import an_account, earned
from tests.factories import a_block, an_admin
from tests.notifications.conftest import rows

ACCOUNT = {
    "password_changed": {},
    "paper_running_out": {"kind": "identity", "days": 7, "until": "2027-03-14"},
    "account_blocked": {},
    "account_unblocked": {},
    "appeal_kept": {},
    "work_approved": {},
    "work_denied": {},
    "change_approved": {},
    "bank_account_changed": {},
}
CASE_REFERENCE = "CASE2222"
TO_PROFESSIONALS = ("job_", "extra_a", "work_", "change_", "payout_", "bank_account")
KINDS = sorted({rule.kind for event_type in registry for rule in event_type.notifies})


@pytest.fixture
def own_database(database):
    """Nothing here happens side by side, so the database that forgets will do."""
    return database


async def rendered_messages(database, renderer) -> dict[tuple[str, str], Any]:
    """(kind, address) → message, of all that could be sent now."""
    found = {}
    async with database.work() as db:
        for mail in await rows(database):
            try:
                message = await renderer.render(db, mail)
            except OutOfDate:
                continue
            found[mail.kind, message.recipient] = message
    return found


async def accepted(database, town, encryption, and_then=lambda: None):
    async with database.work() as db:
        booking = await accept(db, town.ravi, town.booking.reference, encryption)
        await db.flush()
        and_then()
        return booking


async def test_a_fact_and_its_mails_are_written_together_or_not_at_all(own_database, town, encryption):
    before = [mail.kind for mail in await rows(own_database)]
    with pytest.raises(ZeroDivisionError):
        await accepted(own_database, town, encryption, and_then=lambda: 1 // 0)
    assert [mail.kind for mail in await rows(own_database)] == before == ["booking_requested"]
    await accepted(own_database, town, encryption)
    assert [mail.kind for mail in await rows(own_database)][1:] == ["booking_assigned", "job_assigned"]


async def test_who_commits_a_mail_wakes_the_worker(own_database, town, encryption):
    received: list[str] = []

    async def announce(announcements):
        received.extend(announcement.audience for announcement in announcements)

    async with own_database.work(announce) as db:
        await accept(db, town.ravi, town.booking.reference, encryption)
    assert "task:mail:drain_outbox" in received


async def test_the_start_code_is_in_the_customers_mail_and_nowhere_else(own_database, town, encryption, renderer):
    booking = await accepted(own_database, town, encryption)
    code = booking.live_code("start").reveal(encryption, booking.reference)
    formatted_code = f"{code[:3]} {code[3:]}"
    found = await rendered_messages(own_database, renderer)
    own = found["booking_assigned", town.asha.email]
    assert formatted_code in own.html
    assert formatted_code in own.text
    assert "Ravi K. is coming" in own.subject
    assert "Fixing leaks &amp; pipes" in own.html
    assert "Fixing leaks & pipes" in own.text
    his = found["job_assigned", town.ravi.email]
    for digits in (code, formatted_code):
        assert digits not in his.html + his.text + his.subject
    async with own_database.work() as db:
        stored = await db.scalar(text("SELECT string_agg(o::text, ' ') FROM outbox o"))
    assert code not in stored


async def test_an_email_to_a_professional_names_neither_customer_nor_address(own_database, town, encryption, renderer):
    await accepted(own_database, town, encryption)
    his = (await rendered_messages(own_database, renderer))["job_assigned", town.ravi.email]
    for private in ("Asha", "Flat 3B", town.asha.phone, town.asha.email, "Ring twice"):
        assert private not in his.html + his.text


async def test_five_wrong_codes_are_reported_to_the_customer_and_to_every_admin(
    own_database, town, encryption, renderer
):
    async with own_database.work() as db:
        meena = await an_admin(db)
        await a_block(db, await an_admin(db, "Lekha Narayanan"), meena)
    booking = await accepted(own_database, town, encryption)
    for digit in range(5):
        with contextlib.suppress(Invalid):
            async with own_database.work() as db:
                await start(
                    db, own_database.work, town.ravi, booking.reference, f"00000{digit}", encryption, early=True
                )
    found = await rendered_messages(own_database, renderer)
    assert {email for kind, email in found if kind == "code_locked"} == {town.asha.email}
    assert {email for kind, email in found if kind == "wrong_codes"} == {meena.email}
    assert "5 wrong codes" in found["wrong_codes", meena.email].text


async def test_a_mail_that_is_not_true_any_more_is_not_sent(own_database, town, encryption, renderer):
    await accepted(own_database, town, encryption)
    async with own_database.work() as db:
        await hand_back(db, town.ravi, town.booking.reference, "My scooter broke down.")
    messages = await rendered_messages(own_database, renderer)
    assert "Reason: My scooter broke down." in messages["booking_looking_again", town.asha.email].text
    kinds = {kind for kind, _ in messages}
    assert not kinds & {"booking_assigned", "job_assigned"}


async def test_when_no_one_accepts_the_email_names_the_three_nearest_free_starts(own_database, town, renderer):
    booking, reference = town.booking, town.booking.reference
    with clock.freeze(booking.starts_at - timedelta(minutes=55)):
        async with own_database.work() as db:
            await cancel_unfilled(db)
        message = (await rendered_messages(own_database, renderer))["booking_unfilled", town.asha.email]
    for minutes in (90, 120, 150):  # two hours of notice
        start = (booking.starts_at + timedelta(minutes=minutes)).astimezone(clock.IST)
        address = f"/bookings/new?again={reference}&professional=anyone&start={start:%Y-%m-%dT%H:%M}"
        assert f"https://doorstep.example{address}" in message.text
        assert address.replace("&", "&amp;") in message.html
    assert message.text.count("start=") == message.html.count("start=") == 3


async def test_a_hold_that_lapsed_is_reported_to_no_one(own_database, town, encryption):
    before = len(await rows(own_database))
    async with own_database.work() as db:
        booking = await Bookings(db).by_reference(town.booking.reference, lock=True)
        booking.state, booking.requested_at, booking.payment = State.HELD, None, None
        booking.held_until = clock.now()
        booking.cancel(PLATFORM, "expired", "")
    assert len(await rows(own_database)) == before


@pytest.mark.parametrize("kind", KINDS)
async def test_every_email_can_be_written(own_database, town, encryption, renderer, kind):
    """Strict templates: a missing value is an error here, not in a recipient's mailbox."""
    booking = await accepted(own_database, town, encryption)
    await prepare(own_database, town, encryption, kind)
    at = booking.starts_at.isoformat()
    data = {"booking": booking.reference, "professional_id": town.ravi.id, "starts_at": at, "before": at, "fee": 100_00}
    data |= {"attempts": 5, "minutes": 10, "refund_id": town.refund_id}
    data |= {"amount": 14_90, "credit_reason": "apology"}
    data |= {"to": "customer", "number": town.admin_message_number}
    data |= {"case": CASE_REFERENCE, "side": "customer"} if kind.startswith("case_") else {}
    recipient = town.ravi if kind.startswith(TO_PROFESSIONALS) else town.asha
    phase = {"code_locked": "start", "code_renewed": "start"}.get(kind)
    mail = Outbox(kind=kind, recipient_id=recipient.id, data=data | ({"phase": phase} if phase else {}), dedupe_key="x")
    if kind in ACCOUNT:
        mail.data = ACCOUNT[kind]
    if kind.startswith("payout_"):
        mail.data = {"payout_id": town.payout_id}
    async with own_database.work() as db:
        message = await renderer.render(db, mail)
    assert message.recipient == ("lakshmi@example.com" if kind in CONTACT_KINDS else recipient.email)
    assert message.subject == " ".join(message.subject.split()) != ""
    for body in (message.html, message.text):
        assert "{{" not in body
        assert "None" not in body
        assert "https://doorstep.example/" in body
    assert "&amp;" not in message.text
    assert re.search(r"<h1[^>]*>\s*\S", message.html)


async def prepare(database, town, encryption, kind: str) -> None:
    """Bring the booking to where this message is true."""
    async with database.work() as db:
        booking = await Bookings(db).by_reference(town.booking.reference, lock=True)
        if kind in CONTACT_KINDS:
            booking.visit = VisitDetails(
                "2nd floor", "Opposite the temple", "Lakshmi Iyer", "+919840012345", "lakshmi@example.com"
            )
        if kind in ("booking_started", "booking_completed", "extra_proposed", "extra_answered"):
            booking.start(town.ravi, booking.live_code("start"), encryption)
            await db.flush()
        if kind in ("extra_proposed", "extra_answered"):
            booking.propose_extra(town.ravi, "A new washer", 50_00)
        if kind == "booking_completed":
            booking.complete(town.ravi, booking.live_code("finish"))
        if kind in ("booking_departed", "booking_delayed"):
            booking.depart(town.ravi, ArrivalWindow.around(booking.starts_at, timedelta(minutes=10)))
        if kind == "booking_arrived":
            booking.arrive(town.ravi)
        if kind in ("booking_looking_again", "job_asked", "booking_redo"):
            booking.hand_back(town.ravi, "No time.", town.ravi.id)
        if kind == "job_asked":
            booking.requested_professional_id, booking.exclusive_until = (
                town.ravi.id,
                clock.now() + timedelta(minutes=9),
            )
        if kind.startswith(
            ("booking_cancelled", "booking_unfilled", "booking_no_show", "job_cancelled", "contact_change")
        ):
            booking.cancel(PLATFORM, "platform", "Reason", fee=100_00)
        if kind == "work_denied":
            await denied(db, town.ravi)
        if kind.endswith("_refunded"):
            await refunded(db, town, encryption, booking, kind)
        if kind == "admin_message":
            booking.send_admin_message(await an_admin(db), "customer", "The plumber comes at five.\n\nWe are sorry.")
            town.admin_message_number = booking.event_count
        if kind in ("booking_message", "job_message"):
            author = town.ravi if kind == "booking_message" else town.asha
            await send_message(db, Storage(Path("unused")), author, booking.reference, "The blue gate.")
        if kind == "job_tipped":
            await tipped(db, town, booking)
        if kind.startswith(("payout_", "bank_account")):
            await paid_out(db, town, encryption, booking.id, kind)
        if kind.startswith("case_"):
            await opened_case(db, town, booking, kind)
        if "review_" in kind:
            await reviewed(db, town, encryption, booking, kind)
        if kind in ("account_blocked", "account_unblocked", "appeal_kept"):
            meena = await an_admin(db)
            block = await a_block(db, town.asha, meena)
            if kind == "appeal_kept":
                appeal = await submit_appeal(db, town.asha, "I paid the agreed price.")
                await decide_appeal(db, meena, appeal.id, Outcome.KEEP, "Two customers sent the receipts.")
            if kind == "account_unblocked":
                block.lifted_at, block.lifted_by_id, block.lifted_reason = clock.now(), meena.id, "She explained it."


async def tipped(db, town, booking) -> None:
    """Asha has tipped Ravi ₹50."""
    tip = await ask_tip(db, booking, 50_00, state="completed", closed_at=None)
    await pay_tip(db, booking, town.asha, tip, Authorisation("authorised", Instrument("upi")))


async def paid_out(db, town, encryption, booking_id: int, kind: str) -> None:
    """Ravi has an account, and a payout to it was paid, or failed."""
    if not kind.startswith("payout_"):
        await change_bank_account(db, encryption, town.ravi, ACCOUNT_OF_RAVI)
        return
    await an_account(db, encryption, town.ravi)
    await earned(db, booking_id, town.ravi, 126_65, clock.now() - timedelta(days=2))
    meena = await an_admin(db)
    run = await make_run(db, meena, clock.today() - timedelta(days=1))
    mark, words = (mark_paid, "UTR123456") if kind == "payout_paid" else (mark_failed, "The account is closed.")
    town.payout_id = (await mark(db, meena, run.id, town.ravi.id, words)).id


async def opened_case(db, town, booking, kind: str) -> None:
    """Asha has opened a case, which is decided, and perhaps open again."""
    case = await ask_for_help(db, town.asha, booking.reference, "late", "He is two hours late.")
    case.reference = CASE_REFERENCE
    await db.flush()
    meena = await an_admin(db)
    if kind in ("case_decided", "case_reopened"):
        decision = read_decision(["none"], "", "doorstep", "The road was under water, and he called twice.")
        await decide_case(db, meena, CASE_REFERENCE, decision)
    if kind == "case_reopened":
        await reopen_case(db, meena, CASE_REFERENCE)


async def reviewed(db, town, encryption, booking, kind: str) -> None:
    """The job is done and reviewed; the review is answered, or hidden and perhaps shown again."""
    booking.start(town.ravi, booking.live_code("start"), encryption)
    await db.flush()
    booking.complete(town.ravi, booking.live_code("finish"))
    await db.flush()
    review = await submit_review(db, town.asha, booking.reference, 2, "Quick, but rude.")
    if kind == "review_answered":
        await answer_review(db, town.ravi, review.id, "I am sorry to hear that.")
        return
    meena = await an_admin(db)
    await hide_review(db, meena, review.id, "It names a neighbour.")
    if kind.endswith("review_shown"):
        await show_review(db, meena, review.id, "It was changed.")


async def refunded(db, town, encryption, booking, kind: str) -> None:
    """The job is done and paid; ₹49 go back, borne by both for the professional's message."""
    booking.start(town.ravi, booking.live_code("start"), encryption)
    await db.flush()
    await complete_booking(db, booking, town.ravi, booking.live_code("finish"))
    (due,) = await Charges(db).of_booking(booking.id)
    await charges.settle(db, due, Authorisation("authorised", Instrument("card", "Visa", "4242")))
    borne_by = BorneBy.SHARES if kind == "job_refunded" else BorneBy.DOORSTEP
    refund = await refund_booking(
        db, booking, await an_admin(db), 49_00, borne_by=borne_by, reason="The tap drips again."
    )
    town.refund_id = refund.id


async def denied(db, user) -> None:
    """A new offered service was denied."""
    await Cases(db).open(user.id, CaseKind.CHANGE)
    await deny(db, await an_admin(db), user.id, "The seal cannot be read.")


async def test_a_denial_is_sent_word_for_word_and_only_while_it_is_the_last_word(own_database, town, renderer):
    async with own_database.work() as db:
        await denied(db, town.ravi)
        mail = Outbox(kind="work_denied", recipient_id=town.ravi.id, data={}, dedupe_key="x")
        assert "The seal cannot be read." in await _rendered(renderer, db, mail)
        case = await Cases(db).open(town.ravi.id, CaseKind.CHANGE)
        case.end(CaseState.APPROVED, await an_admin(db))
        await db.flush()
        assert await _rendered(renderer, db, mail) == ""


@pytest.mark.parametrize("kind", ["account_blocked", "account_unblocked"])
async def test_what_an_email_says_of_a_block_is_true_when_it_goes_out(own_database, town, renderer, kind):
    async with own_database.work() as db:
        meena = await an_admin(db)
        block = await a_block(db, town.asha, meena, "Requested more money.")
        mail = Outbox(kind=kind, recipient_id=town.asha.id, data={}, dedupe_key="x")
        responses = [await _rendered(renderer, db, mail)]
        block.lifted_at, block.lifted_by_id, block.lifted_reason = clock.now(), meena.id, "It was a misunderstanding."
        await db.flush()
        responses.append(await _rendered(renderer, db, mail))
    blocked, lifted = responses
    assert ("Requested more money." in blocked, "It was a misunderstanding." in lifted) == (
        kind == "account_blocked",
        kind == "account_unblocked",
    )
    assert (not blocked) == (kind == "account_unblocked")
    assert (not lifted) == (kind == "account_blocked")


async def _rendered(renderer, db, mail) -> str:
    try:
        return (await renderer.render(db, mail)).text
    except OutOfDate:
        return ""


def test_every_email_has_both_bodies_and_no_template_is_left_over():
    for ending in ("html", "txt"):
        there = {path.stem for path in (TEMPLATES / "emails").glob(f"*.{ending}") if not path.stem.startswith("_")}
        assert there == {name for name, kind in EVERY_KIND.items() if not kind.digest}
