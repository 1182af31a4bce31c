"""The whole timetable over difficult calendar days, by two schedulers, on servers in other time zones."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from datetime import time as clock_time

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.user import User
from app.bookings.completion import complete_booking
from app.bookings.repository import Bookings
from app.catalog.service import Service
from app.check.run import find_violations
from app.core import clock
from app.core.db import Database
from app.core.encryption import Encryption
from app.core.outbox import Outbox
from app.core.schedule import ScheduleRun, Tick
from app.jobs.acceptance import accept
from app.listeners import install_listeners
from app.payments import charges
from app.payments.pretend_bank import Authorisation, Instrument
from app.reports.monthly_statement import MonthlyStatement, from_facts
from tasks.context import Context
from tasks.notifications import drain_outbox
from tasks.scheduler import Scheduler, run_tick
from tasks.timetable import TIMETABLE
from tests.application import settings, task_context
from tests.factories import a_customer, a_professional, a_request, a_service
from tests.faults.mail_sink import MailSink

pytestmark = pytest.mark.slow
ENCRYPTION = Encryption("a secret for tests only")
SERVICE_PRICE = 149_00
CARD = Authorisation("authorised", Instrument("card", "Visa", "4242"))
# The last day of a month, and the time zone of the server.
LAST_DAYS = [
    ("2027-02-28", "UTC"),
    ("2028-02-29", "UTC"),
    ("2026-12-31", "America/New_York"),
    ("2027-03-31", "Pacific/Kiritimati"),
]
# When the schedulers run, from that day's evening to the next noon: minutes after midnight, Asia/Kolkata.
CHECKED_MINUTES = [
    1075,
    1080,
    1081,
    1285,
    1290,
    1380,
    1409,
    1410,
    1435,
    1439,
    1440,
    1441,
    1455,
    1650,
    1660,
    1670,
    1920,
    1921,
    2100,
]


def india(day: date, minute: int) -> datetime:
    """By its distance from Greenwich, not by what the code calls India's time."""
    return datetime.combine(day, clock_time(), timezone(timedelta(hours=5, minutes=30))) + timedelta(minutes=minute)


@dataclass
class Town:
    ravi: User
    asha: User
    late: str
    early: str


@pytest.fixture
def server_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    def listen(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield listen
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def mail() -> Iterator[MailSink]:
    sink = MailSink()
    sink.start()
    yield sink
    sink.stop()


@pytest.fixture
def ctx(own_database, own_url, mail, tmp_path) -> Context:
    install_listeners()
    own = settings(own_url, "redis://localhost", SMTP_URL=mail.url, UPLOADS_DIR=str(tmp_path / "kept"))
    return task_context(own_database, own, encryption=ENCRYPTION)


@pytest.mark.parametrize(("last", "zone"), LAST_DAYS)
async def test_a_month_ends_where_india_says_and_all_happens_once(own_database, ctx, mail, server_in, last, zone):
    """A job late on the last evening, one on the first morning, and an offer that is never accepted."""
    server_in(zone)
    day = date.fromisoformat(last)
    with clock.freeze(india(day - timedelta(days=3), 12 * 60)):
        town = await a_town(own_database, day)
    schedulers = [a_scheduler(ctx), a_scheduler(ctx)]
    for minute in CHECKED_MINUTES:
        with clock.freeze(india(day, minute)):
            if minute == 1435:
                await done(own_database, town)
            await asyncio.gather(*(scheduler.poll(ctx) for scheduler in schedulers))
            await asyncio.gather(drain_outbox(ctx), drain_outbox(ctx))

    first = day + timedelta(days=1)
    async with own_database.work() as db:
        runs = list(await db.scalars(select(ScheduleRun)))
        rows = list(await db.scalars(select(Outbox)))
        [report] = await db.scalars(select(MonthlyStatement))
        assert await find_violations(db) == []
    assert {run.attempts for run in runs} == {1}
    assert all(run.finished_at for run in runs)
    assert [run.tick for run in runs if run.name == "send_evening_reminders"] == [india(day, 18 * 60)]
    assert [run.tick for run in runs if run.name == "send_monthly_reports"] == [india(first, 8 * 60)]
    assert [run.tick for run in runs if run.name == "prune_sessions"] == [india(first, 3 * 60 + 30)]

    [evening] = [row for row in rows if row.kind == "evening"]
    assert (evening.recipient_id, evening.data["day"]) == (town.ravi.id, first.isoformat())
    soon = Counter((row.data["booking"], row.kind, row.data["hours"]) for row in rows if "_soon" in row.kind)
    both = ("booking_soon", "job_soon")
    assert soon == Counter(
        (item, kind, hours) for item in (town.late, town.early) for kind in both for hours in (24, 2)
    )
    assert [row.kind for row in rows].count("booking_unfilled") == 1

    recorded_facts = from_facts(report.facts)
    assert (report.user_id, report.month) == (town.asha.id, day.replace(day=1))
    assert [booking.at for booking in recorded_facts.bookings] == [india(day, 23 * 60 + 30)]
    assert (recorded_facts.done, recorded_facts.spent) == (1, SERVICE_PRICE)
    assert [item.at for item in recorded_facts.upcoming] == [india(first, 10 * 60)]

    assert all(row.sent_at or row.last_error == "out of date" for row in rows)
    ids = Counter(item.message_id for item in mail.tries)
    assert set(ids.values()) == {1}
    assert len(ids) == sum(row.sent_at is not None for row in rows)
    [subject] = [item.subject for item in mail.tries if item.subject.startswith(f"Your {day:%B %Y}")]


def a_scheduler(ctx: Context) -> Scheduler:
    async def dispatch(tick: Tick) -> None:
        await run_tick(ctx, TIMETABLE, tick)

    return Scheduler(TIMETABLE, dispatch)


async def a_town(database: Database, day: date) -> Town:
    async with database.work() as db:
        service = await a_service(db, minutes=30, price=SERVICE_PRICE)
        ravi = await a_professional(db, "Ravi Kumar", services=[service], opens=0, closes=24 * 60)
        asha, omar = await a_customer(db, "Asha Raman"), await a_customer(db, "Omar Sheriff")
        omar.email_verified_at = None  # no report for him
        late = await accepted(db, asha, ravi, service, india(day, 23 * 60 + 30))
        early = await accepted(db, asha, ravi, service, india(day + timedelta(days=1), 10 * 60))
        await a_request(db, omar, service, india(day + timedelta(days=1), 6 * 60))
    return Town(ravi, asha, late, early)


async def accepted(db: AsyncSession, asha: User, ravi: User, service: Service, start: datetime) -> str:
    booking = await a_request(db, asha, service, start)
    booking.payment = "card"
    await charges.authorise(db, booking.id, asha.id, booking.price, "booking", CARD)
    await accept(db, ravi, booking.reference, ENCRYPTION)
    return booking.reference


async def done(database: Database, town: Town) -> None:
    async with database.work() as db:
        booking = await Bookings(db).by_reference(town.late, lock=True)
        booking.start(town.ravi, booking.live_code("start"), ENCRYPTION)
        await complete_booking(db, booking, town.ravi, booking.live_code("finish"))
