"""Reminders and monthly statements under a frozen clock: once each, only if still true, by months of Asia/Kolkata."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, text

from app.accounts.user import User
from app.bookings.repository import Bookings
from app.core import clock
from app.core.encryption import Encryption
from app.core.outbox import Outbox
from app.core.schedule import ScheduleRun, ScheduleRuns
from app.jobs.acceptance import accept, hand_back
from app.notifications.messages import MessageRenderer, OutOfDate
from app.notifications.notification import Notification, notify_many
from app.notifications.reminders import first_position
from app.payments import charges
from app.payments.pretend_bank import Authorisation, Instrument
from app.reports.monthly_statement import MonthlyStatement, from_facts, month_before, month_span
from app.reviews.submission import submit_review
from app.services import page_templates
from tasks.notifications import send_evening_reminders, send_job_reminders
from tasks.reports import send_monthly_reports
from tasks.scheduler import run_tick
from tasks.timetable import TIMETABLE
from tests.application import task_context
from tests.factories import a_block, a_customer, a_professional, a_request, a_service, an_admin
from tests.statements import count_statements

ENCRYPTION = Encryption("a secret for tests only")
CARD = Authorisation("authorised", Instrument("card", "Visa", "4242"))
EVENING = datetime(2026, 11, 24, 18, 0, tzinfo=clock.IST)


def ctx(database, tick):
    return task_context(database, tick=tick)


@pytest.fixture
async def town(own_database):
    with clock.freeze(EVENING - timedelta(days=1)):
        async with own_database.work() as db:
            service = await a_service(db, "Fixing leaks")
            ravi = await a_professional(db, "Ravi Kumar", services=[service])
            asha = await a_customer(db, "Asha Raman")
            asha.email_verified_at = clock.now()
            return service, ravi, asha


async def a_job(database, town, start, *, accepted=True):
    service, ravi, asha = town
    async with database.work() as db:
        booking = await a_request(db, asha, service, start)
        booking.payment = "card"
        await charges.authorise(db, booking.id, asha.id, booking.price, "booking", CARD)
        if accepted:
            await accept(db, ravi, booking.reference, ENCRYPTION)
        return booking.reference


async def reminders_sent(database, *kinds):
    async with database.work() as db:
        rows = await db.scalars(select(Outbox).where(Outbox.kind.in_(kinds)).order_by(Outbox.id))
        return list(rows)


async def render_email(database, row):
    writer = MessageRenderer(
        page_templates(), ENCRYPTION, "https://doorstep.example", "Doorstep <hello@doorstep.example>"
    )
    async with database.work() as db:
        try:
            return await writer.render(db, row)
        except OutOfDate:
            return None


async def test_in_the_evening_professionals_hear_of_tomorrows_jobs_and_waiting_offers_once(own_database, town):
    with clock.freeze(EVENING):
        await a_job(own_database, town, EVENING + timedelta(hours=16))
        await a_job(own_database, town, EVENING + timedelta(hours=42), accepted=False)
        for _ in range(2):
            await send_evening_reminders(ctx(own_database, EVENING))
        (row,) = await reminders_sent(own_database, "evening")
        mail = await render_email(own_database, row)
    assert row.recipient_id == town[1].id
    assert "Tomorrow: 1 job" in mail.subject
    assert "10:00\xa0am" in mail.text
    assert "These offers need your answer" in mail.text


async def test_with_nothing_to_do_no_one_is_reminded(own_database, town):
    """The defect: reminders for jobs five weeks off, to one shared room."""
    with clock.freeze(EVENING):
        await a_job(own_database, town, EVENING + timedelta(days=5))
        await send_evening_reminders(ctx(own_database, EVENING))
        assert await reminders_sent(own_database, "evening") == []


async def test_an_evening_that_is_over_is_not_made_up_for(own_database, town):
    with clock.freeze(EVENING):
        await a_job(own_database, town, EVENING + timedelta(hours=16))
    with clock.freeze(EVENING + timedelta(hours=5)):
        await send_evening_reminders(ctx(own_database, EVENING))
    assert await reminders_sent(own_database, "evening") == []


async def test_what_was_handed_back_meanwhile_is_not_sent(own_database, town):
    with clock.freeze(EVENING):
        reference = await a_job(own_database, town, EVENING + timedelta(hours=16))
        await send_evening_reminders(ctx(own_database, EVENING))
        (row,) = await reminders_sent(own_database, "evening")
        async with own_database.work() as db:
            await hand_back(db, town[1], reference, "My scooter broke.")
        assert await render_email(own_database, row) is None


async def test_a_day_and_two_hours_before_both_sides_are_reminded_once_each(own_database, town):
    start = EVENING + timedelta(hours=40)
    with clock.freeze(EVENING):
        await a_job(own_database, town, start)
    visited = []
    for minutes in range(0, 40 * 60, 30):
        with clock.freeze(EVENING + timedelta(minutes=minutes)):
            visited.append((40 - minutes / 60, await send_job_reminders(ctx(own_database, EVENING))))
    assert [item for item in visited if item[1]] == [(24.0, 2), (2.0, 2)]
    rows = await reminders_sent(own_database, "booking_soon", "job_soon")
    assert sorted((row.kind, row.data["hours"], row.recipient_id) for row in rows) == sorted(
        [
            ("booking_soon", 24, town[2].id),
            ("job_soon", 24, town[1].id),
            ("booking_soon", 2, town[2].id),
            ("job_soon", 2, town[1].id),
        ]
    )


async def test_a_run_begins_where_the_last_one_had_looked(own_database, town):
    """So that it does not read a day's jobs again every five minutes."""
    start = EVENING + timedelta(hours=40)
    with clock.freeze(EVENING):
        await a_job(own_database, town, start)
        await a_job(own_database, town, start + timedelta(hours=2))
    reminded = []
    for minutes in (-5, 0, 5, 115, 120, 125):
        tick = ("send_job_reminders", start - timedelta(hours=24) + timedelta(minutes=minutes))
        with clock.freeze(tick[1]):
            async with own_database.work() as db:
                await ScheduleRuns(db).add([tick])
            await run_tick(task_context(own_database), TIMETABLE, tick)
        async with own_database.work() as db:
            run = await db.get_one(ScheduleRun, tick)
            reminded.append((minutes, int(run.result)))
    assert [item for item in reminded if item[1]] == [(0, 2), (120, 2)]


def test_a_job_is_looked_at_again_for_ten_minutes_and_never_after_its_start():
    day = timedelta(hours=24)
    with clock.freeze(EVENING):
        assert first_position(day, None) == (EVENING, 0)
        assert first_position(day, EVENING - timedelta(minutes=5)) == (EVENING + day - timedelta(minutes=15), 0)
        assert first_position(day, EVENING - timedelta(days=3)) == (EVENING, 0)


async def test_many_are_notified_in_as_many_statements_as_a_single_person(own_database, town):
    async with own_database.work() as db:
        people = [await a_customer(db) for _ in range(12)]
    counts = []
    for group in (people[:1], people[1:]):
        reminders = [
            Notification("evening", person.id, {"day": "2026-11-25"}, f"evening:{person.id}", EVENING)
            for person in group
        ]
        with count_statements(own_database) as statements:
            async with own_database.work() as db:
                assert await notify_many(db, reminders) == len(group)
        counts.append(len(statements))
        async with own_database.work() as db:
            assert await notify_many(db, reminders) == 0
    assert counts[0] == counts[1]


async def test_who_accepted_an_hour_before_is_not_reminded(own_database, town):
    with clock.freeze(EVENING):
        await a_job(own_database, town, EVENING + timedelta(hours=20))
        assert await send_job_reminders(ctx(own_database, EVENING)) == 0


async def test_a_cancelled_or_moved_booking_is_not_reminded_of(own_database, town):
    start = EVENING + timedelta(hours=40)
    with clock.freeze(EVENING):
        reference = await a_job(own_database, town, start)
    with clock.freeze(start - timedelta(hours=24)):
        assert await send_job_reminders(ctx(own_database, EVENING)) == 2
        rows = await reminders_sent(own_database, "booking_soon", "job_soon")
        assert all([await render_email(own_database, row) for row in rows])
        async with own_database.work() as db:
            booking = await Bookings(db).by_reference(reference, lock=True)
            booking.cancel(town[2], "customer", "Plans changed.")
            await charges.release(db, booking.id)
        assert [await render_email(own_database, row) for row in rows] == [None, None]
        for row in rows:
            assert "482" not in str(row.data)  # no code waits in a row


async def done(database, town, start):
    """Booked, done and paid at that time."""
    service, ravi, asha = town
    with clock.freeze(start - timedelta(days=2)):
        reference = await a_job(database, town, start)
    with clock.freeze(start):
        async with database.work() as db:
            booking = await Bookings(db).by_reference(reference, lock=True)
            booking.start(ravi, booking.live_code("start"), ENCRYPTION)
            booking.complete(ravi, booking.live_code("finish"))
            await charges.capture(db, booking.id, asha.id, ravi.id, booking.total, held_payout=False)
    return reference


def at(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=clock.IST)


@pytest.mark.parametrize(
    ("month", "last", "first_after"),
    [
        ("2027-02", "2027-02-28T18:30", "2027-03-01T08:30"),
        ("2028-02", "2028-02-29T18:30", "2028-03-01T08:30"),
        ("2027-03", "2027-03-31T18:30", "2027-04-01T08:30"),
        ("2026-12", "2026-12-31T18:30", "2027-01-01T08:30"),
    ],
)
async def test_a_month_is_indias_calendar_month_to_the_minute(own_database, town, month, last, first_after):
    inside, outside = at(last), at(first_after)
    first = at(f"{month}-01T08:30")
    for start in (first - timedelta(days=1), first, inside, outside):
        await done(own_database, town, start)
    tick = clock.at(outside.date(), 8 * 60)
    with clock.freeze(tick + timedelta(hours=3)):
        assert await send_monthly_reports(ctx(own_database, tick)) == 1
        assert await send_monthly_reports(ctx(own_database, tick)) == 0
    async with own_database.work() as db:
        (stored,) = await db.scalars(select(MonthlyStatement))
    statement = from_facts(stored.facts)
    assert stored.month == date.fromisoformat(f"{month}-01")
    assert (statement.done, statement.spent) == (2, 2 * 149_00)
    assert [booking.at for booking in statement.bookings] == [first, inside]


async def test_the_report_says_the_same_in_the_mail_in_the_archive_and_in_the_ledger(own_database, town):
    reference = await done(own_database, town, at("2027-02-10T10:00"))
    with clock.freeze(at("2027-02-11T10:00")):
        async with own_database.work() as db:
            await submit_review(db, town[2], reference, 4, "Good.")
    with clock.freeze(at("2027-02-27T10:00")):
        await a_job(own_database, town, at("2027-03-03T10:00"))
    tick = at("2027-03-01T08:00")
    with clock.freeze(tick):
        await send_monthly_reports(ctx(own_database, tick))
        (row,) = await reminders_sent(own_database, "monthly_report")
        mail = await render_email(own_database, row)
    assert "Your February 2027" in mail.subject
    for part in (mail.text, mail.html):
        assert "₹149" in part
        assert "4.0" in part
        assert "Fixing leaks" in part
    assert "Coming up:" in mail.text
    assert mail.unsubscribe
    async with own_database.work() as db:
        money = await db.scalar(text("SELECT sum(amount) FROM ledger_entries WHERE account = 'gateway'"))
    assert money == row.data["facts"]["spent"]


async def test_reports_go_to_confirmed_addresses_of_people_who_may_book_alone(own_database, town):
    """The defect: mailed to unverified addresses, and twice when run twice."""
    await done(own_database, town, at("2027-02-10T10:00"))
    tick = at("2027-03-01T08:00")
    for change in ("email_verified_at = NULL", "deleted_at = now()"):
        async with own_database.work() as db:
            await db.execute(text(f"UPDATE users SET {change} WHERE id = :id"), {"id": town[2].id})
        with clock.freeze(tick):
            assert await send_monthly_reports(ctx(own_database, tick)) == 0
        async with own_database.work() as db:
            await db.execute(
                text("UPDATE users SET email_verified_at = now(), deleted_at = NULL WHERE id = :id"), {"id": town[2].id}
            )
    async with own_database.work() as db:
        await a_block(db, await db.get(User, town[2].id), await an_admin(db), "No.")
    with clock.freeze(tick):
        assert await send_monthly_reports(ctx(own_database, tick)) == 0


async def test_a_fan_out_that_died_half_way_goes_on_and_notifies_no_one_twice(own_database, town, monkeypatch):
    monkeypatch.setattr("app.reports.monthly_statement_delivery.BATCH_SIZE", 3)
    service, ravi, _asha = town
    async with own_database.work() as db:
        customers = [await a_customer(db, f"Customer {chr(65 + n)}") for n in range(8)]
        for customer in customers:
            customer.email_verified_at = clock.now()
    for number, item in enumerate(customers):
        await done(own_database, (service, ravi, item), at("2027-02-10T10:00") + timedelta(days=number))
    tick = at("2027-03-01T08:00")

    class Died(Exception):
        pass

    calls = []

    class Dying:
        """A database that dies at the third portion."""

        def work(self, after):
            calls.append(after)
            if len(calls) == 3:
                raise Died
            return own_database.work(after)

    with clock.freeze(tick):
        with pytest.raises(Died):
            await send_monthly_reports(ctx(Dying(), tick))
        assert await send_monthly_reports(ctx(own_database, tick)) == 2
    rows = await reminders_sent(own_database, "monthly_report")
    assert sorted(row.recipient_id for row in rows) == sorted(customer.id for customer in customers)


@pytest.mark.parametrize(
    ("day", "before"),
    [
        ("2027-03-01", "2027-02-01"),
        ("2027-01-01", "2026-12-01"),
        ("2028-03-31", "2028-02-01"),
        ("2026-12-31", "2026-11-01"),
    ],
)
def test_the_month_before(day, before):
    assert month_before(date.fromisoformat(day)) == date.fromisoformat(before)


def test_a_month_begins_at_midnight_in_india_where_the_server_counts_in_utc():
    since, until = month_span(date(2028, 2, 1))
    assert since.astimezone(UTC).isoformat() == "2028-01-31T18:30:00+00:00"
    assert until.astimezone(UTC).isoformat() == "2028-02-29T18:30:00+00:00"
    assert month_span(date(2026, 12, 1))[1] == clock.at(date(2027, 1, 1))
