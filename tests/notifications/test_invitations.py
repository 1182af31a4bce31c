"""The calendar part of emails (RFC 5545, 5546, 6047): a calendar that reads them follows the booking."""

from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from app.accounts.user import User
from app.bookings.repository import Bookings
from app.core.events import PLATFORM
from app.core.outbox import Outbox
from app.jobs.acceptance import accept, hand_back
from app.notifications.channels.email.transport import build_email
from tests.ics import Component, read_calendar
from tests.notifications.conftest import Town, rows

UTC_FORMAT = "%Y%m%dT%H%M%SZ"


@pytest.fixture
def own_database(database):
    return database


@pytest.fixture
def sent(own_database, renderer):
    """The last email of a kind, as the server receives it."""

    async def find(kind: str) -> EmailMessage:
        row = [mail for mail in await rows(own_database) if mail.kind == kind][-1]
        async with own_database.work() as db:
            return built(await renderer.render(db, row), row)

    return find


def built(message, row: Outbox) -> EmailMessage:
    return build_email(message, row, "Doorstep <hello@doorstep.example>", "doorstep.example")


def decoded(part: Any) -> str:
    """The content without the newlines of this machine."""
    return part.get_payload(decode=True).decode()


def calendar_of(email: EmailMessage) -> tuple[Component, Component]:
    """The calendar and its one event; the attached file is the same."""
    mixed = email.get_content_type(), [part.get_content_type() for part in email.iter_parts()]
    assert mixed == ("multipart/mixed", ["multipart/alternative", "application/ics"])
    alternative, file = email.iter_parts()
    assert [part.get_content_type() for part in alternative.iter_parts()] == [
        "text/plain",
        "text/html",
        "text/calendar",
    ]
    part = list(alternative.iter_parts())[2]
    text = decoded(part)
    calendar = read_calendar(text)
    assert part["content-type"].params["method"] == calendar["METHOD"]
    assert part["content-type"].params["charset"] == "utf-8"
    assert (file.get_filename(), decoded(file)) == ("invite.ics", text)
    (event,) = calendar.children
    assert event.name == "VEVENT"
    return calendar, event


async def test_the_customers_calendar_follows_the_booking(own_database, town: Town, encryption, sent):
    ref, seen = town.booking.reference, []
    async with own_database.work() as db:
        booking = await Bookings(db).by_reference(ref, lock=True)
        booking.record("booking.requested", by=town.asha)
    seen.append(calendar_of(await sent("booking_requested")))
    async with own_database.work() as db:
        await accept(db, town.ravi, ref, encryption)
    seen.append(calendar_of(await sent("booking_assigned")))
    async with own_database.work() as db:
        booking = await Bookings(db).by_reference(ref, lock=True)
        booking.reschedule(town.asha, booking.starts_at + timedelta(days=1), town.ravi.id, 0)
        start = booking.starts_at
    seen.append(calendar_of(await sent("booking_moved")))
    his = calendar_of(await sent("job_moved"))
    async with own_database.work() as db:
        booking = await Bookings(db).by_reference(ref, lock=True)
        booking.cancel(PLATFORM, "unfilled", "None was free.")
    seen.append(calendar_of(await sent("booking_unfilled")))
    assert [calendar["METHOD"] for calendar, _ in seen] == ["REQUEST", "REQUEST", "REQUEST", "CANCEL"]
    assert [event["STATUS"] for _, event in seen] == ["TENTATIVE", "CONFIRMED", "TENTATIVE", "CANCELLED"]
    assert {event["UID"] for _, event in [*seen, his]} == {f"booking-{ref}@doorstep.example"}
    sequences = [int(event["SEQUENCE"]) for _, event in seen]
    assert sequences == sorted(set(sequences))
    moved = seen[2][1]
    assert (moved["DTSTART"], moved["DTEND"]) == (
        f"{start:{UTC_FORMAT}}",
        f"{start + timedelta(minutes=60):{UTC_FORMAT}}",
    )
    assert (his[0]["METHOD"], his[1]["STATUS"]) == ("CANCEL", "CANCELLED")
    assert int(his[1]["SEQUENCE"]) > sequences[1]


async def test_who_invites_whom(own_database, town: Town, encryption, sent):
    async with own_database.work() as db:
        await accept(db, town.ravi, town.booking.reference, encryption)
    _calendar, event = calendar_of(await sent("booking_assigned"))
    assert (event["ORGANIZER"], event["ORGANIZER;CN"]) == ("mailto:hello@doorstep.example", "Doorstep")
    assert (event["ATTENDEE"], event["ATTENDEE;RSVP"]) == (f"mailto:{town.asha.email}", "FALSE")
    assert event["ATTENDEE;CN"] == "Asha Raman"
    assert event["DTSTAMP"].endswith("Z")
    assert event["SUMMARY"].startswith("Fixing leaks & pipes")


async def test_no_invitation_has_a_code_and_the_professionals_has_only_the_area(
    own_database, town: Town, encryption, sent
):
    async with own_database.work() as db:
        booking = await accept(db, town.ravi, town.booking.reference, encryption)
        code = booking.live_code("start").reveal(encryption, booking.reference)
    for kind in ("booking_assigned", "job_assigned"):
        _calendar, event = calendar_of(await sent(kind))
        text = str(event.values)
        assert code not in text
        assert f"{code[:3]} {code[3:]}" not in text
    assert event["LOCATION"] == "Adyar"
    assert not [term for term in ("Asha", town.asha.phone, town.booking.address) if term in event["DESCRIPTION"]]


async def test_who_gives_a_job_up_has_it_taken_off_their_calendar(own_database, town: Town, encryption, sent):
    async with own_database.work() as db:
        await accept(db, town.ravi, town.booking.reference, encryption)
    before = calendar_of(await sent("job_assigned"))
    async with own_database.work() as db:
        await hand_back(db, town.ravi, town.booking.reference, "No time.")
    after = calendar_of(await sent("job_returned"))
    assert [calendar["METHOD"] for calendar, _event in (before, after)] == ["REQUEST", "CANCEL"]
    assert before[1]["UID"] == after[1]["UID"]
    assert int(after[1]["SEQUENCE"]) > int(before[1]["SEQUENCE"])
    assert (after[1]["ATTENDEE"], after[1]["STATUS"]) == (f"mailto:{town.ravi.email}", "CANCELLED")


async def test_of_two_emails_that_cross_the_later_change_wins(own_database, town: Town, encryption, renderer):
    """The email of the acceptance is written only after the job was given up: it is not older than what it says."""
    async with own_database.work() as db:
        await accept(db, town.ravi, town.booking.reference, encryption)
    (late,) = [mail for mail in await rows(own_database) if mail.kind == "booking_assigned"]
    async with own_database.work() as db:
        before = (await renderer.render(db, late)).invitation
    async with own_database.work() as db:
        await hand_back(db, town.ravi, town.booking.reference, "No time.")
    (again,) = [mail for mail in await rows(own_database) if mail.kind == "booking_looking_again"]
    async with own_database.work() as db:
        after = (await renderer.render(db, again)).invitation
    sequences = [int(read_calendar(item.text).children[0]["SEQUENCE"]) for item in (before, after)]
    assert sequences[0] < sequences[1]


async def test_a_name_and_an_address_full_of_signs_are_escaped_and_folded(own_database, town: Town, encryption, sent):
    async with own_database.work() as db:
        booking = await Bookings(db).by_reference(town.booking.reference, lock=True)
        booking.address = "Flat 3; \\ 'B', " + "லட்சுமி அடுக்ககம் " * 9 + "BEGIN:VALARM"
        (await db.get(User, town.asha.id)).full_name = 'Asha "A;:," ராமன்'
        await accept(db, town.ravi, town.booking.reference, encryption)
    _calendar, event = calendar_of(await sent("booking_assigned"))
    assert event["LOCATION"].startswith("Flat 3; \\ 'B', லட்சுமி")
    assert "BEGIN:VALARM" in event["LOCATION"]
    assert not event.children


async def test_other_emails_have_no_calendar_part(own_database, town: Town, encryption, renderer):
    async with own_database.work() as db:
        booking = await accept(db, town.ravi, town.booking.reference, encryption)
        booking.start(town.ravi, booking.live_code("start"), encryption)
    (row,) = [mail for mail in await rows(own_database) if mail.kind == "booking_started"]
    async with own_database.work() as db:
        assert (await renderer.render(db, row)).invitation is None
